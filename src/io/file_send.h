/* File send: a stretch of a file on its way into a socket, by sendfile, a slice at a time.
 *
 * sendfile waits for the disk when pages are not in memory, and with it the loop would. So each
 * slice is probed first (preadv2 with RWF_NOWAIT, a fraction of a microsecond for 256 KiB); one
 * that is cold is read on a thread of libuv's pool, which leaves it in the page cache. Only a file
 * system that cannot tell may make the loop wait. Going through the pool for every slice
 * (uv_fs_sendfile) would cost two wake-ups of a thread a slice.
 *
 * A socket that broke raises no SIGPIPE (io/sigpipe.h): sendfile has no flag against it.
 * Owner: whoever embeds it, as long as it likes: reading ahead does not need it. Threads: the
 * loop's only. */
#ifndef RL_IO_FILE_SEND_H
#define RL_IO_FILE_SEND_H

#include <stdint.h>
#include <uv.h>

#include "io/errands.h"
#include "io/file.h"

enum { RL_FILE_SEND_SLICE = 256 * 1024 };

enum rl_file_sent {
  RL_FILE_SENT,      /* all of it is in the socket */
  RL_FILE_SEND_FULL, /* call again when the socket is writable; it may be already */
  RL_FILE_SEND_COLD, /* call again when `warmed` was called; not before */
};

struct rl_file_send {
  struct rl_file *file; /* held */
  uint64_t at, left;    /* bytes */
  uint64_t warm;        /* known to be in memory up to here */
  struct rl_file_warming *warming;
  struct rl_errands *errands;
  void (*warmed)(struct rl_file_send *send); /* from the loop, once for each COLD */
};

/* For a file that has a descriptor, of which it takes a hold. `size` > 0 bytes from `at` on. */
void rl_file_send_begin(struct rl_file_send *send, struct rl_errands *errands, struct rl_file *file,
                        uint64_t at, uint64_t size, void (*warmed)(struct rl_file_send *send));

/* Sends what the non-blocking socket takes, one slice at most, so that others get their turn: an
 * rl_file_sent, or an error. UV_EOF: the file became shorter. After an error the answer cannot be
 * completed, and its connection must be closed. */
int rl_file_send_some(struct rl_file_send *send, int socket);

/* Lets go of the file, whether or not all was sent; `warmed` is not called any more. Must be called
 * once after begin. */
void rl_file_send_end(struct rl_file_send *send);

#endif
