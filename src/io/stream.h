/* Stream: a connected socket (TCP or Unix) on a libuv loop, with back-pressure both ways.
 *
 *     bytes come in                                 bytes go out
 *     scratch (one a domain)                        the kernel takes what it can at once
 *       -> input, up to `limit`, then reading         -> a copied rest, up to the high-water mark
 *          stops until it is drained                  -> above it: the caller keeps its bytes and
 *       -> rl_stream_take                                waits for rl_write.done
 *
 * An idle stream holds no input buffer. The handle is unreferenced: whoever waits for it holds the
 * loop (rl_stream_hold); queued writes hold it by themselves.
 *
 * Life: init -> open, or dialled (io/dial.h) -> close -> `closed` is called, and only then may the
 * memory be reused. A failed stream closes its handle by itself; what it received stays readable.
 * Owner: whoever embeds it, as the handle's memory. Threads: the loop's only. Nothing here raises;
 * events come from the loop, never from within a function of this file. */
#ifndef RL_IO_STREAM_H
#define RL_IO_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "io/errands.h"

enum {
  RL_STREAM_LIMIT = 64 * 1024,   /* input kept for a reader that is busy elsewhere */
  RL_STREAM_HIGH = 64 * 1024,    /* output that is copied and queued without waiting */
  RL_STREAM_SCRATCH = 64 * 1024, /* bytes of the scratch that init is given */
};

struct rl_stream;

struct rl_stream_events {
  void (*arrived)(struct rl_stream *stream); /* input grew, or ended */
  void (*closed)(struct rl_stream *stream);  /* the handle is gone; `end` tells if by an error */
};

struct rl_stream {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } uv; /* first */
  const struct rl_stream_events *on;
  struct rl_errands *errands;
  char *scratch; /* where libuv reads into; shared by the streams of a loop */

  struct rl_buffer input;
  size_t start; /* bytes of input that were taken already */
  size_t limit; /* reading stops when this many bytes wait */
  int end;      /* 0; UV_EOF or an error: no more bytes will come */
  bool reading;

  uv_shutdown_t shutdown;
  int failed;     /* why output is impossible; 0 while it is not */
  bool shut;      /* the writing half is closed, or about to be */
  bool open;      /* connected, and not closing */
  bool closing;   /* uv_close was called */
  bool finishing; /* closes as soon as its output is written */
};

/* A write whose bytes the caller keeps alive until `done`, which is called exactly once. */
struct rl_write {
  uv_write_t request;
  void (*done)(struct rl_write *write, int status);
};

/* No handle yet. The scratch outlives the stream. */
void rl_stream_init(struct rl_stream *stream, struct rl_heap *heap, struct rl_errands *errands,
                    char *scratch, const struct rl_stream_events *on);

/* Takes over a connected, non-blocking descriptor and starts to read. 0; or an error: then both the
 * descriptor and the handle are being closed, and `closed` comes. */
int rl_stream_open(struct rl_stream *stream, uv_loop_t *loop, int fd, bool local);

/* Starts to read on a handle that is connected. 0 or an error. */
int rl_stream_begin(struct rl_stream *stream);

/* What has arrived and was not taken; valid until the next pass of the loop or the next take. */
struct rl_slice rl_stream_input(const struct rl_stream *stream);

/* The input's first `size` bytes are done with. */
void rl_stream_take(struct rl_stream *stream, size_t size);

/* Bytes that were read before there was a stream, to be read first; nothing has arrived yet. 0, or
 * an error, and the stream has failed. */
int rl_stream_unread(struct rl_stream *stream, struct rl_slice bytes);

/* A reader needs `size` bytes in one piece: reads on until they are there. Back to the usual limit
 * with the next take. */
void rl_stream_want(struct rl_stream *stream, size_t size);

/* Whether the stream keeps its loop alive. */
void rl_stream_hold(struct rl_stream *stream, bool holds);

/* Hands the bytes to the kernel as far as it takes them, then copies and queues the rest if the
 * queue stays below the high-water mark. 0: all is on its way. 1: *bufs and *count were advanced to
 * the rest, which the caller gives to rl_stream_queue. Below 0: the stream has failed. */
int rl_stream_write(struct rl_stream *stream, uv_buf_t **bufs, unsigned *count);

/* The same for one run of bytes, of which whatever cannot be written is copied, however much. 0 or
 * an error. */
int rl_stream_send(struct rl_stream *stream, struct rl_slice bytes);

/* Queues bytes without copying them. 0, or an error (the stream has failed, `done` is not called).
 * After rl_stream_close libuv looks at the bytes no more, though `done` comes later. */
int rl_stream_queue(struct rl_stream *stream, struct rl_write *write, const uv_buf_t *bufs,
                    unsigned count);

/* Closes the writing half once what is queued has been written. 0 or an error. */
int rl_stream_shutdown(struct rl_stream *stream);

/* Ends the stream because of an error: `end` and `failed` say which, and it closes. */
void rl_stream_fail(struct rl_stream *stream, int error);

/* Closes once the queued output is written (at once when there is none). Drops the input. */
void rl_stream_finish(struct rl_stream *stream);

/* Closes now; queued output is lost. May be called again. */
void rl_stream_close(struct rl_stream *stream);

/* Drops what was received and not taken. */
void rl_stream_discard(struct rl_stream *stream);

#endif
