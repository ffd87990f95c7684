/* Fields: how the contents of a table are packed. */
#ifndef RL_VM_FIELDS_H
#define RL_VM_FIELDS_H

#include <stddef.h>

#include "vm/packer.h"

/* Writes the fields of the table at `table`, which is `depth` deep, then their numbers to the bytes
 * at `sizes`. Raises. */
void rl_fields_pack(struct rl_packer *p, int table, size_t sizes, unsigned depth);

#endif
