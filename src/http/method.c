/* Method: found by comparison; the frequent ones come first. CONNECT and TRACE are left unknown:
 * a server that is no proxy must never answer the first with success, and the second only sends
 * back what a script in a browser may not see. */
#include "http/method.h"

#include <string.h>

static const struct {
  const char name[14];
  unsigned char size, method;
} methods[] = {
    {"GET", 3, RL_METHOD_GET},
    {"POST", 4, RL_METHOD_POST},
    {"HEAD", 4, RL_METHOD_HEAD},
    {"PUT", 3, RL_METHOD_PUT},
    {"PATCH", 5, RL_METHOD_PATCH},
    {"DELETE", 6, RL_METHOD_DELETE},
    {"OPTIONS", 7, RL_METHOD_OPTIONS},
    {"ACL", 3, RL_METHOD_OTHER},
    {"BIND", 4, RL_METHOD_OTHER},
    {"CHECKOUT", 8, RL_METHOD_OTHER},
    {"COPY", 4, RL_METHOD_OTHER},
    {"LINK", 4, RL_METHOD_OTHER},
    {"LOCK", 4, RL_METHOD_OTHER},
    {"M-SEARCH", 8, RL_METHOD_OTHER},
    {"MERGE", 5, RL_METHOD_OTHER},
    {"MKACTIVITY", 10, RL_METHOD_OTHER},
    {"MKCALENDAR", 10, RL_METHOD_OTHER},
    {"MKCOL", 5, RL_METHOD_OTHER},
    {"MOVE", 4, RL_METHOD_OTHER},
    {"NOTIFY", 6, RL_METHOD_OTHER},
    {"PROPFIND", 8, RL_METHOD_OTHER},
    {"PROPPATCH", 9, RL_METHOD_OTHER},
    {"PURGE", 5, RL_METHOD_OTHER},
    {"REBIND", 6, RL_METHOD_OTHER},
    {"REPORT", 6, RL_METHOD_OTHER},
    {"SEARCH", 6, RL_METHOD_OTHER},
    {"SUBSCRIBE", 9, RL_METHOD_OTHER},
    {"UNBIND", 6, RL_METHOD_OTHER},
    {"UNLINK", 6, RL_METHOD_OTHER},
    {"UNLOCK", 6, RL_METHOD_OTHER},
    {"UNSUBSCRIBE", 11, RL_METHOD_OTHER},
};

enum rl_method rl_method_of(const char *bytes, size_t size) {
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    if (methods[i].size == size && memcmp(methods[i].name, bytes, size) == 0)
      return (enum rl_method)methods[i].method;
  }
  return RL_METHOD_UNKNOWN;
}
