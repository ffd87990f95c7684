/* Embedder: what an embedding program of the specs brings along: a log, a script as text, memory of
 * its own that is counted and can be made to fail, and a look at what its process has. */
#ifndef RILLE_SPEC_EMBEDDER_H
#define RILLE_SPEC_EMBEDDER_H

#include "check.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "rille.h"

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { SLOW = 1 };
#else
enum { SLOW = 0 };
#endif

/* -- a log ------------------------------------------------------------------------------------ */

enum { LOG_BYTES = 4096 };

/* What was logged, by any thread. */
struct record {
  pthread_mutex_t lock;
  char text[LOG_BYTES];
  size_t size;
};

static inline void log_into(void *context, const char *text, size_t size) {
  struct record *record = context;
  pthread_mutex_lock(&record->lock);
  size_t room = sizeof record->text - 1 - record->size;
  size = size < room ? size : room;
  memcpy(record->text + record->size, text, size);
  record->size += size;
  pthread_mutex_unlock(&record->lock);
}

static inline struct record no_record(void) {
  return (struct record){.lock = PTHREAD_MUTEX_INITIALIZER};
}

/* -- a script --------------------------------------------------------------------------------- */

static inline int start_text(rille_t *runtime, const char *text) {
  struct rille_script script = {.name = "=script", .text = text, .size = strlen(text)};
  return rille_start(runtime, &script);
}

static inline rille_t *start_with(const struct rille_options *options, const char *text) {
  rille_t *runtime = rille_new(options);
  assert_non_null(runtime);
  assert_int_equal(start_text(runtime, text), 0);
  return runtime;
}

static inline int finish(rille_t *runtime) {
  int status = rille_run(runtime);
  rille_free(runtime);
  return status;
}

/* Sleeps, detaches, and hears from the network; its status is 7. */
static const char busy[] = "local rille = require 'rille'\n"
                           "local listener = rille.net.listen('tcp://127.0.0.1:0', function(conn)\n"
                           "  conn:write(conn:read('line') .. '\\n')\n"
                           "end)\n"
                           "for n = 1, 20 do\n"
                           "  rille.sleep(0.001)\n"
                           "  assert(rille.detach(function(n) return n + 1 end, n) == n + 1)\n"
                           "end\n"
                           "local conn = rille.net.connect(listener:address())\n"
                           "conn:write('hello\\n')\n"
                           "assert(conn:read('line') == 'hello')\n"
                           "os.exit(7)\n";

/* -- memory ----------------------------------------------------------------------------------- */

struct memory {
  atomic_long blocks, bytes;
  atomic_long left;  /* so many calls that want memory succeed; < 0: all do */
  bool for_ever;     /* after the first that failed, all others do */
  atomic_bool wrong; /* a size was not what it was before */
};

static inline bool memory_fails(struct memory *memory) {
  long left = atomic_load(&memory->left);
  while (left >= 0 && !(left == 0 && memory->for_ever)) {
    if (atomic_compare_exchange_weak(&memory->left, &left, left - 1))
      return left == 0;
  }
  return left == 0;
}

/* As rille_options.allocate has it; each block has its size in front. */
static inline void *memory_allocate(void *context, void *pointer, size_t old_size,
                                    size_t new_size) {
  enum { HEAD = 16 };
  struct memory *memory = context;
  unsigned char *block = pointer ? (unsigned char *)pointer - HEAD : NULL;
  size_t before = 0;
  if (block)
    memcpy(&before, block, sizeof before);
  if (before != old_size)
    atomic_store(&memory->wrong, true);
  if (new_size > old_size && memory_fails(memory))
    return NULL;
  if (new_size == 0) {
    free(block);
    atomic_fetch_sub(&memory->blocks, block ? 1 : 0);
    atomic_fetch_sub(&memory->bytes, (long)before);
    return NULL;
  }
  unsigned char *moved = realloc(block, new_size + HEAD);
  if (!moved)
    return NULL;
  memcpy(moved, &new_size, sizeof new_size);
  atomic_fetch_add(&memory->blocks, block ? 0 : 1);
  atomic_fetch_add(&memory->bytes, (long)new_size - (long)before);
  return moved + HEAD;
}

/* -- the process ------------------------------------------------------------------------------ */

static inline int count_entries(const char *path) {
  DIR *directory = opendir(path);
  int count = -2; /* "." and ".." */
  assert_non_null(directory);
  while (readdir(directory))
    count++;
  closedir(directory);
  return count;
}

static inline int count_descriptors(void) {
  return count_entries("/proc/self/fd");
}

static inline int count_threads(void) {
  return count_entries("/proc/self/task");
}

/* Whether no more threads than so many are left: one that has been joined is listed a moment
 * longer. */
static inline bool threads_are(int count) {
  for (int tries = 0; tries < 1000 && count_threads() > count; tries++)
    usleep(1000);
  return count_threads() <= count;
}

/* Pages of memory that it has. */
static inline long count_pages(void) {
  long all = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%ld %ld", &all, &resident), 2);
  fclose(file);
  return resident;
}

#endif
