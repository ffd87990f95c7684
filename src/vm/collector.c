/* Collector: debts in kilobytes, the unit that lua_gc takes. Restarting the collector forgives it
 * what was allocated while it was stopped; the step asked for later takes that up again. */
#include "vm/collector.h"

#include <limits.h>

#include "vm/vm.h"

int rl_collector_hold(lua_State *L, lua_CFunction function, void *argument) {
  struct rl_vm *vm = rl_vm_of(L);
  rl_collector_settle(vm);
  bool runs = lua_gc(L, LUA_GCISRUNNING); /* or the script has stopped it */
  if (runs)
    lua_gc(L, LUA_GCSTOP);
  size_t before = vm->bytes;
  lua_pushcfunction(L, function);
  lua_pushlightuserdata(L, argument);
  int status = lua_pcall(L, 1, LUA_MULTRET, 0);
  if (runs) {
    lua_gc(L, LUA_GCRESTART);
    vm->owed += vm->bytes > before ? vm->bytes - before : 0;
  }
  return status;
}

bool rl_collector_owes(const struct rl_vm *vm) {
  return vm->owed >= 1024;
}

void rl_collector_settle(struct rl_vm *vm) {
  size_t kilobytes = vm->owed / 1024;
  if (kilobytes == 0)
    return;
  vm->owed = 0;
  lua_gc(vm->L, LUA_GCSTEP, kilobytes < INT_MAX ? (int)kilobytes : INT_MAX);
}
