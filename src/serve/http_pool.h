/* HTTP pool: the domain's part of the HTTP session, and the exchanges that connections borrow.
 * Made by the first server; its finalizer closes what is open when the state is closed, and its
 * memory goes with its last handle. Threads: the domain's only. */
#ifndef RL_SERVE_HTTP_POOL_H
#define RL_SERVE_HTTP_POOL_H

#include "serve/http.h"

/* The domain's, made if need be. Raises for want of memory, or when the state is being closed. */
struct rl_http *rl_http_pool_of(lua_State *L);

/* An exchange for the connection, which has none; NULL when there is no memory. */
struct rl_http_exchange *rl_http_pool_borrow(struct rl_http_connection *connection);

/* Ends what the exchange was used for: it may be used for the next request. Scripts that kept the
 * request get errors from now on. */
void rl_http_pool_reset(struct rl_http_exchange *exchange);

/* Gives it back; the connection has none any more. */
void rl_http_pool_give(struct rl_http_exchange *exchange);

/* Once a second: frees the exchanges that were not needed since the last time. False when none is
 * left that could be freed next time. */
bool rl_http_pool_trim(struct rl_http *http);

/* A server's holder lets go of it. */
void rl_http_pool_release(struct rl_http_server *server);

/* Now, as `Date` says it. */
int64_t rl_http_pool_seconds(void);

/* What logs and answers call a request. */
enum { RL_HTTP_ID = 40 };
void rl_http_pool_id(const struct rl_http_exchange *exchange, char text[RL_HTTP_ID]);

/* Empties a buffer; what it holds beyond a request's usual needs is given back. */
static inline void rl_http_pool_empty(struct rl_buffer *buffer) {
  if (buffer->capacity > RL_HTTP_SPARE || buffer->failed)
    rl_buffer_free(buffer);
  else
    buffer->size = 0;
}

#endif
