/* Course: how far the program has come towards its end. Its loops share it.
 *
 *     RUNNING    -> a signal, a script that failed ->  STOPPING
 *     STOPPING   no new connections; running handlers finish, or their grace is over
 *     HALTED     a second signal, os.exit, the grace is over: what runs is not waited for
 *     ENDING     every loop rests: has nothing to wait for, or has stopped. Each cancels its
 * fibers; when all have, the pool refuses work, interrupts and joins its domains CLOSING    no
 * compute domain is left: states close, threads are joined
 *
 * It only goes forward. Whoever takes it a stage further tells all loops, with one message each,
 * which is theirs and under way at most once. Any thread. */
#ifndef RL_HOST_COURSE_H
#define RL_HOST_COURSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/list.h"
#include "io/mailbox.h"

struct rl_domain;
struct rl_settings;

enum rl_stage { RL_RUNNING, RL_STOPPING, RL_HALTED, RL_ENDING, RL_CLOSING };

struct rl_course {
  atomic_int stage;             /* an rl_stage; written under the lock */
  atomic_int signal;            /* that stops the program; 0: none */
  atomic_uint_fast64_t stopped; /* clock when it left RUNNING */
  struct rl_settings *settings;

  pthread_mutex_t lock;
  struct rl_list followers; /* of struct rl_follower */
  unsigned loops;           /* begun, and not yet joined */
  unsigned resting, ending; /* how many of them */
  bool failed;              /* the first error has been reported */
  int status;               /* of the program */
};

/* A loop's end of it. */
struct rl_follower {
  struct rl_list link;
  struct rl_domain *domain;  /* whose mailbox is open while it follows */
  struct rl_message message; /* arrive: set by the loop; it first calls rl_course_heard */
  atomic_bool told;          /* the message is under way */
};

void rl_course_init(struct rl_course *course, struct rl_settings *settings);
void rl_course_destroy(struct rl_course *course);

static inline enum rl_stage rl_course_stage(const struct rl_course *course) {
  return (enum rl_stage)atomic_load(&course->stage);
}

/* From now on, until it leaves, the loop is told. */
void rl_course_follow(struct rl_course *course, struct rl_follower *follower);
void rl_course_unfollow(struct rl_course *course, struct rl_follower *follower);
void rl_course_heard(struct rl_follower *follower);

/* Has all loops look at what there is: as they do with each stage. */
void rl_course_tell(struct rl_course *course);

/* To `stage`, unless it has come that far. */
void rl_course_advance(struct rl_course *course, enum rl_stage stage);

/* A script has failed: the program stops, with status 1. True for the first: it reports why. */
bool rl_course_fail(struct rl_course *course);

/* os.exit: the program is halted, with that status. False if it is already. */
bool rl_course_exit(struct rl_course *course, int status);

/* The signal has cancelled a script. */
void rl_course_set_status(struct rl_course *course, int status);
int rl_course_status(struct rl_course *course);

/* A loop is to begin; it rests; it has cancelled its fibers; its thread has been joined, or never
 * came about. */
void rl_course_begin_loop(struct rl_course *course);
void rl_course_rest_loop(struct rl_course *course);
void rl_course_end_loop(struct rl_course *course);
void rl_course_drop_loop(struct rl_course *course);

unsigned rl_course_loops(struct rl_course *course);
bool rl_course_all_ending(struct rl_course *course);

/* Any thread: leaves the process where something does not let itself be ended. What was logged is
 * still said; the log gives up by itself where nobody takes it. */
_Noreturn void rl_course_leave(struct rl_course *course, int status);

#endif
