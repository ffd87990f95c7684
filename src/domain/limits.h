/* Limits: what the fibers of one task may take together, memory and instructions. Data only; who
 * keeps it is budget.c. */
#ifndef RL_DOMAIN_LIMITS_H
#define RL_DOMAIN_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "domain/fiber.h"
#include "domain/freight.h"
#include "vm/ledger.h"

enum {
  RL_LIMITS_STEP = 100,      /* instructions that are counted at once */
  RL_LIMITS_LEAST = 4 << 20, /* bytes of Lua memory that a domain needs in any case */
};

struct rl_limits {
  size_t memory;         /* bytes of Lua memory; 0: any */
  uint64_t instructions; /* 0: any number, uncounted */
};

/* The lower of two limits of one kind, of which 0 is none. */
static inline uint64_t rl_limits_least(uint64_t one, uint64_t other) {
  return one == 0 || (other != 0 && other < one) ? other : one;
}

static inline bool rl_limits_any(const struct rl_limits *limits) {
  return limits->memory != 0 || limits->instructions != 0;
}

struct rl_budget {
  struct rl_limits limits;
  struct rl_meter meter;                /* open if there is a limit of memory */
  struct rl_freight *freight;           /* the same */
  unsigned references;                  /* fibers that draw on it */
  struct rl_fiber *root;                /* the one that runs the task; NULL when it has ended */
  uint64_t instructions;                /* executed, if that is limited */
  int memory_error, instructions_error; /* registry references of the errors */
  struct rl_usage usage;                /* since the one that runs the task has ended */
  int over;                             /* the one that it was exceeded by, or LUA_NOREF */
};

#endif
