/* Strand: a C stack that code runs on, goes away from in the middle, and comes back to, all on one
 * thread. One thread at a time. */
#ifndef RL_BASE_STRAND_H
#define RL_BASE_STRAND_H

#include <stddef.h>
#include <ucontext.h>

struct rl_strand {
  ucontext_t context;
  void *stack;                 /* with a guard below; NULL: the thread's own */
  size_t size;                 /* of both */
  struct rl_strand *from;      /* where the thread came from last */
  void (*run)(void *argument); /* must leave in the end, and not return */
  void *argument;
  /* for the sanitizers, which have to be told */
  void *fiber, *fake;
  const void *bottom;
  size_t room;
};

/* What runs now: the thread's own stack. Never fails; to be closed. */
void rl_strand_adopt(struct rl_strand *strand);

/* A new stack of `size` bytes; run(argument) begins with the first switch to it. 0; or -1 if there
 * is no memory. */
int rl_strand_open(struct rl_strand *strand, size_t size, void (*run)(void *argument),
                   void *argument);

/* Goes on with `to`; returns when somebody switches back. */
void rl_strand_switch(struct rl_strand *here, struct rl_strand *to);

/* The same for the last time: `here` is not come back to, and may be closed from elsewhere. */
_Noreturn void rl_strand_leave(struct rl_strand *here, struct rl_strand *to);

/* Frees the stack, on which nothing may run. */
void rl_strand_close(struct rl_strand *strand);

#endif
