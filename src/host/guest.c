/* Guest: a runtime on its host's loop. Nobody waits in that loop but the host: what rille_run and
 * rille_free do one after the other is done here in turns of the loop, by its clock, each as soon
 * as what it waits for has come about. */
#include "domain/scheduler.h"
#include "host/runtime.h"

enum { STEP_MS = 5 };

static struct rille *runtime_of(struct rl_loop *first) {
  return RL_OF(first, struct rille, first);
}

/* -- the end, step by step ------------------------------------------------------------------ */

static bool all_rest(struct rl_loop *first) {
  return rl_course_stage(first->course) >= RL_ENDING;
}

static void stop_pool(struct rl_loop *first) {
  rl_pool_stop(&runtime_of(first)->pool);
}

static bool has_finished(struct rl_loop *first) {
  return rl_ending_pool_is_gone(first) && rl_scheduler_ended(&first->domain);
}

static void let_others_close(struct rl_loop *first) {
  rl_course_advance(first->course, RL_CLOSING);
}

/* Until rille_free the loop is not kept alive. */
static void tell_over(struct rl_loop *first) {
  struct rille *runtime = runtime_of(first);
  struct rl_guest *guest = &runtime->guest;
  runtime->ended = true;
  if (guest->freeing)
    return;
  uv_timer_stop(&first->clock);
  if (guest->over)
    guest->over(guest->context, rl_course_status(&runtime->course));
}

static bool is_freeing(struct rl_loop *first) {
  return runtime_of(first)->guest.freeing;
}

static bool has_left(struct rl_loop *first) {
  return rl_loop_has_left(first);
}

static void clock_closed(uv_handle_t *clock) {
  struct rille *runtime = runtime_of(clock->data);
  struct rl_guest guest = runtime->guest;
  rl_runtime_destroy(runtime);
  if (guest.freed)
    guest.freed(guest.context);
}

static void close_clock(struct rl_loop *first) {
  uv_close((uv_handle_t *)&first->clock, clock_closed);
}

static const struct {
  bool (*may_come)(struct rl_loop *first);
  void (*take)(struct rl_loop *first);
} steps[] = {
    {all_rest, rl_loop_cancel},       {rl_ending_all_cancelled, stop_pool},
    {has_finished, let_others_close}, {rl_ending_is_alone, tell_over},
    {is_freeing, rl_loop_leave},      {has_left, close_clock},
};

enum { STEPS = sizeof steps / sizeof *steps };

static void on_clock(uv_timer_t *clock) {
  struct rl_loop *first = clock->data;
  struct rl_guest *guest = &runtime_of(first)->guest;
  while (guest->step < STEPS && steps[guest->step].may_come(first))
    steps[guest->step++].take(first);
}

static void start_clock(struct rl_loop *first) {
  uv_timer_start(&first->clock, on_clock, 0, STEP_MS);
}

void rl_guest_rest(struct rl_loop *first) {
  struct rl_guest *guest = &runtime_of(first)->guest;
  if (guest->ending)
    return;
  guest->ending = true;
  rl_course_rest_loop(first->course);
  start_clock(first);
}

void rl_guest_free(struct rille *runtime) {
  runtime->guest.freeing = true;
  rl_course_advance(&runtime->course, RL_HALTED);
  rl_guest_rest(&runtime->first);
  start_clock(&runtime->first);
}

/* -- the beginning -------------------------------------------------------------------------- */

static void begin(struct rl_domain *here, struct rl_message *message) {
  (void)message;
  struct rille *runtime = runtime_of(rl_loop_of(here));
  runtime->guest.thread = uv_thread_self();
  atomic_store(&runtime->guest.begun, true);
  rl_runtime_begin(runtime);
}

void rl_guest_begin(struct rille *runtime) {
  runtime->guest.begin.arrive = begin;
  rl_mailbox_push(&runtime->first.domain.mailbox, &runtime->guest.begin);
}

/* Before it has begun rl_guest_begin does that. From another thread it cannot be done. */
void rl_guest_stay(struct rille *runtime) {
  struct rl_guest *guest = &runtime->guest;
  uv_thread_t self = uv_thread_self();
  if (atomic_load(&guest->begun) && uv_thread_equal(&self, &guest->thread))
    rl_domain_keep_polling(&runtime->first.domain);
}
