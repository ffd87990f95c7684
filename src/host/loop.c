/* Loop: what happens in one, from its first message to its last. Where the program as a whole
 * stands is the course's affair; a loop looks at it when it is told to. */
#include "host/loop.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "domain/fiber.h"
#include "domain/interrupt.h"
#include "domain/prompt.h"
#include "domain/report.h"
#include "domain/scheduler.h"
#include "serve/serving.h"
#include "vm/call.h"

enum {
  WATCH_MS = 10, /* how often a stopping loop looks whether its handlers have finished */
  PRESS_MS = 5   /* how often an ending one looks whether what still runs has ended */
};

static const double MOST_GRACE = 1e12; /* what is longer is for ever */

/* -- stopping ------------------------------------------------------------------------------ */

static void rest(struct rl_loop *loop) {
  if (loop->domain.guest)
    loop->rest(loop);
  else
    uv_stop(loop->uv);
}

static void on_watch(uv_timer_t *timer) {
  struct rl_loop *loop = timer->data;
  bool over = uv_now(loop->uv) >= loop->stop_at;
  if (rl_serving_running(&loop->domain) > 0 && !over)
    return;
  if (over) { /* for all: another loop may be kept from looking at its clock */
    uv_timer_stop(timer);
    rl_course_advance(loop->course, RL_HALTED);
  }
  rest(loop);
}

/* No new connections; what runs may finish. */
static void stop_gracefully(struct rl_loop *loop) {
  if (loop->stopping)
    return;
  loop->stopping = true;
  rl_serving_stop_listening(&loop->domain);
  uv_update_time(loop->uv);
  double grace = atomic_load(&loop->domain.settings->grace);
  grace = grace < MOST_GRACE ? grace : MOST_GRACE;
  loop->stop_at = uv_now(loop->uv) + (uint64_t)(grace * 1000);
  uv_timer_start(&loop->clock, on_watch, 0, WATCH_MS);
}

/* Does what the stage of the program asks of it. */
static void look(struct rl_loop *loop) {
  enum rl_stage stage = rl_course_stage(loop->course);
  if (stage >= RL_STOPPING && stage < RL_ENDING)
    stop_gracefully(loop);
  if (stage >= RL_HALTED)
    rest(loop);
}

static void told(struct rl_domain *here, struct rl_message *message) {
  (void)message;
  struct rl_loop *loop = rl_loop_of(here);
  rl_course_heard(&loop->follower);
  if (loop->domain.vm.number == 1)
    rl_prompt_hear(loop->domain.settings);
  look(loop);
}

/* As stop_gracefully would have it, of a loop that does not come to that. */
bool rl_loop_halts(struct rl_domain *main) {
  struct rl_loop *loop = rl_loop_of(main);
  enum rl_stage stage = rl_course_stage(loop->course);
  if (stage != RL_STOPPING)
    return stage >= RL_HALTED;
  double stopping = (double)(rl_domain_now(main) - atomic_load(&loop->course->stopped)) / 1e9;
  return rl_serving_running(main) == 0 || stopping >= atomic_load(&main->settings->grace);
}

bool rl_loop_exit(struct rl_domain *main, struct rl_fiber *caller, int status) {
  struct rl_loop *loop = rl_loop_of(main);
  if (!rl_course_exit(loop->course, status))
    return false;
  loop->leaver = caller;
  return true;
}

/* -- the script ---------------------------------------------------------------------------- */

/* [error] */
static int report(lua_State *L) {
  size_t size;
  const char *text = rl_traceback_text(L, 1, &size);
  rl_report_text(rl_domain_of(L), NULL, RL_LOG_ERROR, "rille: ", text, size);
  return 0;
}

/* [.., error] -> [..]: the program fails; of all loops the first one tells why. */
static void fail(struct rl_loop *loop, lua_State *L) {
  if (!rl_course_fail(loop->course)) {
    lua_pop(L, 1);
    return;
  }
  lua_pushcfunction(L, report);
  lua_insert(L, -2);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK)
    rl_log_line(&loop->domain.settings->log, RL_LOG_ERROR,
                "rille: the script failed, and no memory is left to say why");
}

static void script_ended(struct rl_fiber *fiber, lua_State *L, int status, int nresults) {
  (void)nresults;
  struct rl_loop *loop = fiber->owner;
  if (fiber->whole.cancelled) /* by a signal, which has given the status, or by os.exit */
    return;
  loop->script = NULL;
  if (status != LUA_OK)
    fail(loop, L);
}

static int load(lua_State *L) {
  struct rl_loop *loop = lua_touserdata(L, 1);
  rl_source_load(loop->source, L); // [loop, function, arguments..]
  struct rl_fiber *fiber = rl_fiber_new(L, script_ended, loop);
  int count = lua_gettop(L) - 1;
  if (!lua_checkstack(fiber->L, count + LUA_MINSTACK)) {
    rl_fiber_drop(fiber);
    return luaL_error(L, "not enough memory");
  }
  lua_xmove(L, fiber->L, count);
  rl_fiber_start(fiber);
  loop->script = fiber;
  return 0;
}

int rl_loop_start(struct rl_loop *loop) {
  lua_State *L = loop->domain.vm.L;
  if (rl_call_protected(L, load, loop) == LUA_OK)
    return 0;
  fail(loop, L);
  return -1;
}

/* The script waits, and nothing is left that could wake it. */
static void report_deadlock(struct rl_loop *loop) {
  lua_State *L = loop->script->innermost;
  if (!rl_course_fail(loop->course))
    return;
  lua_checkstack(L, LUA_MINSTACK);
  luaL_traceback(L, L, "deadlock: the script waits, but nothing is left that could wake it", 0);
  size_t size;
  const char *text = lua_tolstring(L, -1, &size);
  rl_report_text(&loop->domain, NULL, RL_LOG_ERROR, "rille: ", text, size);
  lua_pop(L, 1);
}

/* -- running and ending -------------------------------------------------------------------- */

/* What `done` looks at changes with a message, which may be taken just before the loop would poll:
 * once the program is halted, each makes the loop return (look). */
void rl_loop_await(struct rl_loop *loop, bool (*done)(struct rl_loop *loop)) {
  rl_domain_expect(&loop->domain); /* the loop stays alive */
  while (!done(loop))
    uv_run(loop->uv, UV_RUN_ONCE);
  rl_domain_settle(&loop->domain);
}

static bool is_ending(struct rl_loop *loop) {
  return rl_course_stage(loop->course) >= RL_ENDING;
}

bool rl_loop_turn(struct rl_loop *loop) {
  struct rl_domain *domain = &loop->domain;
  if (rl_loop_halts(domain))
    return false;
  rl_domain_keep_polling(domain); /* what was sent is heard, even if nothing else is left to do */
  bool alive = uv_run(loop->uv, UV_RUN_NOWAIT) != 0;
  if (rl_loop_halts(domain))
    return false;
  rl_scheduler_pause(domain);
  return alive || !rl_mailbox_empty(&domain->mailbox);
}

int rl_loop_timeout(const struct rl_loop *loop) {
  if (!rl_scheduler_paused(&loop->domain))
    return 0;
  uv_update_time(loop->uv); /* it has stood still while Lua ran */
  return uv_loop_alive(loop->uv) ? uv_backend_timeout(loop->uv) : -1;
}

/* What was sent keeps the loop alive, even if nothing else does. */
static bool expects_mail(struct rl_loop *loop) {
  struct rl_domain *domain = &loop->domain;
  if (rl_mailbox_empty(&domain->mailbox) || rl_loop_halts(domain))
    return false;
  rl_domain_keep_polling(domain);
  return true;
}

void rl_loop_run(struct rl_loop *loop) {
  expects_mail(loop);
  bool more = !rl_loop_halts(&loop->domain); /* turns may have left it so */
  for (; more; more = expects_mail(loop))
    uv_run(loop->uv, UV_RUN_DEFAULT);
  if (loop->script && rl_course_stage(loop->course) == RL_RUNNING)
    report_deadlock(loop);
  rl_course_rest_loop(loop->course);
  rl_loop_await(loop, is_ending);
}

void rl_loop_cancel(struct rl_loop *loop) {
  int signal = atomic_load(&loop->course->signal);
  if (loop->script && signal)
    rl_course_set_status(loop->course, 128 + signal);
  rl_serving_stop_listening(&loop->domain);
  rl_scheduler_end(&loop->domain);
  if (loop->leaver)
    rl_fiber_abandon(loop->leaver);
  rl_course_end_loop(loop->course);
}

static void on_press(uv_timer_t *timer) {
  (void)timer; /* it keeps the loop alive, and ends its polls */
}

void rl_loop_finish(struct rl_loop *loop, bool (*done)(struct rl_loop *loop)) {
  uv_timer_start(&loop->clock, on_press, 0, PRESS_MS);
  while (!done(loop) || !rl_scheduler_ended(&loop->domain))
    uv_run(loop->uv, UV_RUN_ONCE);
  uv_timer_stop(&loop->clock);
}

/* -- life ---------------------------------------------------------------------------------- */

static void close_loop(struct rl_loop *loop) {
  if (uv_loop_close(loop->uv) != 0) {
    uv_print_all_handles(loop->uv, stderr);
    abort(); /* a handle that outlives its owner is a bug of ours */
  }
}

int rl_loop_init(struct rl_loop *loop, const struct rl_loop_origin *origin) {
  struct rl_domain *domain = &loop->domain;
  domain->settings = origin->settings;
  domain->main = domain;
  domain->vm.number = origin->number;
  loop->course = origin->course;
  loop->source = origin->source;
  loop->rest = origin->rest;
  domain->guest = origin->host;
  loop->uv = origin->host ? origin->host : &loop->own;
  return origin->host ? 0 : uv_loop_init(&loop->own);
}

void rl_loop_discard(struct rl_loop *loop) {
  if (!loop->domain.guest)
    close_loop(loop);
}

int rl_loop_open(struct rl_loop *loop) {
  struct rl_domain *domain = &loop->domain;
  rl_interrupt_here(domain);
  int error = rl_scheduler_open(domain, loop->uv);
  if (error != 0) {
    rl_interrupt_here(NULL);
    rl_loop_discard(loop);
    return error;
  }
  uv_timer_init(loop->uv, &loop->clock);
  loop->clock.data = loop;
  loop->follower = (struct rl_follower){.domain = domain, .message.arrive = told};
  rl_course_follow(loop->course, &loop->follower);
  look(loop);
  return 0;
}

void rl_loop_leave(struct rl_loop *loop) {
  rl_course_unfollow(loop->course, &loop->follower);
  rl_interrupt_here(&loop->domain);
  rl_scheduler_drain(&loop->domain); /* what came too late to matter */
  assert(rl_scheduler_ended(&loop->domain));
  rl_scheduler_close(&loop->domain);
  rl_interrupt_here(NULL);
}

bool rl_loop_has_left(const struct rl_loop *loop) {
  return loop->domain.open == 0 && loop->domain.errands.out == 0;
}

void rl_loop_close(struct rl_loop *loop) {
  rl_loop_leave(loop);
  uv_close((uv_handle_t *)&loop->clock, NULL);
  uv_run(loop->uv, UV_RUN_NOWAIT); /* an old uv_stop would end the next run at once */
  uv_run(loop->uv, UV_RUN_DEFAULT);
  assert(rl_loop_has_left(loop));
  close_loop(loop);
}
