/* HTTP context: what the work for a request carries along. */
#ifndef RL_SERVE_HTTP_CONTEXT_H
#define RL_SERVE_HTTP_CONTEXT_H

struct rl_context;
struct rl_fiber;

/* For rl_fiber.introduce of a handler's fiber, whose owner is the exchange: a context with the
 * request's id and, if its handler's time is bounded, the clock when that is over. NULL without
 * memory. */
struct rl_context *rl_http_context_make(const struct rl_fiber *fiber);

#endif
