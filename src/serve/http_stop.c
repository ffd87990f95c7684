/* HTTP stop: by phases, each of which knows what its connections wait for. */
#include "serve/http_stop.h"

#include "serve/http_pool.h"
#include "serve/http_settle.h"
#include "serve/http_wire.h"

/* A stream of events has no end of its own; its client comes back by itself. */
static void stop_events(struct rl_http_connection *connection) {
  struct rl_http_exchange *exchange = connection->exchange;
  if (exchange && exchange->events)
    rl_http_wire_cancel(exchange, RL_HTTP_CLOSING);
}

/* A request that has reached this machine counts as begun, though nobody has read it yet. One whose
 * handler is what stops the server is still in the list where it was read: it settles later. */
static void stop_reading(struct rl_http_connection *connection) {
  if (connection->phase == RL_HTTP_PHASES) {
    stop_events(connection);
    return;
  }
  bool comes = rl_thin_readable(&connection->thin);
  if (comes && (connection->exchange || rl_http_pool_borrow(connection)))
    rl_http_settle_stay(connection, RL_HTTP_HEAD);
  else
    rl_http_wire_close(connection);
}

/* Its answer is written, and only what its handler left of the body is awaited. */
static void stop_draining(struct rl_http_connection *connection) {
  if (connection->exchange->stage == RL_HTTP_DRAINING)
    rl_http_settle_linger(connection);
}

static void stop_phase(struct rl_http_server *server, enum rl_http_phase phase,
                       void (*stop)(struct rl_http_connection *connection)) {
  struct rl_list *list = &server->phases[phase];
  for (struct rl_list *at = list->next, *next; at != list; at = next) {
    next = at->next;
    stop(RL_OF(at, struct rl_http_connection, link));
  }
}

void rl_http_stop(struct rl_http_server *server) {
  server->stopping = true;
  stop_phase(server, RL_HTTP_HEAD, stop_reading);
  stop_phase(server, RL_HTTP_IDLE, stop_reading);
  stop_phase(server, RL_HTTP_BODY, stop_draining);
  stop_phase(server, RL_HTTP_RUNNING, stop_events);
  stop_phase(server, RL_HTTP_HALF, stop_events);
  stop_phase(server, RL_HTTP_SENDING, stop_events);
}

void rl_http_stop_now(struct rl_http_server *server) {
  for (int phase = 0; phase < RL_HTTP_PHASES; phase++)
    stop_phase(server, (enum rl_http_phase)phase, rl_http_wire_close);
}
