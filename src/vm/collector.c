/* Collector: debts in kilobytes, the unit that lua_gc takes. Restarting the collector forgives it
 * what was allocated while it was stopped; the step asked for later takes that up again. */
#include "vm/collector.h"

#include <limits.h>

#include "vm/vm.h"

enum { INSTALMENT = 64, CREDIT = 1 << 20 }; /* kilobytes */

/* No more is owed than there is to look through: when a large value has been collected, paying on
 * would go round and round a state that has become small, and each round halves Lua's table of
 * strings, which the next large value needs again. */
static bool pay(lua_State *L, size_t most) {
  struct rl_vm *vm = rl_vm_of(L);
  size_t kilobytes = vm->owed / 1024;
  if (kilobytes == 0)
    return false;
  kilobytes = kilobytes < most ? kilobytes : most;
  vm->owed -= kilobytes * 1024;
  lua_gc(L, LUA_GCSTEP, (int)kilobytes);
  if (vm->owed > vm->ledger.bytes)
    vm->owed = vm->ledger.bytes;
  return true;
}

/* All that is owed. */
static void settle(lua_State *L) {
  while (pay(L, INT_MAX))
    continue;
}

int rl_collector_hold(lua_State *L, lua_CFunction function, void *argument) {
  struct rl_vm *vm = rl_vm_of(L);
  settle(L); /* on L, where whoever interrupts a finalizer looks for it */
  bool runs = lua_gc(L, LUA_GCISRUNNING); /* or the script has stopped it */
  if (runs) {
    lua_gc(L, LUA_GCSTOP);
    lua_gc(L, LUA_GCSTEP, -CREDIT); /* or each allocation would look whether it has to run */
  }
  size_t before = vm->ledger.bytes;
  lua_pushcfunction(L, function);
  lua_pushlightuserdata(L, argument);
  int status = lua_pcall(L, 1, LUA_MULTRET, 0);
  if (runs) {
    lua_gc(L, LUA_GCRESTART);
    vm->owed += vm->ledger.bytes > before ? vm->ledger.bytes - before : 0;
  }
  return status;
}

bool rl_collector_pay(struct rl_vm *vm) {
  return pay(vm->L, INSTALMENT);
}
