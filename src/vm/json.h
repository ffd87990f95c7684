/* JSON (RFC 8259): its text to Lua values and back.
 *
 *     object            a table; names are strings, each of them once
 *     array             a table with the keys 1 to n; an empty one is marked (rl_json_array)
 *     string            a string of UTF-8, which may have NULs in it
 *     number            an integer if it is written as one and fits; else a float
 *     true, false
 *     null              a light userdata that is NULL
 *
 * A table whose metatable has a string `__jsontype` is what that says: an "array", also while it is
 * empty, or an "object". Any other is an array if its keys are 1 to n, n > 0. Integers that are
 * keys of an object become strings. Metamethods are not called.
 *
 * Owner thread only. No Lua code runs, but finalizers may while a text is decoded. */
#ifndef RL_VM_JSON_H
#define RL_VM_JSON_H

#include <lua.h>
#include <stdbool.h>

#include "base/buffer.h"

enum {
  RL_JSON_DEPTH = 128,      /* how deep tables are nested, unless said otherwise */
  RL_JSON_MOST_DEPTH = 1000 /* what the C stack is sure to bear */
};

struct rl_json_style {
  int depth;   /* at most RL_JSON_MOST_DEPTH */
  int indent;  /* spaces a level; 0: all in one line, without spaces */
  bool sorted; /* members in the order of their names' bytes; otherwise in any */
};

/* The usual one. */
extern const struct rl_json_style rl_json_plain;

/* [] -> [string]: the text of the value at `index`. Raises for what JSON cannot say, with the path
 * to it: a function, NaN, bytes that are not UTF-8, a cycle; and for want of memory. */
void rl_json_encode(lua_State *L, int index, const struct rl_json_style *style);

/* The same in the usual style, into a buffer of the caller's, which may hold a part of it when
 * this raises. No finalizer runs meanwhile. */
void rl_json_append(lua_State *L, int index, struct rl_buffer *to);

/* The string at `index` -> [value], and true; or [message], and false, if it is not exactly one
 * JSON value, or nested deeper than `depth`, at most RL_JSON_MOST_DEPTH. The message has the line
 * and the column, in bytes. Raises for want of memory only. */
bool rl_json_decode(lua_State *L, int index, int depth);

/* [] -> [metatable]: the one that marks a table as an array. */
void rl_json_array(lua_State *L);

#endif
