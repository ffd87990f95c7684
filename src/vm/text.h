/* Text: how strings are packed. Raises for want of memory. */
#ifndef RL_VM_TEXT_H
#define RL_VM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "vm/packer.h"

enum { RL_TEXT_LENT = 32 * 1024 }; /* a string this long is lent to the receiver */

/* The string at `index`. Keys are expected to come again. */
void rl_text_pack(struct rl_packer *p, int index, bool is_key);

/* One shorter than RL_TEXT_LENT, by its bytes; `index` as for rl_mention_begin. */
void rl_text_pack_bytes(struct rl_packer *p, int index, const char *text, size_t size, bool is_key);

#endif
