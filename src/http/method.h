/* Method: the request methods that Rille knows, by number. Methods are case-sensitive. */
#ifndef RL_HTTP_METHOD_H
#define RL_HTTP_METHOD_H

#include <stddef.h>

enum rl_method {
  RL_METHOD_UNKNOWN, /* answered with 501 */
  RL_METHOD_GET,
  RL_METHOD_HEAD,
  RL_METHOD_POST,
  RL_METHOD_PUT,
  RL_METHOD_PATCH,
  RL_METHOD_DELETE,
  RL_METHOD_OPTIONS,
  RL_METHOD_OTHER, /* known to the parser: PROPFIND, PURGE, REPORT and the like; see its bytes */
};

enum rl_method rl_method_of(const char *bytes, size_t size);

#endif
