/* Course: counts and one number under a lock. */
#include "host/course.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "domain/domain.h"
#include "domain/ticker.h"
#include "io/log_writer.h"

void rl_course_init(struct rl_course *course, struct rl_settings *settings) {
  course->settings = settings;
  atomic_init(&course->stage, RL_RUNNING);
  atomic_init(&course->signal, 0);
  atomic_init(&course->stopped, 0);
  pthread_mutex_init(&course->lock, NULL);
  rl_list_init(&course->followers);
}

void rl_course_destroy(struct rl_course *course) {
  assert(rl_list_empty(&course->followers));
  pthread_mutex_destroy(&course->lock);
}

/* -- under the lock ------------------------------------------------------------------------ */

static void tell_all(struct rl_course *course) {
  struct rl_list *all = &course->followers;
  for (struct rl_list *at = all->next; at != all; at = at->next) {
    struct rl_follower *follower = RL_OF(at, struct rl_follower, link);
    if (!atomic_exchange(&follower->told, true))
      rl_mailbox_push(&follower->domain->mailbox, &follower->message);
  }
}

static void advance(struct rl_course *course, enum rl_stage stage) {
  if (rl_course_stage(course) >= stage)
    return;
  if (rl_course_stage(course) == RL_RUNNING)
    atomic_store(&course->stopped, rl_clock_now(&course->settings->clock));
  atomic_store(&course->stage, (int)stage);
  tell_all(course);
  rl_ticker_halt(course->settings->ticker); /* code that computes may keep a loop from hearing */
}

/* When all loops rest there is nobody left to go on for. */
static void consider(struct rl_course *course) {
  if (course->resting == course->loops)
    advance(course, RL_ENDING);
}

/* -- what others call ---------------------------------------------------------------------- */

static void lock(struct rl_course *course) {
  pthread_mutex_lock(&course->lock);
}

static void unlock(struct rl_course *course) {
  pthread_mutex_unlock(&course->lock);
}

void rl_course_follow(struct rl_course *course, struct rl_follower *follower) {
  lock(course);
  rl_list_push(&course->followers, &follower->link);
  unlock(course);
}

void rl_course_unfollow(struct rl_course *course, struct rl_follower *follower) {
  lock(course);
  rl_list_remove(&follower->link);
  unlock(course);
}

void rl_course_heard(struct rl_follower *follower) {
  atomic_store(&follower->told, false);
}

void rl_course_tell(struct rl_course *course) {
  lock(course);
  tell_all(course);
  unlock(course);
}

void rl_course_advance(struct rl_course *course, enum rl_stage stage) {
  lock(course);
  advance(course, stage);
  unlock(course);
}

bool rl_course_fail(struct rl_course *course) {
  lock(course);
  bool first = !course->failed;
  course->failed = true;
  if (rl_course_stage(course) < RL_HALTED)
    course->status = EXIT_FAILURE;
  advance(course, RL_STOPPING);
  unlock(course);
  return first;
}

bool rl_course_exit(struct rl_course *course, int status) {
  lock(course);
  bool first = rl_course_stage(course) < RL_HALTED;
  if (first)
    course->status = status;
  advance(course, RL_HALTED);
  unlock(course);
  return first;
}

void rl_course_set_status(struct rl_course *course, int status) {
  lock(course);
  course->status = status;
  unlock(course);
}

int rl_course_status(struct rl_course *course) {
  lock(course);
  int status = course->status;
  unlock(course);
  return status;
}

void rl_course_begin_loop(struct rl_course *course) {
  lock(course);
  course->loops++;
  unlock(course);
}

void rl_course_rest_loop(struct rl_course *course) {
  lock(course);
  course->resting++;
  consider(course);
  unlock(course);
}

void rl_course_end_loop(struct rl_course *course) {
  lock(course);
  course->ending++;
  tell_all(course); /* the first waits for the others */
  unlock(course);
}

void rl_course_drop_loop(struct rl_course *course) {
  lock(course);
  course->loops--;
  consider(course);
  tell_all(course); /* the first waits for this, too */
  unlock(course);
}

unsigned rl_course_loops(struct rl_course *course) {
  lock(course);
  unsigned loops = course->loops;
  unlock(course);
  return loops;
}

bool rl_course_all_ending(struct rl_course *course) {
  lock(course);
  bool all = course->ending >= course->loops;
  unlock(course);
  return all;
}

void rl_course_leave(struct rl_course *course, int status) {
  if (course->settings->log_writer)
    rl_log_writer_finish(course->settings->log_writer);
  _exit(status);
}
