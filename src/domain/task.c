/* Task: see the header for its way and its owners. */
#include "domain/task.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdio.h>

#include "base/clock.h"
#include "domain/account.h"
#include "domain/context.h"
#include "domain/domain.h"
#include "domain/job.h"
#include "domain/timer.h"
#include "vm/call.h"

enum { SPARE_TASKS = 1024 };

#define BEGINS_A_LINE(member)                                                                      \
  static_assert(sizeof(void *) != 8 || offsetof(struct rl_task, member) % RL_CACHE_LINE == 0,      \
                "see struct rl_task")

BEGINS_A_LINE(submitted);
BEGINS_A_LINE(arguments);
BEGINS_A_LINE(results);
BEGINS_A_LINE(runner);
BEGINS_A_LINE(peak);
BEGINS_A_LINE(stuck);
static_assert(sizeof(void *) != 8 || offsetof(struct rl_task, arguments_room) + 40 ==
                                         offsetof(struct rl_task, arguments),
              "nothing else stands where the arguments' bytes do");

/* -- life --------------------------------------------------------------------------------- */

static int cancel_fiber(lua_State *L) {
  struct rl_task *task = lua_touserdata(L, 1);
  if (rl_unpack(L, &task->reason) == 0 || lua_isnil(L, -1))
    lua_pushliteral(L, "cancelled");
  rl_kin_cancel(L, task->fiber);
  return 0;
}

/* At the runner. The task may have ended meanwhile. */
static void cancel_arrived(struct rl_domain *here, struct rl_message *message) {
  struct rl_task *task = RL_OF(message, struct rl_task, cancel);
  if (task->fiber && rl_call_protected(here->vm.L, cancel_fiber, task) != LUA_OK)
    lua_pop(here->vm.L, 1); /* without memory for the reason the task runs to its end */
  rl_task_release(task);
}

void rl_task_tell(struct rl_task *task) {
  atomic_fetch_add(&task->references, 1);
  atomic_store(&task->stop, true);
  rl_mailbox_push(&task->runner->mailbox, &task->cancel);
}

/* A buffer that has bytes keeps them, the room or what it grew to; one that was freed has its room
 * again. */
static void lend_rooms(struct rl_task *task) {
  if (!task->arguments.bytes.bytes)
    rl_buffer_lend(&task->arguments.bytes, task->arguments_room, sizeof task->arguments_room);
  if (!task->results.bytes.bytes)
    rl_buffer_lend(&task->results.bytes, task->results_room, sizeof task->results_room);
}

/* Of a field that is seldom another: see struct rl_task. */
static void set(uint64_t *field, uint64_t value) {
  if (*field != value)
    *field = value;
}

struct rl_task *rl_task_new(lua_State *L) {
  struct rl_domain *domain = rl_domain_of(L);
  struct rl_fiber *parent = rl_fiber_running(L);
  if (!rl_fiber_introduce(parent))
    return NULL;
  struct rl_list *link = rl_list_take(&domain->free_tasks);
  struct rl_task *task;
  if (link) {
    task = RL_OF(link, struct rl_task, link);
    domain->spare_tasks--;
  } else {
    struct rl_heap *heap = domain->settings->heap;
    task = rl_zalloc_lines(heap, sizeof *task);
    if (!task)
      return NULL;
    rl_list_init(&task->link);
    task->origin = domain;
    task->cancel.arrive = cancel_arrived;
    rl_parcel_init(&task->arguments, heap);
    rl_parcel_init(&task->results, heap);
    rl_parcel_init(&task->reason, heap);
    lend_rooms(task);
  }
  atomic_store_explicit(&task->references, 1, memory_order_relaxed);
  task->wait.fiber = NULL;
  task->owner = NULL;
  task->pool = NULL;
  task->job = NULL;
  task->began = task->ending = false;
  task->overload.reason = RL_OVERLOAD_NONE;
  task->refusal = "the task was cancelled before it ran";
  task->runner = NULL;
  task->abandoned = false;
  task->entry.group = NULL;
  task->entry.place = RL_PLACE_NONE;
  set(&task->deadline, 0);
  set(&task->run_limit, parent->run_limit);
  task->limited = parent->budget != NULL;
  if (task->limited)
    task->limits = parent->budget->limits;
  task->took = 0;
  task->usage = (struct rl_usage){0};
  task->blocked = task->tied = NULL;
  task->burdened = rl_fiber_is_burdened(parent);
  task->admitted.arrive = NULL;
  task->given_up = NULL;
  task->stuck = false;
  task->overran = false;
  atomic_store_explicit(&task->stop, false, memory_order_relaxed);
  task->main = parent->main;
  task->carried = rl_context_share(parent->carried);
  set(&task->due, parent->due);
  return task;
}

/* At the origin, always before the task itself is back. */
static void late_arrived(struct rl_domain *here, struct rl_message *message) {
  (void)here;
  struct rl_task *task = RL_OF(message, struct rl_task, late);
  if (!task->given_up || !task->given_up(task))
    rl_task_release(task);
}

void rl_task_give_up(struct rl_task *task) {
  atomic_fetch_add(&task->references, 1);
  task->inside = atomic_load(&task->runner->watch.inside);
  task->late.arrive = late_arrived;
  rl_mailbox_push(&task->origin->mailbox, &task->late);
}

static void let_go_of_shared(struct rl_task *task) {
  if (task->job)
    rl_job_release(task->job);
  task->job = NULL;
  rl_context_release(task->carried);
  task->carried = NULL;
}

static void destroy(struct rl_task *task) {
  let_go_of_shared(task);
  struct rl_heap *heap = task->arguments.bytes.heap;
  rl_parcel_free(&task->arguments, false);
  rl_parcel_free(&task->results, false);
  rl_parcel_free(&task->reason, false);
  rl_free_lines(heap, task, sizeof *task);
}

static void recycle(struct rl_task *task) {
  struct rl_domain *domain = task->origin;
  if (domain->spare_tasks >= SPARE_TASKS) {
    destroy(task);
    return;
  }
  let_go_of_shared(task);
  rl_parcel_free(&task->arguments, true);
  rl_parcel_free(&task->results, true);
  if (task->reason.values > 0)
    rl_parcel_free(&task->reason, false);
  lend_rooms(task);
  rl_list_push(&domain->free_tasks, &task->link);
  domain->spare_tasks++;
}

/* Further references are made under the pool's lock while the task is queued or runs, or by its
 * origin: not while that lets go of the last. */
static bool let_go(struct rl_task *task) {
  if (atomic_load_explicit(&task->references, memory_order_acquire) == 1)
    return true;
  return atomic_fetch_sub_explicit(&task->references, 1, memory_order_acq_rel) == 1;
}

void rl_task_release(struct rl_task *task) {
  if (let_go(task))
    destroy(task);
}

/* At the runner once more: the origin has read the strings that the results lent. */
static void given_back(struct rl_domain *here, struct rl_message *message) {
  struct rl_task *task = RL_OF(message, struct rl_task, message);
  rl_parcel_release(here->vm.L, &task->results);
  rl_domain_settle(here);
  rl_task_release(task);
}

void rl_task_drop(struct rl_task *task) {
  if (task->results.lends) {
    task->message.arrive = given_back;
    rl_mailbox_push(&task->lender->mailbox, &task->message);
    return;
  }
  if (let_go(task))
    recycle(task);
}

void rl_task_free_all(struct rl_domain *domain) {
  for (struct rl_list *link; (link = rl_list_take(&domain->free_tasks));)
    destroy(RL_OF(link, struct rl_task, link));
  domain->spare_tasks = 0;
}

/* -- the runner's side -------------------------------------------------------------------- */

/* At the origin: the task is back. Of those that are back with it the next one's lines are asked
 * for meanwhile. */
static void returned(struct rl_domain *here, struct rl_message *message) {
  struct rl_task *task = RL_OF(message, struct rl_task, message);
  if (message->next && message->next->arrive == returned)
    rl_task_fetch(RL_OF(message->next, struct rl_task, message));
  rl_parcel_release(here->vm.L, &task->arguments);
  rl_domain_settle(here);
  rl_domain_learn(here, task->took);
  task->settled(task);
}

static void send_back(struct rl_task *task) {
  if (task->pool && task->count)
    task->count(task);
  task->message.arrive = returned;
  rl_mailbox_push(&task->origin->mailbox, &task->message);
}

void rl_task_refuse(struct rl_task *task, const char *why) {
  task->outcome = RL_TASK_CANCELLED;
  task->refusal = why;
  task->started = rl_domain_now(task->origin);
  send_back(task);
}

struct rl_cost rl_task_cost(const struct rl_task *task) {
  return (struct rl_cost){
      .known = true,
      .began = task->began,
      .domain = task->where,
      .wait = task->started - task->submitted,
      .run = task->usage.ran,
      .cpu = task->usage.ran - task->usage.stalled,
      .bytes_in = task->arguments.bytes.size,
      .bytes_out = task->results.bytes.size,
      .peak = task->began ? task->peak : 0,
      .instructions = task->began ? task->instructions : 0,
  };
}

static void name_result(char *name, size_t size, int offset) {
  snprintf(name, size, "result %d", offset + 1);
}

static void name_error(char *name, size_t size, int offset) {
  (void)offset;
  snprintf(name, size, "the error");
}

/* [light userdata parcel, error]: replaces an error that cannot cross by its text. */
static int pack_text(lua_State *L) {
  struct rl_parcel *parcel = lua_touserdata(L, 1);
  size_t size;
  rl_traceback_text(L, 2, &size);
  lua_pushnil(L);
  if (rl_pack(L, lua_gettop(L) - 1, 2, parcel, name_error) != 0)
    return lua_error(L);
  return 0;
}

/* [.., error] -> [.., error]: packs the error value with its traceback. False without memory. */
static bool pack_error(lua_State *L, struct rl_parcel *parcel) {
  int error = lua_gettop(L);
  if (!lua_checkstack(L, 8))
    return false;
  rl_traceback_of(L, error);
  bool packed = rl_pack(L, error, 2, parcel, name_error) == 0;
  if (!packed) {
    lua_settop(L, error);
    lua_pushcfunction(L, pack_text);
    lua_pushlightuserdata(L, parcel);
    lua_pushvalue(L, error);
    packed = lua_pcall(L, 2, 0, 0) == LUA_OK;
  }
  lua_settop(L, error);
  return packed;
}

static void stop_watching(struct rl_fiber *fiber, struct rl_task *task) {
  task->fiber = NULL;
  if (task->timer) {
    rl_timer_stop(task->timer);
    task->timer = NULL;
  }
  /* Nobody gives it up any more, who looks under the lock that counting it takes. */
  atomic_store_explicit(&fiber->domain->watch.subject, NULL, memory_order_release);
}

/* A fiber that is over a limit of its own is ended for that, even if it did not hear of it yet. */
static void judge(struct rl_fiber *fiber, struct rl_task *task) {
  if (fiber->exceeded == LUA_NOREF)
    return;
  rl_fiber_end_for(fiber, fiber->exceeded);
  task->overran |= fiber->whole.reason == fiber->exceeded;
}

static void ended(struct rl_fiber *fiber, lua_State *L, int status, int nresults) {
  struct rl_task *task = fiber->owner;
  stop_watching(fiber, task);
  judge(fiber, task);
  bool cancelled = fiber->whole.seen && !task->overran;
  int first = lua_gettop(L) - nresults + 1;
  if (status == LUA_OK && task->overran && lua_checkstack(L, 1)) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, fiber->whole.reason); /* it caught that, and went on */
    status = LUA_ERRRUN;
  }
  if (status == LUA_OK && !cancelled && lua_checkstack(L, 8)) {
    if (rl_pack(L, first, nresults, &task->results, name_result) == 0)
      task->outcome = RL_TASK_DONE;
    else
      status = LUA_ERRRUN; /* the error says which result cannot cross */
  }
  if (status != LUA_OK) {
    bool packed = pack_error(L, &task->results);
    task->outcome = packed ? RL_TASK_FAILED : RL_TASK_LOST;
  }
  if (cancelled && (status == LUA_OK || task->outcome != RL_TASK_LOST))
    task->outcome = RL_TASK_CANCELLED;
  task->ending = cancelled && fiber->domain->ending;
  if (task->results.lends) {
    task->lender = fiber->domain;
    rl_domain_expect(fiber->domain);
  }
  task->peak = rl_budget_peak(fiber);
  task->instructions = rl_budget_instructions(fiber);
  uint64_t now = rl_domain_now(fiber->domain);
  rl_fiber_account(fiber, now);
  rl_kin_orphan(fiber);
  task->took = now - task->started;
  send_back(task);
}

/* -- the beginning ------------------------------------------------------------------------- */

/* Inside the fiber: the function and its arguments. */
static int enter(struct rl_fiber *fiber, lua_State *L) {
  struct rl_task *task = fiber->owner;
  return rl_unpack(L, &task->arguments);
}

/* Its fiber. May raise for want of memory. */
static void make_fiber(lua_State *L, struct rl_task *task) {
  struct rl_fiber *fiber = rl_fiber_new(L, ended, task);
  fiber->main = task->main;
  fiber->carried = rl_context_share(task->carried);
  fiber->due = task->due;
  fiber->enter = enter;
  fiber->tempted = false; /* which depends on what comes in */
  fiber->stop = &task->stop;
  fiber->usage = &task->usage;
  fiber->since = task->started; /* the same moment, but for what is ready before it */
  fiber->belongs = true;
  fiber->detached = task->pool != NULL;
  fiber->subject = task->pool ? task : NULL;
  fiber->runs = task;
  fiber->burdened = task->burdened;
  task->fiber = fiber;
  rl_task_limit(L, task);
}

static int make_fiber_protected(lua_State *L) {
  make_fiber(L, lua_touserdata(L, 1));
  return 0;
}

/* The usual task needs no memory for its fiber. */
static bool try_fiber(struct rl_domain *here, struct rl_task *task) {
  lua_State *L = here->vm.L;
  if (task->job || task->limited || task->deadline != 0 || !rl_fiber_at_hand(here))
    return rl_call_protected(L, make_fiber_protected, task) == LUA_OK;
  make_fiber(L, task);
  return true;
}

void rl_task_begin(struct rl_domain *here, struct rl_task *task, bool at_once) {
  task->outcome = RL_TASK_LOST;
  if (atomic_load(&task->stop)) { /* the cancellation came first */
    task->outcome = RL_TASK_CANCELLED;
    send_back(task);
    return;
  }
  task->began = true;
  task->peak = 0;
  task->instructions = 0;
  task->where = here->feed ? here->vm.number : 0;
  if (try_fiber(here, task)) {
    if (at_once)
      rl_fiber_run(task->fiber);
    else
      rl_fiber_start(task->fiber);
    return;
  }
  if (task->fiber)
    rl_fiber_drop(task->fiber);
  task->fiber = NULL;
  task->ending = here->ending;
  task->outcome = here->ending ? RL_TASK_CANCELLED : RL_TASK_LOST;
  lua_pop(here->vm.L, 1);
  send_back(task);
}

void rl_task_arrive(struct rl_domain *here, struct rl_message *message) {
  struct rl_task *task = RL_OF(message, struct rl_task, message);
  task->started = rl_domain_now(here);
  rl_task_begin(here, task, false);
}
