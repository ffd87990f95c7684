/* Leaf: values that are written where they lie (inside.h), without a call of Lua's API: numbers,
 * strings, and tables that hold nothing else, which are the leaves.
 *
 * The tables of a list mostly have the same keys. The last leaf written whose keys are short
 * strings is remembered, and one that has the same keys in the same places is written as a row: its
 * values alone. All of it raises for want of memory. */
#ifndef RL_VM_LEAF_H
#define RL_VM_LEAF_H

#include "vm/inside.h"
#include "vm/packer.h"
#include "vm/text.h"

static inline bool rl_leaf_number(uint8_t kind) {
  return kind == RL_INSIDE_INTEGER || kind == RL_INSIDE_FLOAT;
}

/* Whether a value is neither an object nor a string that is lent. */
static inline bool rl_leaf_plain(uint8_t kind, union rl_inside_datum datum) {
  if (kind == RL_INSIDE_LONG) {
    size_t size;
    rl_inside_text(datum.object, &size);
    return size < RL_TEXT_LENT;
  }
  return rl_leaf_number(kind) || kind == RL_INSIDE_SHORT || kind == RL_INSIDE_FALSE ||
         kind == RL_INSIDE_TRUE || rl_inside_nil(kind);
}

/* Writes a plain value. */
void rl_leaf_put_plain(struct rl_packer *p, uint8_t kind, union rl_inside_datum datum, bool is_key);

/* Writes numbers as long as there are any, some at a time: how many. */
size_t rl_leaf_put_numbers(struct rl_packer *p, const struct rl_inside_value *values, size_t count);

/* Whether a table holds nothing but plain values and has neither metatable nor name; or was met
 * before. */
bool rl_leaf_is(const struct rl_packer *p, const struct rl_inside_table *table);

/* Writes a leaf, or a reference to it; false if the table is none: then nothing is written. */
bool rl_leaf_put(struct rl_packer *p, const struct rl_inside_table *table);

/* The size of a table's sequence as it is written: without the nils at its end. */
size_t rl_leaf_sequence(const struct rl_inside_table *table);

#endif
