/* Search: where domains look for modules, carried from the domain that starts one to the new one.
 */
#ifndef RL_HOST_SEARCH_H
#define RL_HOST_SEARCH_H

#include <lua.h>
#include <pthread.h>

#include "base/heap.h"
#include "rille.h"

struct rl_search {
  /* the host's, borrowed, or NULL: where to begin, and whom to ask before that */
  const char *first_path, *first_cpath;
  const char *(*find)(void *context, const char *name, size_t *size);
  void *context;

  /* package.path and package.cpath as they were when a domain was last about to start */
  pthread_mutex_t lock;
  struct rl_heap *heap;
  char *path, *cpath; /* NULL until noted; guarded by lock */
};

void rl_search_init(struct rl_search *search, struct rl_heap *heap,
                    const struct rille_options *options);
void rl_search_free(struct rl_search *search);

/* On the thread of L: remembers its paths. Does not raise; without memory the old ones stay. */
void rl_search_note(struct rl_search *search, lua_State *L);

/* On the thread of L, a new state: makes it search where the host said; and then, if it is a
 * compute domain's, where the one that started it did. May raise for want of memory. */
void rl_search_open(struct rl_search *search, lua_State *L);
void rl_search_apply(struct rl_search *search, lua_State *L);

/* Prepends the directory of the script `path` to package.path. May raise for want of memory. */
void rl_search_beside(lua_State *L, const char *path);

#endif
