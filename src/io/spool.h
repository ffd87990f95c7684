/* Spool: a file that is written piece by piece, by the threads of libuv's pool, so that no slow
 * disk stops a loop. It has a name of its own until it is whole; then it stays as what it is to be,
 * or is removed when it is dropped.
 *
 *     create -> open -> write, write, ... -> close, or move -> drop
 *
 * One thing at a time: each of open, write, close and move begins something, after which `done` is
 * called on the loop, with `error` set. Owner: whoever created it, until the drop. Threads: the
 * loop's; what runs on the pool touches only what `busy` keeps the loop from touching. */
#ifndef RL_IO_SPOOL_H
#define RL_IO_SPOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "io/errands.h"

struct rl_spool {
  uv_work_t work; /* first */
  struct rl_errands *errands;
  struct rl_heap *heap;
  void (*done)(struct rl_spool *spool); /* NULL once it was dropped */
  void *owner;

  void (*job)(struct rl_spool *spool); /* what runs on the pool */
  char *path;                          /* where it is; its last letters are chosen by open */
  char *target;                        /* where it is to be; NULL */
  size_t path_size, target_size;       /* of these blocks */
  struct rl_buffer bytes;              /* that are being written */
  uint64_t size;                       /* written so far */
  unsigned mode;                       /* of the file, less the process's umask */
  int fd;                              /* -1 while it is not open */
  int error;                           /* of what was done last; 0: none */
  bool busy;
  bool made;  /* there is a file */
  bool stays; /* it was moved */
};

/* For a file of that mode whose name begins with `prefix`, to which letters are added. NULL when
 * there is no memory. */
struct rl_spool *rl_spool_create(struct rl_errands *errands, struct rl_heap *heap,
                                 struct rl_slice prefix, unsigned mode,
                                 void (*done)(struct rl_spool *spool), void *owner);

/* Makes the file. */
void rl_spool_open(struct rl_spool *spool);

/* Writes the bytes, of which a copy is taken, behind what is there. */
void rl_spool_write(struct rl_spool *spool, struct rl_slice bytes);

/* Nothing more is written; the file is removed with the drop. */
void rl_spool_close(struct rl_spool *spool);

/* The same, but the file becomes `target`, on the same file system, in place of what is there. */
void rl_spool_move(struct rl_spool *spool, struct rl_slice target);

/* Ends it, also while it is busy; a file that was not moved is removed, in the background. `done`
 * is not called any more. */
void rl_spool_drop(struct rl_spool *spool);

#endif
