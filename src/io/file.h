/* File: a regular file as it is served: its bytes when it is small and was at hand, its descriptor
 * otherwise, and what an answer says about it.
 *
 * It is a snapshot that its holders share and never change: an answer that is under way keeps what
 * it began with although the name means another file by now. What is written into a file that is
 * held by its descriptor can be seen by whoever is sending it.
 * Threads: one at a time; the descriptor may be read by others as long as the file is held. */
#ifndef RL_IO_FILE_H
#define RL_IO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/slice.h"

enum { RL_FILE_ETAG_SIZE = 64 };

/* What tells that a file is still the same. */
struct rl_file_identity {
  uint64_t device, inode, size;
  int64_t modified, changed; /* ns since 1970 */
};

struct rl_file {
  struct rl_heap *heap;
  unsigned holders;
  int fd; /* -1: its bytes are here */
  struct rl_file_identity identity;
  bool settled; /* it had not just been changed when it was read */
  size_t etag_size;
  char etag[RL_FILE_ETAG_SIZE]; /* strong, with its quotes: size, time and inode */
  char bytes[];                 /* identity.size of them, if fd is -1 */
};

/* Makes a file of what a descriptor is open for, which it takes over in any case, and reads it if
 * it has at most `small` bytes and these are in memory already (or the file system cannot tell).
 * `old` is an earlier snapshot under that name, or NULL; it is held and returned if there would be
 * nothing new. `now` in seconds since 1970. 0 and a hold for the caller; or an error: UV_EISDIR for
 * a directory, UV_ENOENT for anything else that is not a regular file. */
int rl_file_open(struct rl_heap *heap, int fd, size_t small, int64_t now, struct rl_file *old,
                 struct rl_file **file);

static inline struct rl_file *rl_file_hold(struct rl_file *file) {
  file->holders++;
  return file;
}

/* NULL is allowed. */
void rl_file_release(struct rl_file *file);

/* Seconds since 1970. */
static inline int64_t rl_file_modified(const struct rl_file *file) {
  int64_t ns = file->identity.modified;
  return ns / 1000000000 - (ns % 1000000000 < 0);
}

static inline struct rl_slice rl_file_etag(const struct rl_file *file) {
  return (struct rl_slice){file->etag, file->etag_size};
}

#endif
