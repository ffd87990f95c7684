/* Unpacks arbitrary bytes. A parcel's lengths are not trusted; its code and lent strings are
 * pointers that never leave the process, so here there are none, and their tags must be refused.
 *
 * The first three bytes say how many values, slots and deferred bodies the parcel claims. */
#include <lauxlib.h>
#include <stdint.h>
#include <stdlib.h>

#include "vm/call.h"
#include "vm/parcel.h"
#include "vm/state.h"

enum { ROUNDS = 1000 }; /* in one state */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int unpack(lua_State *L) { // [parcel]
  struct rl_parcel *parcel = lua_touserdata(L, 1);
  lua_settop(L, 0);
  return rl_unpack(L, parcel);
}

/* Nothing may be loaded from files: names are requests for modules. */
static void open_state(struct rl_vm *vm, struct rl_heap *heap) {
  rl_heap_init(heap);
  if (rl_vm_open(vm, heap) != 0 ||
      luaL_dostring(vm->L, "package.path, package.cpath = '', ''") != LUA_OK)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct rl_heap heap;
  static struct rl_vm vm;
  static unsigned rounds;
  struct rl_parcel parcel;
  if (size < 3)
    return 0;
  if (rounds++ % ROUNDS == 0)
    open_state(&vm, &heap);
  rl_parcel_init(&parcel, &heap);
  rl_buffer_append(&parcel.bytes, data + 3, size - 3);
  parcel.values = data[0] % 8;
  parcel.slots = data[1];
  parcel.later = parcel.final = data[2];
  rl_call_protected(vm.L, unpack, &parcel);
  rl_parcel_free(&parcel, false);
  lua_settop(vm.L, 0);
  if (rounds % ROUNDS == 0) {
    rl_vm_close(&vm);
    if (atomic_load(&heap.blocks) != 0 || vm.ledger.bytes != 0)
      abort();
  }
  return 0;
}
