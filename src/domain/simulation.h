/* Simulation: all domains of a runtime on one thread, in an order and a time drawn from a seed.
 *
 * Each domain runs the code that it runs otherwise, on a C stack of its own (base/strand.h), and
 * leaves the thread to another in three places: before its loop would poll, when it is closed, and
 * in a hook within Lua code, after a drawn number of instructions. Which one goes on is drawn among
 * those that could. Time passes by instructions, and when nobody can go on: then it is the time of
 * the next timer. So neither threads, nor signals, nor the ticker, nor the system's clock take
 * part, and the same seed gives the same run.
 *
 * No lock is ever held in such a place. The thread of the runtime. */
#ifndef RL_DOMAIN_SIMULATION_H
#define RL_DOMAIN_SIMULATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/draw.h"
#include "base/list.h"
#include "base/strand.h"
#include "domain/domain.h"

/* The part of a domain. */
struct rl_actor {
  struct rl_list link; /* in simulation->actors */
  struct rl_simulation *simulation;
  struct rl_domain *domain;
  struct rl_strand strand;
  void (*run)(void *argument); /* NULL: the main domain's, whose stack is the thread's */
  void *argument;
  bool begun;
  bool rests; /* its loop polls: until a message, a timer or libuv wants it */
};

struct rl_simulation {
  struct rl_settings *settings;
  bool tells; /* logs every switch */

  struct rl_draw draw;
  struct rl_list actors; /* of struct rl_actor, in the order in which they came */
  struct rl_actor main;
  struct rl_actor *current, *gone; /* the latter left for good; NULL: freed */
  uint64_t ticked;                 /* clock of the last tick */
  unsigned surveys;                /* since Lua code ran last, while nobody could go on */
};

/* Before any domain is opened; sets the clock. */
void rl_simulation_init(struct rl_simulation *simulation, struct rl_settings *settings,
                        uint64_t seed, bool tells);
void rl_simulation_destroy(struct rl_simulation *simulation);

/* The main domain, which runs now; once. */
void rl_simulation_enter(struct rl_simulation *simulation, struct rl_domain *main);

/* Instead of a thread: run(argument) goes on now and then from now on, and returns when nothing is
 * left of the domain. 0; or a libuv error. */
int rl_simulation_start(struct rl_simulation *simulation, struct rl_domain *domain, size_t stack,
                        void (*run)(void *argument), void *argument);

/* Domain's own stack, before its loop polls; `asleep`: it has announced sleep. Others go on; then
 * its timers that are due fire. */
void rl_simulation_poll(struct rl_domain *domain, bool asleep);

/* For `name`, a function that opens sockets: raises in a simulation, which has none. NULL: the
 * caller puts a name before it. */
void rl_simulation_refuse(lua_State *L, const char *name);

/* Before its state opens: its hook, and where its randomness comes from. */
void rl_simulation_prepare(struct rl_domain *domain);

#endif
