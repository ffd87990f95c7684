/* Loops: a thread, from its start to its join. */
#include "host/loops.h"

enum {
  STACK_BYTES = 4 << 20
}; /* Lua's own tests want 512 KiB of C stack; only touched pages cost */

/* On the heap until it has been joined. */
struct further {
  struct rl_loop loop; /* first */
  struct rl_loop *first;
  uv_thread_t thread; /* written by the first loop's thread, before and after */
  struct rl_message gone;
};

/* At the first loop: the thread is about to return. */
static void join(struct rl_domain *here, struct rl_message *message) {
  struct further *further = RL_OF(message, struct further, gone);
  struct rl_course *course = further->loop.course;
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

/* The program fails, unless it has already. */
static void report(const struct rl_loop *loop, int error) {
  const struct rl_domain *domain = &loop->domain;
  if (rl_course_fail(loop->course))
    rl_log_line(&domain->settings->log, RL_LOG_ERROR, "rille: cannot start loop %u: %s",
                domain->vm.number, uv_strerror(error));
}

static void thread_main(void *argument) {
  struct further *further = argument;
  struct rl_loop *loop = &further->loop;
  int error = rl_loop_open(loop);
  if (error == 0)
    run(loop);
  else
    report(loop, error);
  rl_heap_trim(loop->domain.settings->heap);
  further->gone.arrive = join;
  rl_mailbox_push(&further->first->domain.mailbox, &further->gone);
}

/* Made here, so that its descriptors come and go in an order that the first loop sees. */
static int create(struct rl_loop *first, unsigned number, struct further **made) {
  struct rl_settings *settings = first->domain.settings;
  struct rl_loop_origin origin = {
      .settings = settings, .course = first->course, .source = first->source, .number = number};
  struct further *further = rl_zalloc(settings->heap, sizeof *further);
  int error = further ? rl_loop_init(&further->loop, &origin) : UV_ENOMEM;
  if (error != 0) {
    rl_free(settings->heap, further, sizeof *further);
    return error;
  }
  further->first = first;
  *made = further;
  return 0;
}

int rl_loops_start(struct rl_loop *first, unsigned number) {
  uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_BYTES};
  struct further *further;
  int error = create(first, number, &further);
  if (error != 0)
    return error;
  rl_course_begin_loop(first->course);
  error = uv_thread_create_ex(&further->thread, &options, thread_main, further);
  if (error != 0) {
    rl_course_drop_loop(first->course);
    rl_loop_discard(&further->loop);
    rl_free(first->domain.settings->heap, further, sizeof *further);
  }
  return error;
}
