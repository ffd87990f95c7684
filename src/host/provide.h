/* Provide: modules that the host adds to those of Rille. A list that grows until the program
 * starts, and is then only read, by the threads of all domains. */
#ifndef RL_HOST_PROVIDE_H
#define RL_HOST_PROVIDE_H

#include <lua.h>

#include "base/heap.h"

struct rl_natives;

struct rl_provided {
  struct rl_provided *next;
  lua_CFunction open;         /* its upvalue 1: a light userdata, this module */
  struct rl_natives *natives; /* owned: of a module of native functions; NULL: another */
  const char *text;           /* borrowed: of one written in Lua; NULL: another */
  size_t length;
  size_t size; /* of the whole */
  char name[];
};

/* A list of one, whose name is a copy; NULL without memory. */
struct rl_provided *rl_provided_new(struct rl_heap *heap, const char *name, lua_CFunction open);

/* The whole list; NULL is an empty one. */
void rl_provided_free(struct rl_heap *heap, struct rl_provided *list);

/* Registers all of a list for `require`; of two with the same name the later one counts. May raise
 * for want of memory. */
void rl_provided_register(lua_State *L, const struct rl_provided *list);

/* In `open`: the module that is being opened. */
const struct rl_provided *rl_provided_opened(lua_State *L);

#endif
