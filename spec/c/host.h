/* A host as the specs are one: it keeps what is logged, gives its runtime native functions, and
 * runs a script. */
#ifndef RL_SPEC_HOST_H
#define RL_SPEC_HOST_H

#include "embedder.h"

#include "domain/domain.h"

/* A runtime with the `count` native functions as the module `native`. */
static inline rille_t *host_new(struct record *log, const struct rille_native *natives,
                                size_t count) {
  struct rille_options options = {.grace = 1, .log = log_into, .log_context = log};
  rille_t *runtime = rille_new(&options);
  assert_non_null(runtime);
  assert_int_equal(rille_native(runtime, "native", natives, count), 0);
  return runtime;
}

static inline void host_start(rille_t *runtime, const char *text) {
  assert_int_equal(start_text(runtime, text), 0);
}

static inline struct rl_heap *host_heap(rille_t *runtime) {
  return ((struct rl_domain *)(void *)runtime)->settings->heap;
}

#endif
