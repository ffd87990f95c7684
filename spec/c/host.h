/* A host as the specs are one: it keeps what is logged, gives its runtime native functions, and
 * runs a script. */
#ifndef RL_SPEC_HOST_H
#define RL_SPEC_HOST_H

#include "check.h"

#include <pthread.h>
#include <unistd.h>

#include "domain/domain.h"
#include "rille.h"

enum { HOST_LOG_BYTES = 4096 };

/* What was logged, by any thread. */
struct host_log {
  pthread_mutex_t lock;
  char text[HOST_LOG_BYTES];
  size_t size;
};

static inline struct host_log host_log(void) {
  return (struct host_log){.lock = PTHREAD_MUTEX_INITIALIZER};
}

static inline void host_log_write(void *context, const char *text, size_t size) {
  struct host_log *log = context;
  pthread_mutex_lock(&log->lock);
  size_t room = sizeof log->text - 1 - log->size;
  size = size < room ? size : room;
  memcpy(log->text + log->size, text, size);
  log->size += size;
  pthread_mutex_unlock(&log->lock);
}

/* A runtime with the `count` native functions as the module `native`. */
static inline rille_t *host_new(struct host_log *log, const struct rille_native *natives,
                                size_t count) {
  struct rille_options options = {.grace = 1, .log = host_log_write, .log_context = log};
  rille_t *runtime = rille_new(&options);
  assert_non_null(runtime);
  assert_int_equal(rille_native(runtime, "native", natives, count), 0);
  return runtime;
}

static inline void host_start(rille_t *runtime, const char *text) {
  struct rille_script script = {.name = "=script", .text = text, .size = strlen(text)};
  assert_int_equal(rille_start(runtime, &script), 0);
}

static inline int host_finish(rille_t *runtime) {
  int status = rille_run(runtime);
  rille_free(runtime);
  return status;
}

static inline struct rl_heap *host_heap(rille_t *runtime) {
  return ((struct rl_domain *)(void *)runtime)->settings->heap;
}

#endif
