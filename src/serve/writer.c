/* Writer: see the header. A waiting write is a block of its own, since several fibers may wait to
 * write to one stream, and since libuv gives the request back after the fiber may be gone. */
#include "serve/writer.h"

#include <lauxlib.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/rest.h"
#include "domain/timer.h"
#include "io/stream.h"
#include "serve/serving.h"
#include "vm/call.h"

enum { FEW = 16 }; /* strings that need no extra memory */

struct waiting {
  struct rl_write write;
  struct rl_wait wait;
  struct rl_domain *domain;
  struct rl_stream *stream;
  struct rl_timer *timer; /* of the timeout; NULL when there is none */
  int status;             /* what the fiber is told */
  unsigned holders;       /* libuv, and the fiber */
};

static void let_go(struct waiting *waiting) {
  if (--waiting->holders == 0)
    rl_free(waiting->domain->settings->heap, waiting, sizeof *waiting);
}

static void stop_timer(struct waiting *waiting) {
  if (waiting->timer)
    rl_timer_stop(waiting->timer);
  waiting->timer = NULL;
}

static void on_done(struct rl_write *write, int status) {
  struct waiting *waiting = RL_OF(write, struct waiting, write);
  if (rl_wait_pending(&waiting->wait)) {
    /* A stream that failed cancels its queue: tell the reason, not the consequence. */
    waiting->status =
        status == UV_ECANCELED && waiting->stream->failed ? waiting->stream->failed : status;
    rl_wake(&waiting->wait, 0);
  }
  let_go(waiting);
}

static void on_timeout(struct rl_timer *timer, void *owner) {
  struct waiting *waiting = owner;
  (void)timer;
  waiting->timer = NULL;
  if (!rl_wait_pending(&waiting->wait))
    return; /* just done */
  waiting->status = UV_ETIMEDOUT;
  rl_wake(&waiting->wait, 0);
  rl_stream_fail(waiting->stream, UV_ETIMEDOUT);
}

static void undo(struct rl_wait *wait) {
  struct waiting *waiting = RL_OF(wait, struct waiting, wait);
  stop_timer(waiting);
  rl_stream_fail(waiting->stream, UV_ECANCELED);
  let_go(waiting);
}

static int answer(lua_State *L, int status) {
  if (status == UV_ETIMEDOUT)
    return rl_refuse(L, "timeout");
  if (status != 0)
    return rl_serving_fail(L, status);
  lua_pushvalue(L, 1);
  return 1;
}

static int finish(lua_State *L, int status, lua_KContext context) {
  struct waiting *waiting = (struct waiting *)context;
  (void)status;
  int result = waiting->status;
  stop_timer(waiting);
  let_go(waiting);
  return answer(L, result);
}

/* All was written before. */
static int rested(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  return answer(L, 0);
}

/* Everything that may lack memory comes before the bytes are queued. */
static struct waiting *prepare(struct rl_domain *domain, struct rl_stream *stream, double timeout) {
  struct waiting *waiting = rl_zalloc(domain->settings->heap, sizeof *waiting);
  if (!waiting)
    return NULL;
  waiting->write.done = on_done;
  waiting->domain = domain;
  waiting->stream = stream;
  waiting->holders = 1;
  if (timeout > 0) {
    waiting->timer = rl_timer_start(&domain->timers, timeout, false, on_timeout, waiting);
    if (!waiting->timer) {
      let_go(waiting);
      return NULL;
    }
  }
  return waiting;
}

static int wait_written(lua_State *L, struct rl_domain *domain, struct rl_stream *stream,
                        const uv_buf_t *bufs, unsigned count, double timeout) {
  struct waiting *waiting = prepare(domain, stream, timeout);
  if (!waiting) {
    rl_stream_fail(stream, UV_ENOMEM); /* a part of it is out already */
    return rl_serving_fail(L, UV_ENOMEM);
  }
  int status = rl_stream_queue(stream, &waiting->write, bufs, count);
  if (status != 0) {
    stop_timer(waiting);
    let_go(waiting);
    return rl_serving_fail(L, status);
  }
  waiting->holders = 2;
  return rl_park(L, &waiting->wait, undo, finish, (lua_KContext)waiting);
}

int rl_writer_write(lua_State *L, struct rl_domain *domain, struct rl_stream *stream, int first,
                    double timeout) {
  uv_buf_t few[FEW], *bufs = few;
  int last = lua_gettop(L);
  unsigned count = last >= first ? (unsigned)(last - first + 1) : 0;
  size_t all = RL_REST_CALL;
  if (count > FEW)
    bufs = lua_newuserdatauv(L, count * sizeof *bufs, 0);
  for (unsigned i = 0; i < count; i++) {
    size_t size;
    const char *text = luaL_checklstring(L, first + (int)i, &size);
    bufs[i] = (uv_buf_t){.base = (char *)text, .len = size};
    all += size;
  }
  rl_wait_check(L, "conn:write");
  if (!stream->open && stream->failed)
    return rl_serving_fail(L, stream->failed);
  if (!stream->open || stream->finishing)
    return rl_refuse(L, "connection is closed");
  if (stream->shut)
    return rl_refuse(L, "connection is shut down for writing");
  int status = rl_stream_write(stream, &bufs, &count);
  if (status == 1)
    return wait_written(L, domain, stream, bufs, count, timeout);
  if (status == 0 && rl_rest_is_due(L, all, "conn:write"))
    return rl_rest(L, 0, rested, 0);
  return answer(L, status);
}
