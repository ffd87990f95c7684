/* Dialer: a block held by the dial, until it is done, and by the fiber, until it has its answer. A
 * cancelled fiber leaves at once; the dial follows when libuv has given everything back. */
#include "serve/dialer.h"

#include <lauxlib.h>

#include "domain/domain.h"
#include "domain/timer.h"
#include "io/dial.h"
#include "serve/socket.h"

struct dialer {
  struct rl_dial dial;
  struct rl_wait wait;
  struct rl_timer *timer; /* NULL when there is none */
  struct rl_socket *socket;
  int status;
  unsigned holders;
};

static void let_go(struct dialer *dialer) {
  if (--dialer->holders > 0)
    return;
  struct rl_socket *socket = dialer->socket;
  rl_free(socket->stream.input.heap, dialer, sizeof *dialer);
  rl_socket_let_go(socket);
}

static void stop_timer(struct dialer *dialer) {
  if (dialer->timer)
    rl_timer_stop(dialer->timer);
  dialer->timer = NULL;
}

static void on_done(struct rl_dial *dial, int status) {
  struct dialer *dialer = RL_OF(dial, struct dialer, dial);
  if (status == 0) {
    dialer->socket->peer = dial->peer;
    rl_socket_opened(dialer->socket);
  }
  if (rl_wait_pending(&dialer->wait)) {
    dialer->status = status;
    rl_wake(&dialer->wait, 0);
  }
  let_go(dialer);
}

static void undo(struct rl_wait *wait) {
  struct dialer *dialer = RL_OF(wait, struct dialer, wait);
  stop_timer(dialer);
  rl_dial_cancel(&dialer->dial);
  let_go(dialer);
}

static void on_timeout(struct rl_timer *timer, void *owner) {
  struct dialer *dialer = owner;
  (void)timer;
  dialer->timer = NULL;
  if (!rl_wait_pending(&dialer->wait))
    return; /* just done */
  dialer->status = UV_ETIMEDOUT;
  rl_wake(&dialer->wait, 0);
  rl_dial_cancel(&dialer->dial);
}

/* [.., socket] -> results */
static int answer(lua_State *L, const struct rl_address *address, int status) {
  char url[sizeof *address];
  if (status == 0)
    return 1;
  rl_address_url(address, url, sizeof url);
  luaL_pushfail(L);
  lua_pushfstring(L, "cannot connect to %s: %s", url,
                  status == UV_ETIMEDOUT ? "timeout" : uv_strerror(status));
  return 2;
}

static int finish(lua_State *L, int status, lua_KContext context) {
  struct dialer *dialer = (struct dialer *)context;
  struct rl_address address = dialer->dial.address;
  (void)status;
  int result = dialer->status;
  stop_timer(dialer);
  let_go(dialer);
  return answer(L, &address, result);
}

int rl_dialer_connect(lua_State *L, struct rl_socket *socket, const struct rl_address *address,
                      double timeout) {
  struct rl_domain *domain = socket->serving->domain;
  struct rl_heap *heap = domain->settings->heap;
  rl_wait_check(L, "net.connect");
  struct dialer *dialer = rl_zalloc(heap, sizeof *dialer);
  if (!dialer)
    return luaL_error(L, "not enough memory");
  dialer->socket = socket;
  dialer->holders = 1;
  rl_socket_hold(socket);
  if (timeout > 0) {
    dialer->timer = rl_timer_start(&domain->timers, timeout, true, on_timeout, dialer);
    if (!dialer->timer) {
      let_go(dialer);
      return luaL_error(L, "not enough memory");
    }
  }
  int status = rl_dial_start(&dialer->dial, &domain->errands, &socket->stream, address, on_done);
  if (status != 0) {
    stop_timer(dialer);
    let_go(dialer);
    return answer(L, address, status);
  }
  dialer->holders = 2;
  return rl_park(L, &dialer->wait, undo, finish, (lua_KContext)dialer);
}
