/* Snapshot: some tables of a state as memory, to tell in a few nanoseconds each whether they have
 * changed since: the hash parts are compared byte by byte. For tables without array parts, of a
 * state that may be looked into (inside.h), which outlive it. Owner thread only. */
#ifndef RL_VM_SNAPSHOT_H
#define RL_VM_SNAPSHOT_H

#include <stdbool.h>

#include "base/heap.h"
#include "vm/inside.h"

struct rl_snapshot {
  struct rl_heap *heap;
  struct rl_still *stills; /* one for each table */
  unsigned count, room;
};

void rl_snapshot_init(struct rl_snapshot *snapshot, struct rl_heap *heap);
void rl_snapshot_free(struct rl_snapshot *snapshot);

/* One more table, as it is now. 0, or -1 for want of memory, and then it is not in. */
int rl_snapshot_add(struct rl_snapshot *snapshot, struct rl_inside_table *table);

/* All again, as they are now. What there is no memory for will seem changed. */
void rl_snapshot_renew(struct rl_snapshot *snapshot);

bool rl_snapshot_same(const struct rl_snapshot *snapshot);

#endif
