/* State: opens and closes the Lua state of a VM. Owner thread only. */
#ifndef RL_VM_STATE_H
#define RL_VM_STATE_H

#include "vm/vm.h"

/* Creates the state with Lua's standard libraries open and the by-name index, code cache and
 * `require` watcher ready. The caller sets `compute`, `number`
 * and `seed` before. Returns 0, or -1 when
 * there is no memory (then nothing is left behind). */
int rl_vm_open(struct rl_vm *vm, struct rl_heap *heap);

/* Closes the state (which runs finalizers) and frees what belongs to it. */
void rl_vm_close(struct rl_vm *vm);

#endif
