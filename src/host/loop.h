/* Loop: a serving domain: its libuv loop, its Lua state, the script that runs in it, and its way to
 * the end. The first belongs to the thread that calls rille_run, every other to its own. Its own
 * thread only, but for what the course does. */
#ifndef RL_HOST_LOOP_H
#define RL_HOST_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "domain/domain.h"
#include "host/course.h"
#include "host/source.h"

struct rl_loop {
  struct rl_domain domain; /* first: a main domain and its loop have one address */
  struct rl_course *course;
  const struct rl_source *source;
  struct rl_follower follower;
  uv_loop_t *uv;    /* `own`, or the host's */
  uv_loop_t own;    /* if it is no guest */
  uv_timer_t clock; /* of stopping and of ending */
  /* A guest has nothing left to wait for, or is not to: it is to end. Perhaps called again. */
  void (*rest)(struct rl_loop *loop);
  struct rl_fiber *script; /* while it runs */
  struct rl_fiber *leaver; /* that called os.exit, if it could be suspended */
  bool stopping;           /* no new connections, handlers finish */
  uint64_t stop_at;        /* loop time in ms when their grace is over */
};

static inline struct rl_loop *rl_loop_of(struct rl_domain *main) {
  return (struct rl_loop *)(void *)main;
}

/* What a loop is made from. */
struct rl_loop_origin {
  struct rl_settings *settings;
  struct rl_course *course;
  const struct rl_source *source; /* read before rl_loop_start */
  unsigned number;                /* from 1 */
  uv_loop_t *host;                /* the host's loop, for a guest; NULL: it has its own */
  void (*rest)(struct rl_loop *loop);
};

/* On any thread, makes a zeroed loop, or takes one back that was not opened; on its own thread,
 * opens it. 0; or a libuv error, and nothing is left behind. */
int rl_loop_init(struct rl_loop *loop, const struct rl_loop_origin *origin);
void rl_loop_discard(struct rl_loop *loop);
int rl_loop_open(struct rl_loop *loop);

/* Compiles the script and starts it in a fiber; nothing of it runs yet. 0; or -1, and the program
 * has failed: the error has been logged, unless one was before. */
int rl_loop_start(struct rl_loop *loop);

/* Goes round once without waiting, in a program that has a loop of its own. False when it is over:
 * nothing is left to wait for, or the program has stopped; rl_loop_run then does the rest. */
bool rl_loop_turn(struct rl_loop *loop);

/* After that: ms in which nothing is to do unless uv's backend descriptor says so; -1: for ever. */
int rl_loop_timeout(const struct rl_loop *loop);

/* Runs until nothing is left to wait for, or the program stops; and then until all loops have come
 * that far. */
void rl_loop_run(struct rl_loop *loop);

/* After that: cancels its fibers. */
void rl_loop_cancel(struct rl_loop *loop);

/* Goes on until `done`, which is asked after each event and has to be one of the course. */
void rl_loop_await(struct rl_loop *loop, bool (*done)(struct rl_loop *loop));

/* Goes on until its fibers have ended and it is `done`, which is asked every few milliseconds. */
void rl_loop_finish(struct rl_loop *loop, bool (*done)(struct rl_loop *loop));

/* After that: nothing of it is left but its memory. */
void rl_loop_close(struct rl_loop *loop);

/* The same for a guest, with turns of the host's loop in between: its handles begin to close, but
 * for the clock; they have, and nothing else of it is under way in that loop. */
void rl_loop_leave(struct rl_loop *loop);
bool rl_loop_has_left(const struct rl_loop *loop);

/* settings->halts, settings->exit */
bool rl_loop_halts(struct rl_domain *main);
bool rl_loop_exit(struct rl_domain *main, struct rl_fiber *caller, int status);

#endif
