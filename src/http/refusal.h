/* Refusal: why a request is not served. The answer to it closes the connection, with a lingering
 * close, since where the next request would begin is in doubt. */
#ifndef RL_HTTP_REFUSAL_H
#define RL_HTTP_REFUSAL_H

struct rl_refusal {
  int status;      /* of the answer; 0 while nothing is wrong */
  const char *why; /* for the log; static */
};

/* Always -1, so that a check can end with it. */
static inline int rl_refusal_set(struct rl_refusal *refusal, int status, const char *why) {
  refusal->status = status;
  refusal->why = why;
  return -1;
}

#endif
