/* Static body: a cursor over the steps text, piece, text, piece, ..., text. */
#include "serve/static_body.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/list.h"
#include "http/scan.h"

enum { PARTS = 16 };

void rl_static_body_copy(const struct rl_static_answer *answer, const struct rl_buffer *text,
                         struct rl_buffer *to) {
  const struct rl_file_plan *plan = &answer->plan;
  for (int i = 0; i <= plan->count; i++) {
    struct rl_slice before = rl_file_plan_text(plan, text, i);
    rl_buffer_append(to, before.bytes, before.size);
    if (i == plan->count)
      break;
    struct rl_range piece = plan->pieces[i];
    rl_buffer_append(to, answer->file->bytes + piece.first, (size_t)(piece.last - piece.first + 1));
  }
}

void rl_static_body_begin(struct rl_static_body *body, struct rl_errands *errands,
                          struct rl_static_answer *answer, struct rl_buffer *text,
                          void (*warmed)(struct rl_static_body *body)) {
  *body = (struct rl_static_body){
      .file = answer->file,
      .plan = answer->plan,
      .text = *text,
      .errands = errands,
      .warmed = warmed,
  };
  answer->file = NULL;
  rl_buffer_init(text, text->heap);
}

void rl_static_body_end(struct rl_static_body *body) {
  if (body->sending)
    rl_file_send_end(&body->send);
  body->sending = false;
  rl_file_release(body->file);
  body->file = NULL;
  rl_buffer_free(&body->text);
}

static bool is_over(const struct rl_static_body *body, int step) {
  return step > 2 * body->plan.count;
}

/* Whether a step is sent from the descriptor. */
static bool is_far(const struct rl_static_body *body, int step) {
  return !is_over(body, step) && step % 2 == 1 && body->file->fd >= 0;
}

/* What is left of a step in memory. */
static struct rl_slice bytes_of(const struct rl_static_body *body, int step) {
  struct rl_slice bytes = rl_file_plan_text(&body->plan, &body->text, step / 2);
  if (step % 2 == 1) {
    struct rl_range piece = body->plan.pieces[step / 2];
    bytes =
        (struct rl_slice){body->file->bytes + piece.first, (size_t)(piece.last - piece.first + 1)};
  }
  if (step == body->step)
    rl_scan_skip(&bytes, body->done);
  return bytes;
}

static void add(struct iovec *parts, int *count, size_t *size, struct rl_slice bytes) {
  if (bytes.size == 0)
    return;
  parts[(*count)++] = (struct iovec){(void *)(uintptr_t)bytes.bytes, bytes.size};
  *size += bytes.size;
}

/* Moves on by what was written: over whole steps in memory, empty ones too, and into one. */
static void move_on(struct rl_static_body *body, size_t size) {
  while (!is_over(body, body->step) && !is_far(body, body->step)) {
    size_t left = bytes_of(body, body->step).size;
    if (size < left) {
      body->done += size;
      return;
    }
    size -= left;
    body->step++;
    body->done = 0;
  }
}

static ssize_t write_parts(int socket, struct iovec *parts, int count, bool more) {
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
  ssize_t written;
  do
    written = sendmsg(socket, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
  while (written < 0 && errno == EINTR);
  return written;
}

/* Writes what is in memory from here on: 0 when the kernel took all that was offered, otherwise
 * FULL or an error. */
static int write_near(struct rl_static_body *body, int socket, struct rl_slice *before) {
  struct iovec parts[PARTS];
  size_t size = 0;
  int count = 0, step = body->step;
  add(parts, &count, &size, *before);
  for (; count < PARTS && !is_over(body, step) && !is_far(body, step); step++)
    add(parts, &count, &size, bytes_of(body, step));
  ssize_t written = 0;
  if (count)
    written = write_parts(socket, parts, count, !is_over(body, step));
  if (written < 0)
    return errno == EAGAIN ? RL_FILE_SEND_FULL : uv_translate_sys_error(errno);
  body->sent += (size_t)written;
  size_t head = (size_t)written < before->size ? (size_t)written : before->size;
  rl_scan_skip(before, head);
  if (before->size == 0)
    move_on(body, (size_t)written - head);
  return (size_t)written < size ? RL_FILE_SEND_FULL : 0;
}

static void on_warmed(struct rl_file_send *send) {
  struct rl_static_body *body = RL_OF(send, struct rl_static_body, send);
  body->warmed(body);
}

/* Sends a piece from the descriptor. */
static int send_far(struct rl_static_body *body, int socket) {
  if (!body->sending) {
    struct rl_range piece = body->plan.pieces[body->step / 2];
    rl_file_send_begin(&body->send, body->errands, body->file, piece.first,
                       piece.last - piece.first + 1, on_warmed);
    body->sending = true;
  }
  uint64_t left = body->send.left;
  int status = rl_file_send_some(&body->send, socket);
  body->sent += left - body->send.left;
  if (status == RL_FILE_SENT) {
    rl_file_send_end(&body->send);
    body->sending = false;
    body->step++;
  }
  return status;
}

int rl_static_body_some(struct rl_static_body *body, int socket, struct rl_slice *before) {
  for (;;) {
    int status = write_near(body, socket, before);
    if (status)
      return status;
    if (is_over(body, body->step))
      return RL_FILE_SENT;
    if (!is_far(body, body->step))
      continue;
    status = send_far(body, socket);
    if (status != RL_FILE_SENT)
      return status;
  }
}
