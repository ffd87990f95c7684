/* HTTP context: made when a handler first asks for it, or starts something that inherits it; most
 * do neither. */
#include "serve/http_context.h"

#include <stdio.h>

#include "domain/context.h"
#include "domain/domain.h"
#include "domain/fiber.h"
#include "http/scan.h"
#include "serve/http_pool.h"

/* `context` with one more key, in its place; NULL without memory. */
static struct rl_context *add(struct rl_heap *heap, struct rl_context *context, const char *key,
                              const char *value) {
  struct rl_context *more;
  if (rl_context_with(heap, context, rl_scan_text(key), rl_scan_text(value), &more) !=
      RL_CONTEXT_FINE)
    more = NULL;
  rl_context_release(context);
  return more;
}

struct rl_context *rl_http_context_make(const struct rl_fiber *fiber) {
  const struct rl_http_exchange *exchange = fiber->owner;
  struct rl_heap *heap = fiber->domain->settings->heap;
  uint32_t time = exchange->server->options.time[RL_HTTP_RUNNING]; /* ms */
  char id[RL_HTTP_ID], deadline[32];
  rl_http_pool_id(exchange, id);
  struct rl_context *context = add(heap, NULL, "request_id", id);
  if (!context || time == 0 || exchange->own_time)
    return context;
  snprintf(deadline, sizeof deadline, "%.3f", (double)(exchange->started + time) / 1e3);
  return add(heap, context, "deadline", deadline);
}
