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
  struct rl_search search;
  struct rl_course course;
  struct rl_source source;
  struct rl_provided *provided; /* modules of the host */
  bool handles_signals;         /* and decides how the process ends */
  struct rl_signals signals;
  uint64_t stuck_since; /* clock when at the end not only stuck domains were left */
  int wanted;           /* loops, by the options */
  uint64_t seed;        /* of a simulation */
  bool begun, ended;
};

/* Before its first loop runs: makes it this thread's, and starts the further ones, once. */
void rl_runtime_begin(struct rille *runtime);

#endif
