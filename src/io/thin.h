/* Thin: a connected socket (TCP or Unix) at the price of a poll handle: 160 bytes instead of the
 * 248 of libuv's own stream, no buffer and no request of its own. Whoever embeds it brings the
 * memory for what is read and written, which an idle connection then does not need.
 *
 * Life: open -> close -> `closed` is called, and only then may the memory be reused. The handle is
 * unreferenced until rl_thin_hold. Threads: the loop's only. Nothing raises. */
#ifndef RL_IO_THIN_H
#define RL_IO_THIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

struct rl_thin {
  uv_poll_t poll; /* first */
};

/* Takes over a connected, non-blocking descriptor: 0; or an error, and it is closed. */
int rl_thin_open(struct rl_thin *thin, uv_loop_t *loop, int fd);

/* What to call `ready` for from now on: UV_READABLE, UV_WRITABLE, UV_DISCONNECT (the peer has sent
 * its last byte), UV_PRIORITIZED (urgent bytes), any of them or 0; where it is not 0, a status
 * below 0 says that the connection is broken. NULL: the same function as before. Changing it costs
 * system calls.
 */
void rl_thin_watch(struct rl_thin *thin, int events, uv_poll_cb ready);

/* Reads or writes what is possible at once: how many bytes, 0 for the end when reading, or an
 * error, UV_EAGAIN above all. */
ssize_t rl_thin_read(const struct rl_thin *thin, char *bytes, size_t size);
ssize_t rl_thin_write(const struct rl_thin *thin, const void *bytes, size_t size);

/* Bytes that were written and have not reached the peer; 0 if the system cannot say. */
size_t rl_thin_unsent(const struct rl_thin *thin);

/* Are there bytes to be read? */
bool rl_thin_readable(const struct rl_thin *thin);

/* Says that nothing more will be written. */
void rl_thin_shutdown(const struct rl_thin *thin);

/* Closing it will drop what has not reached the peer, which gets a reset; otherwise the system
 * keeps that for minutes. */
void rl_thin_forsake(const struct rl_thin *thin);

/* The error that the socket has met meanwhile; 0: none. */
int rl_thin_error(const struct rl_thin *thin);

/* Whether the socket keeps its loop alive. */
void rl_thin_hold(struct rl_thin *thin, bool holds);

int rl_thin_fd(const struct rl_thin *thin);

/* Instead of closing: the descriptor is the caller's, and may be used by another handle at once. */
int rl_thin_release(struct rl_thin *thin, uv_close_cb closed);

/* Once; the descriptor is closed at once. */
void rl_thin_close(struct rl_thin *thin, uv_close_cb closed);

#endif
