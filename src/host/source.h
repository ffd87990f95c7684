/* Source: a script with its arguments, kept as it was read, so that every loop runs the same.
 *
 * Read once, then the same for all threads. What the embedder passed is borrowed. */
#ifndef RL_HOST_SOURCE_H
#define RL_HOST_SOURCE_H

#include <lua.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "rille.h"

struct rl_source {
  struct rille_script script; /* borrowed, with its text */
  struct rl_buffer file;      /* what was read, if it gave none */
  bool read;                  /* it gave none */
};

void rl_source_init(struct rl_source *source, struct rl_heap *heap);
void rl_source_free(struct rl_source *source);

/* Reads it: 0, or -1 and errno says why. */
int rl_source_read(struct rl_source *source, const struct rille_script *script);

/* [] -> [function, arguments..]: compiles it for a state, and makes that state's `arg` and
 * package.path those of a script. Raises the error of compiling, or for want of memory. */
void rl_source_load(const struct rl_source *source, lua_State *L);

#endif
