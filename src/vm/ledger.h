/* Ledger: who holds the memory of a state, and how much that may be. Owner thread only.
 *
 * Fibers take turns on a state. A turn may have a meter: then every block that is made or grown in
 * it belongs to the meter until it is freed, whoever frees it, so that a collection in one task's
 * turn gives back to each what was its own.
 *
 * Without a meter in the state, and below its limit, all this is one comparison for each block:
 * that with `mark`, in state.c. */
#ifndef RL_VM_LEDGER_H
#define RL_VM_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blocks.h"
#include "base/list.h"

struct rl_heap;

/* The account of a task with a limit. */
struct rl_meter {
  struct rl_list link; /* in ledger->meters */
  size_t limit;        /* bytes that it may hold; SIZE_MAX: any */
  size_t held, peak;   /* now, and at most so far */
  struct rl_blocks blocks;
};

enum rl_limit { RL_LIMIT_NONE, RL_LIMIT_METER, RL_LIMIT_STATE };

struct rl_ledger {
  struct rl_heap *heap;   /* where memory comes from */
  size_t bytes;           /* that Lua holds now */
  size_t mark;            /* bytes beyond which the allocator comes here; 0: with every block */
  size_t limit;           /* of the whole state, in turns; SIZE_MAX: none */
  struct rl_list meters;  /* of struct rl_meter */
  struct rl_meter *meter; /* of this turn, or NULL */
  bool turn;              /* there is one: limits hold */
  size_t spare;           /* bytes beyond the limits, in this turn, for one that is about to end */
  size_t start, high;     /* bytes when it began; at most since, to within RL_LEDGER_STEP */
  size_t refused;         /* bytes asked for in vain; 0: they were given after all */
  /* So many bytes more would cross a limit: whether they may be had all the same. Called in a turn,
   * inside Lua's allocator, so it must not touch the state. */
  bool (*crossed)(struct rl_ledger *ledger, enum rl_limit which, size_t more);
};

enum { RL_LEDGER_STEP = 64 << 10 };

void rl_ledger_init(struct rl_ledger *ledger, struct rl_heap *heap);

/* For state.c: the allocator of blocks that the ledger is to hear of; `old` is 0 without a block.
 * Inlined it would have the hottest path of all save registers that only it needs. */
__attribute__((noinline)) void *rl_ledger_allocate(struct rl_ledger *ledger, void *block,
                                                   size_t old, size_t size);

/* Sets the mark: the allocator comes here with every block while there are meters, or while Lua is
 * to ask again for what was refused; in other turns after a step, or at the limit; else never. */
static inline void rl_ledger_set_mark(struct rl_ledger *ledger) {
  size_t next = ledger->bytes + RL_LEDGER_STEP;
  if (!rl_list_empty(&ledger->meters) || ledger->refused != 0)
    ledger->mark = 0;
  else if (ledger->turn)
    ledger->mark = next < ledger->limit ? next : ledger->limit;
  else
    ledger->mark = SIZE_MAX;
}

/* A turn begins, with a meter or NULL, and ends. Inline, since there are two for each task. */
static inline void rl_ledger_begin(struct rl_ledger *ledger, struct rl_meter *meter) {
  ledger->turn = true;
  ledger->meter = meter;
  ledger->spare = ledger->refused = 0;
  ledger->start = ledger->high = ledger->bytes;
  rl_ledger_set_mark(ledger);
}

static inline void rl_ledger_end(struct rl_ledger *ledger) {
  ledger->turn = false;
  ledger->meter = NULL;
  ledger->spare = 0;
  if (ledger->bytes > ledger->high)
    ledger->high = ledger->bytes;
  rl_ledger_set_mark(ledger);
}

/* A meter that counts from now on; and that counts no more: what it still holds is nobody's. */
void rl_meter_open(struct rl_ledger *ledger, struct rl_meter *meter, size_t limit);
void rl_meter_close(struct rl_ledger *ledger, struct rl_meter *meter);

/* In a turn: the limit that would be crossed with so many bytes more. */
enum rl_limit rl_ledger_limit(const struct rl_ledger *ledger, size_t more);

/* Whether so many bytes more can be had without anybody's being asked. */
static inline bool rl_ledger_allows(const struct rl_ledger *ledger, size_t more) {
  return ledger->bytes + more <= ledger->mark || !ledger->turn ||
         rl_ledger_limit(ledger, more) == RL_LIMIT_NONE;
}

/* In a turn: from now on it may have so many bytes more than it holds, or than it may. */
void rl_ledger_spare(struct rl_ledger *ledger, size_t bytes);

/* Bytes that all meters hold. */
size_t rl_ledger_metered(const struct rl_ledger *ledger);

#endif
