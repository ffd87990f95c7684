/* Socket: the life of a connection's block; see the header for who holds it. */
#include "serve/socket.h"

#include <lauxlib.h>

#include "domain/domain.h"
#include "domain/timer.h"
#include "vm/check.h"

/* How long a closed socket may go on to write what was queued, in seconds. */
static const double flush_time = 5;

static struct rl_heap *heap_of(const struct rl_socket *socket) {
  return socket->stream.input.heap;
}

static void stop_flush(struct rl_socket *socket) {
  if (socket->flush)
    rl_timer_stop(socket->flush);
  socket->flush = NULL;
}

void rl_socket_hold(struct rl_socket *socket) {
  socket->holders++;
}

void rl_socket_let_go(struct rl_socket *socket) {
  if (--socket->holders > 0)
    return;
  rl_stream_discard(&socket->stream);
  rl_free(heap_of(socket), socket, sizeof *socket);
}

static void on_arrived(struct rl_stream *stream) {
  rl_reader_arrived(&RL_OF(stream, struct rl_socket, stream)->reader);
}

static void on_closed(struct rl_stream *stream) {
  struct rl_socket *socket = RL_OF(stream, struct rl_socket, stream);
  stop_flush(socket);
  stream->errands->streams--;
  rl_reader_arrived(&socket->reader); /* it may have failed */
  rl_list_remove(&socket->closable.link);
  rl_socket_let_go(socket);
}

/* With the domain: no flushing. The timers are still there to be stopped. */
static void close_hard(struct rl_closable *closable) {
  struct rl_socket *socket = RL_OF(closable, struct rl_socket, closable);
  stop_flush(socket);
  socket->closed = true;
  rl_reader_close(&socket->reader);
  rl_stream_close(&socket->stream);
}

struct rl_socket *rl_socket_new(lua_State *L, struct rl_serving *serving) {
  static const struct rl_stream_events events = {on_arrived, on_closed};
  struct rl_domain *domain = serving->domain;
  struct rl_heap *heap = domain->settings->heap;
  struct rl_socket **box = lua_newuserdatauv(L, sizeof *box, 0); // [box]
  *box = NULL;
  luaL_setmetatable(L, RL_SOCKET_TYPE);
  struct rl_socket *socket = rl_zalloc(heap, sizeof *socket);
  if (!socket)
    luaL_error(L, "not enough memory");
  *box = socket;
  rl_list_init(&socket->closable.link);
  socket->closable.close = close_hard;
  socket->serving = serving;
  socket->holders = 1;
  socket->max_line = RL_SOCKET_MAX_LINE;
  rl_stream_init(&socket->stream, heap, &domain->errands, serving->scratch, &events);
  rl_reader_init(&socket->reader, domain, &socket->stream);
  return socket;
}

void rl_socket_opened(struct rl_socket *socket) {
  rl_socket_hold(socket); /* the handle does, until on_closed */
  socket->stream.errands->streams++;
  rl_list_push(&socket->serving->sockets, &socket->closable.link);
}

int rl_socket_open(struct rl_socket *socket, int fd, bool local) {
  rl_socket_opened(socket);
  return rl_stream_open(&socket->stream, socket->serving->domain->loop, fd, local);
}

static void on_flush_over(struct rl_timer *timer, void *owner) {
  struct rl_socket *socket = owner;
  (void)timer;
  socket->flush = NULL;
  rl_stream_close(&socket->stream);
}

void rl_socket_close(struct rl_socket *socket) {
  if (socket->closed)
    return;
  socket->closed = true;
  rl_reader_close(&socket->reader);
  rl_stream_finish(&socket->stream);
  if (!socket->stream.open)
    return;
  socket->flush =
      rl_timer_start(&socket->serving->domain->timers, flush_time, false, on_flush_over, socket);
  if (!socket->flush)
    rl_stream_close(&socket->stream);
}

struct rl_socket *rl_socket_check(lua_State *L, int index) {
  struct rl_socket **box =
      index == 1 ? rl_check_self(L, RL_SOCKET_TYPE) : luaL_checkudata(L, index, RL_SOCKET_TYPE);
  luaL_argcheck(L, *box, index, "socket was collected");
  return *box;
}

int rl_socket_collect(lua_State *L) {
  struct rl_socket **box = luaL_checkudata(L, 1, RL_SOCKET_TYPE);
  if (*box) {
    rl_socket_close(*box);
    rl_socket_let_go(*box);
    *box = NULL;
  }
  return 0;
}
