/* Native: a function of the host's that scripts call, as it was given to rille_native. Made by the
 * thread that starts the runtime, then only read, by the threads of all domains. */
#ifndef RL_HOST_NATIVE_H
#define RL_HOST_NATIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/heap.h"
#include "rille.h"

enum { RL_NATIVE_PARAMETERS = 16 };

enum rl_takes { RL_TAKES_ANY, RL_TAKES_BOOLEAN, RL_TAKES_INTEGER, RL_TAKES_NUMBER, RL_TAKES_BYTES };

struct rl_parameter {
  enum rl_takes takes;
  bool optional;
};

struct rl_native {
  const char *what; /* MODULE.NAME */
  const char *name; /* within that */
  void (*call)(struct rille_frame *frame, void *context, const struct rille_value *arguments);
  void *context;
  int count; /* of parameters */
  struct rl_parameter parameters[RL_NATIVE_PARAMETERS];
};

/* The functions of a module, with their names behind them. */
struct rl_natives {
  size_t size; /* of the whole */
  size_t count;
  struct rl_native list[];
};

/* NULL without memory, and when one of them has a `takes` that makes no sense: *wrong is its index
 * then, and `count` otherwise. */
struct rl_natives *rl_natives_new(struct rl_heap *heap, const char *module,
                                  const struct rille_native *natives, size_t count, size_t *wrong);

/* NULL is allowed. */
void rl_natives_free(struct rl_heap *heap, struct rl_natives *natives);

#endif
