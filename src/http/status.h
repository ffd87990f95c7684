/* Status: the status codes of RFC 9110 and its extensions. Any thread. */
#ifndef RL_HTTP_STATUS_H
#define RL_HTTP_STATUS_H

#include <stdbool.h>

/* May an answer bear it? 100 to 599; others have no class, and clients differ about them. */
static inline bool rl_status_valid(int status) {
  return status >= 100 && status <= 599;
}

/* Does it rule out a body, whatever the head says (RFC 9112 section 6.3)? */
static inline bool rl_status_bodyless(int status) {
  return status < 200 || status == 204 || status == 304;
}

/* Its reason phrase; "" for one that is not registered. Static. */
const char *rl_status_reason(int status);

#endif
