/* Embedded: the Lua modules under lua/rille/, made part of the program when it is built
 * (cmake/embed.cmake writes the table). Constant; any thread. */
#ifndef RL_VM_EMBEDDED_H
#define RL_VM_EMBEDDED_H

#include <stddef.h>

struct rl_embedded {
  const char *module; /* "rille.flow" for lua/rille/flow.lua */
  const char *chunk;  /* "@rille/flow.lua": what tracebacks say */
  const char *text;   /* the source */
  size_t size;
};

/* In the order of their paths; rl_embedded_count of them. */
extern const struct rl_embedded rl_embedded[];
extern const size_t rl_embedded_count;

#endif
