/* Static body: the bytes of an answer from a file on their way into a socket: what is in memory
 * together with the head that precedes it, in one call to the kernel; the rest by sendfile.
 *
 *     rl_static_body_begin
 *     rl_static_body_some -> FULL   call again when the socket is writable
 *                         -> COLD   call again from `warmed`; the loop is not held back meanwhile
 *                         -> SENT, or an error: rl_static_body_end
 *
 * Owner: whoever embeds it; it stays where it is from begin to end. Threads: the domain's only.
 * Neither raises nor yields; `warmed` comes from the loop. */
#ifndef RL_SERVE_STATIC_BODY_H
#define RL_SERVE_STATIC_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "base/buffer.h"
#include "io/file_send.h"
#include "serve/static.h"

struct rl_static_body {
  struct rl_file *file; /* held */
  struct rl_file_plan plan;
  struct rl_buffer text;
  struct rl_errands *errands;
  int step;      /* even: the text before piece step/2; odd: that piece */
  size_t done;   /* bytes of a step in memory */
  uint64_t sent; /* bytes all in all, with those before it */
  bool sending;
  struct rl_file_send send; /* of a piece with a descriptor */
  void (*warmed)(struct rl_static_body *body);
};

/* Appends the whole body of an answer whose file is in memory. */
void rl_static_body_copy(const struct rl_static_answer *answer, const struct rl_buffer *text,
                         struct rl_buffer *to);

/* Takes over the answer's file, which is there, and the text, which is empty afterwards. */
void rl_static_body_begin(struct rl_static_body *body, struct rl_errands *errands,
                          struct rl_static_answer *answer, struct rl_buffer *text,
                          void (*warmed)(struct rl_static_body *body));

/* Writes what the non-blocking socket takes, `before` first, from which is dropped what was
 * written: an rl_file_sent, or an error, after which the connection must be closed. */
int rl_static_body_some(struct rl_static_body *body, int socket, struct rl_slice *before);

/* Lets go of everything, at any time after begin; once. */
void rl_static_body_end(struct rl_static_body *body);

#endif
