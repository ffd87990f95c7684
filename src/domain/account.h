/* Account: what the tasks of one name have cost, and how long one will probably run. Kept by the
 * pool from the first job of that name to its own end, under its lock. */
#ifndef RL_DOMAIN_ACCOUNT_H
#define RL_DOMAIN_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/named.h"

struct rl_heap;

/* How many of what, and sums over those that have run. */
struct rl_figures {
  uint64_t submitted, bytes_in, bytes_out, finished;
  uint64_t runs;      /* that the sums are of */
  uint64_t wait, run; /* ns in the queue; ns on a domain, waits excluded */
  uint64_t cpu;       /* ns of these with a processor */
  uint64_t instructions;
  size_t peak;       /* bytes, of the one that had most */
  uint64_t expected; /* ns that the next one will probably run: the latest weigh most */
  uint64_t failed, cancelled;
  uint64_t dropped; /* queued, and thrown out unrun: too late, or for a newer one */
  uint64_t refused; /* never queued: a full queue, or no hope to be in time */
};

struct rl_account {
  struct rl_named named;
  struct rl_figures figures;
  char name[];
};

/* NULL without memory. */
struct rl_account *rl_account_new(struct rl_heap *heap, const char *name, size_t size);
void rl_account_free(struct rl_heap *heap, struct rl_account *account);

/* A task has run for so many ns, to its end or (`cut`) until it was stopped. */
void rl_figures_learn(struct rl_figures *figures, uint64_t ran, bool cut);

/* Whether tasks take equally long, as far as that can be seen from those that have run. */
struct rl_likeness {
  uint64_t expected; /* ns that the next one will probably run */
  unsigned steady;   /* runs since one took less than half of that */
};

void rl_likeness_learn(struct rl_likeness *likeness, uint64_t ran, bool cut);

/* The ns that the next one will probably run: so many have run without a short one among them that
 * it is hardly one; else 0. */
uint64_t rl_likeness_run(const struct rl_likeness *likeness);

#endif
