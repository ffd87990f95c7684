/* Runtime: what is behind a rille_t. The thread of the first loop, but for what locks itself. */
#ifndef RL_HOST_RUNTIME_H
#define RL_HOST_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/metric.h"
#include "domain/channel.h"
#include "domain/domain.h"
#include "domain/lock.h"
#include "domain/pool.h"
#include "domain/prompt.h"
#include "domain/simulation.h"
#include "domain/standstill.h"
#include "domain/ticker.h"
#include "host/course.h"
#include "host/loop.h"
#include "host/provide.h"
#include "host/search.h"
#include "host/signals.h"
#include "host/source.h"
#include "io/clients.h"
#include "io/log_writer.h"
#include "io/ports.h"
#include "rille.h"

/* A runtime whose first loop is the host's, as far as it differs from others; guest.c. */
struct rl_guest {
  void (*over)(void *context, int status); /* the host's; or NULL */
  void (*freed)(void *context);            /* the host's; or NULL */
  void *context;
  struct rl_message begin; /* arrives with the first turn */
  atomic_bool begun;       /* any thread: it has, */
  uv_thread_t thread;      /* on this one */
  bool ending;             /* the loop rests, and the clock takes steps */
  unsigned step;           /* how many have been taken */
  bool freeing;            /* rille_free was called */
};

/* The calls from C that have not ended; invoke.c. */
struct rl_invocations {
  pthread_mutex_t lock;
  struct rl_list all; /* of struct invocation */
};

struct rille {
  struct rl_loop first; /* first: its domain and the runtime have one address */
  struct rl_settings settings;
  struct rl_log_writer log_writer; /* unless the host takes what is logged */
  struct rl_heap heap;
  struct rl_metrics metrics;
  struct rl_pool pool;
  struct rl_ticker ticker;
  struct rl_simulation simulation; /* if the options want one */
  struct rl_ports ports;
  struct rl_clients clients;
  struct rl_channels channels;
  struct rl_locks locks;
  struct rl_standstill standstill;
  struct rl_prompt prompt; /* zeroed: there is none */
  struct rl_search search;
  struct rl_course course;
  struct rl_source source;
  struct rl_provided *provided; /* modules of the host */
  struct rl_invocations invocations;
  bool handles_signals; /* and decides how the process ends */
  struct rl_signals signals;
  uint64_t stuck_since;  /* clock when at the end not only stuck domains were left */
  int wanted;            /* loops, by the options */
  uint64_t seed;         /* of a simulation */
  struct rl_guest guest; /* if the first loop is one */
  bool started;          /* rille_start was called */
  bool begun, ended;
};

/* Before its first loop runs: makes it this thread's; and, once, starts the further ones, and the
 * compute domains that are to be there. */
void rl_runtime_begin(struct rille *runtime);

/* Whether a call is not for it, since its host runs its loop; the log says so. */
bool rl_runtime_refuses(const struct rille *runtime, const char *call);

/* The last of all: gives back what it consists of. */
void rl_runtime_destroy(struct rille *runtime);

/* -- options.c ------------------------------------------------------------------------------ */

/* Whether they make sense; their log says what does not. */
bool rl_options_check(const struct rille_options *options);

/* Sets up all that a runtime has besides its loops; nothing of it can fail. The runtime is zeroed.
 */
void rl_options_apply(struct rille *runtime, const struct rille_options *options);

/* -- ending.c: what the end of a program waits for ------------------------------------------- */

/* At the first loop, again and again: every loop has cancelled its fibers; no compute domain is
 * left, and those that are have been pressed; no other loop is left. */
bool rl_ending_all_cancelled(struct rl_loop *first);
bool rl_ending_pool_is_gone(struct rl_loop *first);
bool rl_ending_is_alone(struct rl_loop *first);

/* All of it one after the other, in a loop of its own that has been run. */
void rl_ending_run(struct rille *runtime);

/* -- guest.c -------------------------------------------------------------------------------- */

/* With rille_start: the first turn begins it. */
void rl_guest_begin(struct rille *runtime);

/* Any thread: a message has been sent; if the caller's is the loop's, the loop stays alive until it
 * has arrived. */
void rl_guest_stay(struct rille *runtime);

/* rl_loop's `rest`: the end begins, unless it has. */
void rl_guest_rest(struct rl_loop *first);

/* rille_free: ends it if it has not ended, and frees it. */
void rl_guest_free(struct rille *runtime);

#endif
