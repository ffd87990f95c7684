/* Loops: a thread, from its start to its join. */
#include "host/loops.h"

enum {
  STACK_BYTES = 4 << 20
}; /* Lua's own tests want 512 KiB of C stack; only touched pages cost */

/* On the heap until it has been joined. */
struct further {
  struct rl_loop loop; /* first */
  struct rl_loop *first;
  struct rl_loop_origin origin;
  uv_thread_t thread; /* written by the first loop's thread, before and after */
  struct rl_message gone;
};

/* At the first loop: the thread is about to return. */
static void join(struct rl_domain *here, struct rl_message *message) {
  struct further *further = RL_OF(message, struct further, gone);
  struct rl_course *course = further->origin.course;
  uv_thread_join(&further->thread);
  rl_free(here->settings->heap, further, sizeof *further);
  rl_course_drop_loop(course);
}

static bool is_closing(struct rl_loop *loop) {
  return rl_course_stage(loop->course) >= RL_CLOSING;
}

static void run(struct rl_loop *loop) {
  if (rl_course_stage(loop->course) == RL_RUNNING)
    rl_loop_start(loop);
  rl_loop_run(loop);
  rl_loop_cancel(loop);
  rl_loop_finish(loop, is_closing);
  rl_loop_close(loop);
}

static void thread_main(void *argument) {
  struct further *further = argument;
  const struct rl_loop_origin *origin = &further->origin;
  int error = rl_loop_open(&further->loop, origin);
  if (error == 0)
    run(&further->loop);
  else if (rl_course_fail(origin->course))
    rl_log_line(&origin->settings->log, "rille: cannot start loop %u: %s", origin->number,
                uv_strerror(error));
  rl_heap_trim(origin->settings->heap);
  further->gone.arrive = join;
  rl_mailbox_push(&further->first->domain.mailbox, &further->gone);
}

int rl_loops_start(struct rl_loop *first, unsigned number) {
  uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_BYTES};
  struct rl_settings *settings = first->domain.settings;
  struct further *further = rl_zalloc(settings->heap, sizeof *further);
  if (!further)
    return UV_ENOMEM;
  further->first = first;
  further->origin = (struct rl_loop_origin){
      .settings = settings, .course = first->course, .source = first->source, .number = number};
  rl_course_begin_loop(first->course);
  int error = uv_thread_create_ex(&further->thread, &options, thread_main, further);
  if (error != 0) {
    rl_course_drop_loop(first->course);
    rl_free(settings->heap, further, sizeof *further);
  }
  return error;
}
