/* Snapshot: see the header. Each copy is a block by itself: one for all would be larger than
 * anything else in a small state, and a size that an allocator is asked for once costs several
 * times its bytes. */
#include "vm/snapshot.h"

#include <string.h>

struct rl_still {
  struct rl_inside_table *table;
  const void *pairs, *metatable;
  void *copy; /* of its pairs, as large as they; NULL: there are none, or there was no memory */
  size_t size;
};

static size_t size_of(const struct rl_inside_table *table) {
  return rl_inside_pairs(table) * sizeof *table->pairs;
}

static void forget(struct rl_heap *heap, struct rl_still *still) {
  rl_free(heap, still->copy, still->size);
  still->copy = NULL;
  still->size = 0;
}

/* Whether values of this kind are told by it alone. */
static bool is_hollow(uint8_t kind) {
  return rl_inside_nil(kind) || kind == RL_INSIDE_FALSE || kind == RL_INSIDE_TRUE;
}

/* Writes what Lua has not written and never reads: it is compared with the rest, which is right all
 * the same, but which valgrind would report to whoever runs a host under it. */
static void define(struct rl_inside_table *table) {
  enum { GAP = offsetof(struct rl_inside_pair, key_kind) + sizeof(uint8_t) };
  for (size_t i = 0; i < rl_inside_pairs(table); i++) {
    struct rl_inside_pair *pair = &table->pairs[i];
    memset((unsigned char *)pair + GAP, 0, offsetof(struct rl_inside_pair, next) - GAP);
    if (is_hollow(pair->kind))
      pair->value.integer = 0;
    if (is_hollow(pair->key_kind))
      pair->key.integer = 0;
  }
}

/* 0, or -1 for want of memory: its size differs from the table's, then. */
static int renew(struct rl_heap *heap, struct rl_still *still) {
  struct rl_inside_table *table = still->table;
  define(table);
  size_t size = size_of(table);
  still->pairs = table->pairs;
  still->metatable = table->metatable;
  if (size != still->size) {
    forget(heap, still);
    if (size > 0 && !(still->copy = rl_alloc(heap, size)))
      return -1;
    still->size = size;
  }
  if (size > 0)
    memcpy(still->copy, table->pairs, size);
  return 0;
}

static bool is_same(const struct rl_still *still) {
  const struct rl_inside_table *table = still->table;
  return table->pairs == still->pairs && table->metatable == still->metatable &&
         size_of(table) == still->size &&
         (still->size == 0 || memcmp(table->pairs, still->copy, still->size) == 0);
}

int rl_snapshot_add(struct rl_snapshot *snapshot, struct rl_inside_table *table) {
  if (snapshot->count == snapshot->room) {
    enum { MORE = 8 };
    size_t size = sizeof *snapshot->stills;
    unsigned room = snapshot->room + MORE;
    void *stills = rl_realloc(snapshot->heap, snapshot->stills, snapshot->room * size, room * size);
    if (!stills)
      return -1;
    snapshot->stills = stills;
    snapshot->room = room;
  }
  struct rl_still *still = &snapshot->stills[snapshot->count];
  *still = (struct rl_still){.table = table};
  if (renew(snapshot->heap, still) != 0)
    return -1;
  snapshot->count++;
  return 0;
}

void rl_snapshot_renew(struct rl_snapshot *snapshot) {
  for (unsigned i = 0; i < snapshot->count; i++)
    (void)renew(snapshot->heap, &snapshot->stills[i]); /* seems changed, then */
}

bool rl_snapshot_same(const struct rl_snapshot *snapshot) {
  for (unsigned i = 0; i < snapshot->count; i++)
    if (!is_same(&snapshot->stills[i]))
      return false;
  return true;
}

void rl_snapshot_init(struct rl_snapshot *snapshot, struct rl_heap *heap) {
  *snapshot = (struct rl_snapshot){.heap = heap};
}

void rl_snapshot_free(struct rl_snapshot *snapshot) {
  for (unsigned i = 0; i < snapshot->count; i++)
    forget(snapshot->heap, &snapshot->stills[i]);
  rl_free(snapshot->heap, snapshot->stills, snapshot->room * sizeof *snapshot->stills);
}
