/* File send: probe, sendfile, and reading on the pool what the probe did not find. A read on the
 * pool is a block of its own that holds the file, so that it can outlive the answer. */
#include "io/file_send.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/list.h"
#include "io/sigpipe.h"

enum { PIECE = 32 * 1024 };

struct rl_file_warming {
  uv_work_t work;
  struct rl_file *file; /* held */
  uint64_t from, to;    /* bytes */
  struct rl_errands *errands;
  struct rl_file_send *send; /* NULL once it does not care any more */
};

void rl_file_send_begin(struct rl_file_send *send, struct rl_errands *errands, struct rl_file *file,
                        uint64_t at, uint64_t size, void (*warmed)(struct rl_file_send *send)) {
  *send = (struct rl_file_send){
      .file = rl_file_hold(file),
      .at = at,
      .left = size,
      .warm = at,
      .errands = errands,
      .warmed = warmed,
  };
}

void rl_file_send_end(struct rl_file_send *send) {
  if (send->warming)
    send->warming->send = NULL;
  send->warming = NULL;
  rl_file_release(send->file);
  send->file = NULL;
}

/* On a thread of the pool: the bytes are not wanted, but the pages. */
static void read_pages(uv_work_t *work) {
  const struct rl_file_warming *warming = RL_OF(work, struct rl_file_warming, work);
  char piece[PIECE];
  for (uint64_t at = warming->from; at < warming->to;) {
    uint64_t left = warming->to - at;
    ssize_t count = pread(warming->file->fd, piece, left < PIECE ? left : PIECE, (off_t)at);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return; /* sendfile will meet the same, and say so */
    at += (uint64_t)count;
  }
}

static void finish_reading(uv_work_t *work, int status) {
  struct rl_file_warming *warming = RL_OF(work, struct rl_file_warming, work);
  struct rl_file_send *send = warming->send;
  struct rl_heap *heap = warming->file->heap;
  (void)status;
  warming->errands->out--;
  rl_file_release(warming->file);
  rl_free(heap, warming, sizeof *warming);
  if (!send)
    return;
  send->warming = NULL;
  send->warmed(send);
}

/* Reads up to `to` on the pool. */
static int warm_up(struct rl_file_send *send, uint64_t to) {
  struct rl_heap *heap = send->file->heap;
  struct rl_file_warming *warming = rl_alloc(heap, sizeof *warming);
  if (!warming)
    return UV_ENOMEM;
  *warming = (struct rl_file_warming){
      .file = send->file, .from = send->at, .to = to, .errands = send->errands, .send = send};
  int error = rl_errand_send(send->errands, &warming->work, read_pages, finish_reading);
  if (error) {
    rl_free(heap, warming, sizeof *warming);
    return error;
  }
  rl_file_hold(warming->file);
  send->warming = warming;
  send->warm = to; /* whatever comes of it: sending goes on then */
  return RL_FILE_SEND_COLD;
}

static bool is_warm(int fd, uint64_t at) {
  char byte;
  struct iovec into = {&byte, 1};
  return preadv2(fd, &into, 1, (off_t)at, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

/* The next slice, all of it in memory: 0; or COLD, or an error. */
static int next_slice(struct rl_file_send *send, uint64_t *slice) {
  *slice = send->left < RL_FILE_SEND_SLICE ? send->left : RL_FILE_SEND_SLICE;
  if (send->at < send->warm) {
    uint64_t warm = send->warm - send->at;
    *slice = warm < *slice ? warm : *slice;
    return 0;
  }
  int fd = send->file->fd;
  uint64_t to = send->at + *slice;
  if (!is_warm(fd, send->at) || !is_warm(fd, to - 1))
    return warm_up(send, to);
  send->warm = to;
  return 0;
}

static ssize_t send_slice(const struct rl_file_send *send, int socket, uint64_t slice) {
  struct rl_sigpipe sigpipe;
  off_t at = (off_t)send->at;
  rl_sigpipe_block(&sigpipe);
  ssize_t count = sendfile(socket, send->file->fd, &at, slice);
  rl_sigpipe_restore(&sigpipe, count < 0 && errno == EPIPE);
  return count;
}

int rl_file_send_some(struct rl_file_send *send, int socket) {
  uint64_t slice;
  if (send->left == 0)
    return RL_FILE_SENT;
  int status = next_slice(send, &slice);
  if (status)
    return status;
  ssize_t count = send_slice(send, socket, slice);
  if (count == 0)
    return UV_EOF;
  if (count < 0)
    return errno == EAGAIN || errno == EINTR ? RL_FILE_SEND_FULL : uv_translate_sys_error(errno);
  send->at += (uint64_t)count;
  send->left -= (uint64_t)count;
  return send->left ? RL_FILE_SEND_FULL : RL_FILE_SENT;
}
