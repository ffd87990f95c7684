/* State: opening and closing it.
 *
 * The state's memory is the runtime's heap, counted in its ledger, without atomics since only the
 * owner thread allocates. Whatever may raise while opening runs in `equip`, under protection. */
#include "vm/state.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "vm/call.h"
#include "vm/code.h"
#include "vm/globals.h"
#include "vm/inside.h"
#include "vm/json_mark.h"
#include "vm/names.h"
#include "vm/packer.h"
#include "vm/pristine.h"
#include "vm/require.h"
#include "vm/seed.h"

/* Not inlined: the hottest path there is would save registers for it. `old` is 0 without a block.
 */
static __attribute__((noinline)) void *resize(struct rl_ledger *ledger, void *block, size_t old,
                                              size_t size) {
  if (!block && size == 0)
    return NULL;
  if (ledger->bytes + (size - old) > ledger->mark)
    return rl_ledger_allocate(ledger, block, old, size);
  void *moved = rl_heap_lua(ledger->heap, block, old, size);
  if (moved || size == 0)
    ledger->bytes += size - old;
  return moved;
}

/* Whether the ledger need not hear of a block of this size, with which there will be so many bytes:
 * that is what the comparison with its mark says. */
static inline bool is_usual(const struct rl_ledger *ledger, size_t bytes, size_t size) {
  return bytes <= ledger->mark && rl_heap_small(ledger->heap, size);
}

/* Lua's allocator; without a block, `old` is the kind of object to be made. Mostly it makes or
 * frees a small block. */
static void *allocate(void *context, void *block, size_t old, size_t size) {
  struct rl_ledger *ledger = context;
  if (!block) {
    size_t bytes = ledger->bytes + size;
    if (size == 0 || !is_usual(ledger, bytes, size))
      return resize(ledger, NULL, 0, size);
    void *made = rl_allocator_take(size);
    if (made)
      ledger->bytes = bytes;
    return made;
  }
  size_t bytes = ledger->bytes - old;
  if (size != 0 || !is_usual(ledger, bytes, old))
    return resize(ledger, block, old, size);
  ledger->bytes = bytes;
  rl_allocator_release(block);
  return NULL;
}

/* An error outside any protected call: a bug of ours, and nothing can be trusted after it. */
static int panic(lua_State *L) {
  const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "not a string";
  fprintf(stderr, "rille: unprotected error in a Lua state: %s\n", message);
  abort();
}

static void seed_random(lua_State *L, uint64_t seed) {
  lua_getglobal(L, "math");
  lua_getfield(L, -1, "randomseed");
  lua_pushinteger(L, (lua_Integer)seed);
  lua_call(L, 1, 0);
  lua_pop(L, 1);
}

static int equip(lua_State *L) {
  struct rl_vm *vm = lua_touserdata(L, 1);
  lua_gc(L, LUA_GCSTOP); /* there is no garbage yet worth looking for */
  luaL_openlibs(L);
  if (vm->seed)
    seed_random(L, vm->seed);
  lua_pushglobaltable(L);
  vm->globals = lua_topointer(L, -1);
  vm->inside = rl_inside_check(L);
  vm->inside_threads = rl_inside_check_thread(L);
  if (!vm->inside || !rl_inside_check_state(L, vm->state))
    vm->state = NULL;
  rl_require_open(L);
  rl_names_open(L);
  rl_codes_open(L);
  rl_json_mark_open(L);
  if (vm->compute)
    rl_globals_open(L);
  lua_gc(L, LUA_GCRESTART);
  return 0;
}

int rl_vm_open(struct rl_vm *vm, struct rl_heap *heap) {
  vm->heap = heap;
  rl_ledger_init(&vm->ledger, heap);
  vm->owed = 0;
  vm->globals = NULL;
  vm->codes = NULL;
  vm->names = NULL;
  vm->pristine = NULL;
  vm->preparing = false;
  vm->tempted = false;
  vm->packer = NULL;
  rl_buffer_init(&vm->text, heap);
  vm->L = rl_seed_newstate(allocate, &vm->ledger, vm->hashes, &vm->state);
  if (!vm->L)
    return -1;
  lua_atpanic(vm->L, panic);
  *(struct rl_vm **)lua_getextraspace(vm->L) = vm; /* before any coroutine, which copies it */
  if (rl_call_protected(vm->L, equip, vm) == LUA_OK)
    return 0;
  rl_vm_close(vm);
  return -1;
}

void rl_vm_close(struct rl_vm *vm) {
  if (vm->L)
    lua_close(vm->L); /* whose finalizers may still pack */
  rl_packer_free(vm->packer);
  rl_names_free(vm->names);
  rl_codes_free(vm->codes);
  rl_pristine_free(vm->pristine);
  rl_buffer_free(&vm->text);
  vm->packer = NULL;
  vm->names = NULL;
  vm->codes = NULL;
  vm->pristine = NULL;
  vm->L = NULL;
}
