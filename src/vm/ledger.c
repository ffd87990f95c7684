/* Ledger: see the header.
 *
 * A block that cannot be noted, for want of memory, belongs to nobody. What grows a block takes it
 * over; what shrinks one (the collector does, with stacks) leaves it to its owner. */
#include "vm/ledger.h"

#include "base/heap.h"

void rl_ledger_init(struct rl_ledger *ledger, struct rl_heap *heap) {
  *ledger = (struct rl_ledger){.heap = heap, .mark = SIZE_MAX, .limit = SIZE_MAX};
  rl_list_init(&ledger->meters);
}

/* -- limits -------------------------------------------------------------------------------- */

static bool fits(size_t limit, size_t spare, size_t held, size_t more) {
  size_t most = limit < SIZE_MAX - spare ? limit + spare : SIZE_MAX;
  return held <= most && more <= most - held;
}

enum rl_limit rl_ledger_limit(const struct rl_ledger *ledger, size_t more) {
  const struct rl_meter *meter = ledger->meter;
  if (meter && !fits(meter->limit, ledger->spare, meter->held, more))
    return RL_LIMIT_METER;
  return fits(ledger->limit, ledger->spare, ledger->bytes, more) ? RL_LIMIT_NONE : RL_LIMIT_STATE;
}

static bool may_grow(struct rl_ledger *ledger, size_t more) {
  enum rl_limit which = ledger->turn ? rl_ledger_limit(ledger, more) : RL_LIMIT_NONE;
  if (which != RL_LIMIT_NONE)
    return ledger->crossed(ledger, which, more);
  if (more == ledger->refused) /* Lua has collected, and asks again */
    ledger->refused = 0;
  return true;
}

void rl_ledger_spare(struct rl_ledger *ledger, size_t bytes) {
  const struct rl_meter *meter = ledger->meter;
  size_t over = ledger->bytes > ledger->limit ? ledger->bytes - ledger->limit : 0;
  if (meter && meter->held > meter->limit && meter->held - meter->limit > over)
    over = meter->held - meter->limit;
  ledger->spare = over + bytes;
}

/* -- whose a block is ---------------------------------------------------------------------- */

static struct rl_meter *owner_of(struct rl_ledger *ledger, const void *block) {
  for (struct rl_list *at = ledger->meters.next; at != &ledger->meters; at = at->next) {
    struct rl_meter *meter = RL_OF(at, struct rl_meter, link);
    if (rl_blocks_has(&meter->blocks, block))
      return meter;
  }
  return NULL;
}

static void note(struct rl_meter *meter, const void *block, size_t size) {
  if (!meter || !rl_blocks_add(&meter->blocks, block))
    return;
  meter->held += size;
  if (meter->held > meter->peak)
    meter->peak = meter->held;
}

static void forget(struct rl_meter *meter, const void *block, size_t size) {
  if (meter && rl_blocks_remove(&meter->blocks, block))
    meter->held -= size;
}

/* -- the allocator ------------------------------------------------------------------------- */

void *rl_ledger_allocate(struct rl_ledger *ledger, void *block, size_t old, size_t size) {
  bool grows = size > old;
  if (grows && !may_grow(ledger, size - old)) {
    rl_ledger_set_mark(ledger);
    return NULL;
  }
  struct rl_meter *owner = block ? owner_of(ledger, block) : NULL;
  void *moved = rl_heap_lua(ledger->heap, block, old, size);
  if (!moved && size != 0)
    return NULL;
  ledger->bytes += size - old;
  forget(owner, block, old);
  if (size != 0)
    note(grows ? ledger->meter : owner, moved, size);
  if (ledger->bytes > ledger->high)
    ledger->high = ledger->bytes;
  if (ledger->bytes > ledger->mark)
    rl_ledger_set_mark(ledger);
  return moved;
}

/* -- meters -------------------------------------------------------------------------------- */

void rl_meter_open(struct rl_ledger *ledger, struct rl_meter *meter, size_t limit) {
  *meter = (struct rl_meter){.limit = limit};
  rl_blocks_init(&meter->blocks, ledger->heap);
  rl_list_init(&meter->link);
  rl_list_push(&ledger->meters, &meter->link);
  rl_ledger_set_mark(ledger);
}

void rl_meter_close(struct rl_ledger *ledger, struct rl_meter *meter) {
  rl_list_remove(&meter->link);
  rl_blocks_free(&meter->blocks);
  rl_ledger_set_mark(ledger);
}

size_t rl_ledger_metered(const struct rl_ledger *ledger) {
  size_t held = 0;
  for (const struct rl_list *at = ledger->meters.next; at != &ledger->meters; at = at->next)
    held += RL_OF(at, struct rl_meter, link)->held;
  return held;
}
