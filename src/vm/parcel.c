/* Parcel: what it holds and how it lets go of it. */
#include "vm/parcel.h"

#include <assert.h>
#include <lauxlib.h>
#include <string.h>

#include "vm/code.h"
#include "vm/shared.h"

enum { KEPT = 4096 }; /* bytes of a buffer worth keeping for the next parcel */

void rl_parcel_init(struct rl_parcel *parcel, struct rl_heap *heap) {
  *parcel = (struct rl_parcel){.anchor = LUA_NOREF};
  rl_buffer_init(&parcel->bytes, heap);
}

/* An array of pointers, with more room; NULL without memory. */
static void *grow(struct rl_heap *heap, void *array, uint32_t *capacity) {
  uint32_t more = *capacity ? 2 * *capacity : 4;
  void *grown = rl_realloc(heap, array, *capacity * sizeof(void *), more * sizeof(void *));
  if (grown)
    *capacity = more;
  return grown;
}

bool rl_parcel_add_code(struct rl_parcel *parcel, struct rl_code *code) {
  if (parcel->code_count == 0) {
    parcel->code = code;
  } else {
    if (parcel->code_count - 1 == parcel->code_capacity) {
      void *grown = grow(parcel->bytes.heap, parcel->codes, &parcel->code_capacity);
      if (!grown)
        return false;
      parcel->codes = grown;
    }
    parcel->codes[parcel->code_count - 1] = code;
  }
  parcel->code_count++;
  return true;
}

bool rl_parcel_add_share(struct rl_parcel *parcel, struct rl_shared *shared) {
  if (parcel->share_count == parcel->share_capacity) {
    void *grown = grow(parcel->bytes.heap, parcel->shares, &parcel->share_capacity);
    if (!grown)
      return false;
    parcel->shares = grown;
  }
  parcel->shares[parcel->share_count++] = rl_shared_keep(shared);
  return true;
}

void rl_parcel_release(lua_State *L, struct rl_parcel *parcel) {
  luaL_unref(L, LUA_REGISTRYINDEX, parcel->anchor);
  parcel->anchor = LUA_NOREF;
  parcel->lends = false;
}

static void drop_codes(struct rl_parcel *parcel) {
  for (uint32_t i = 0; i < parcel->code_count; i++)
    rl_code_drop(rl_parcel_code(parcel, i), 1);
  rl_free(parcel->bytes.heap, parcel->codes, parcel->code_capacity * sizeof *parcel->codes);
  parcel->code = NULL;
  parcel->codes = NULL;
  parcel->code_count = parcel->code_capacity = 0;
}

static void drop_shares(struct rl_parcel *parcel) {
  for (uint32_t i = 0; i < parcel->share_count; i++)
    rl_shared_release(parcel->shares[i]);
  rl_free(parcel->bytes.heap, parcel->shares, parcel->share_capacity * sizeof *parcel->shares);
  parcel->shares = NULL;
  parcel->share_count = parcel->share_capacity = 0;
}

void rl_parcel_free(struct rl_parcel *parcel, bool keep) {
  if (parcel->code_count > 0 || parcel->codes)
    drop_codes(parcel);
  if (parcel->shares)
    drop_shares(parcel);
  if (keep && !parcel->bytes.failed && parcel->bytes.capacity <= KEPT)
    parcel->bytes.size = 0;
  else if (parcel->bytes.bytes || parcel->bytes.failed)
    rl_buffer_free(&parcel->bytes);
  parcel->values = 0;
  parcel->scalar = parcel->lends = false;
  parcel->anchor = LUA_NOREF;
  if (parcel->slots | parcel->later | parcel->final)
    parcel->slots = parcel->later = parcel->final = 0;
}

int rl_parcel_copy(const struct rl_parcel *parcel, struct rl_parcel *to) {
  assert(!parcel->lends && to->bytes.size == 0 && to->code_count == 0);
  unsigned char *room = rl_buffer_extend(&to->bytes, parcel->bytes.size);
  bool copied = room || parcel->bytes.size == 0;
  if (room)
    memcpy(room, parcel->bytes.bytes, parcel->bytes.size);
  for (uint32_t i = 0; copied && i < parcel->code_count; i++) {
    struct rl_code *code = rl_parcel_code(parcel, i);
    copied = rl_parcel_add_code(to, code);
    if (copied)
      atomic_fetch_add_explicit(&code->references, 1, memory_order_relaxed);
  }
  for (uint32_t i = 0; copied && i < parcel->share_count; i++)
    copied = rl_parcel_add_share(to, parcel->shares[i]);
  if (!copied) {
    rl_parcel_free(to, false);
    return -1;
  }
  to->values = parcel->values;
  to->scalar = parcel->scalar;
  to->slots = parcel->slots;
  to->later = parcel->later;
  to->final = parcel->final;
  return 0;
}
