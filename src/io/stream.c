/* Stream: see the header for the flow of bytes and the life of the handle.
 *
 * libuv leaves later writes of a queue hanging after one has failed; closing the handle at the
 * first error is what gets every one of them its `done`. */
#include "io/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "io/sigpipe.h"

/* A copied rest of output. */
struct copy {
  struct rl_write write; /* first */
  struct rl_heap *heap;
  size_t size; /* of the whole block */
  char bytes[];
};

static struct rl_stream *stream_of(void *handle) {
  return RL_OF(handle, struct rl_stream, uv);
}

static size_t pending(const struct rl_stream *stream) {
  return stream->input.size - stream->start;
}

void rl_stream_init(struct rl_stream *stream, struct rl_heap *heap, struct rl_errands *errands,
                    char *scratch, const struct rl_stream_events *on) {
  memset(stream, 0, sizeof *stream);
  rl_buffer_init(&stream->input, heap);
  stream->errands = errands;
  stream->scratch = scratch;
  stream->on = on;
  stream->limit = RL_STREAM_LIMIT;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  struct rl_stream *stream = stream_of(handle);
  size_t room = stream->limit - pending(stream);
  (void)suggested;
  buf->base = stream->scratch;
  buf->len = room < RL_STREAM_SCRATCH ? room : RL_STREAM_SCRATCH;
}

static void pause_reading(struct rl_stream *stream) {
  if (stream->reading)
    uv_read_stop(&stream->uv.stream);
  stream->reading = false;
}

/* Keeps received bytes: 0 or UV_ENOMEM. */
static int keep(struct rl_stream *stream, const char *bytes, size_t size) {
  if (stream->start > 0)
    rl_buffer_drop(&stream->input, stream->start);
  stream->start = 0;
  rl_buffer_append(&stream->input, bytes, size);
  return stream->input.failed ? UV_ENOMEM : 0;
}

/* libuv takes a hang-up behind a short read for an orderly end without another look, though it may
 * have been a reset. The socket knows. EPIPE is a reset behind the end, which was orderly. */
static int end_of(struct rl_stream *stream) {
  uv_os_fd_t fd;
  int error = 0;
  socklen_t size = sizeof error;
  if (uv_fileno(&stream->uv.handle, &fd) != 0 ||
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error == EPIPE || error == 0)
    return UV_EOF;
  return uv_translate_sys_error(error);
}

static void on_read(uv_stream_t *handle, ssize_t count, const uv_buf_t *buf) {
  struct rl_stream *stream = stream_of(handle);
  int error = 0;
  if (count == 0)
    return;
  if (count == UV_EOF)
    count = end_of(stream);
  if (count > 0) {
    stream->errands->received += (uint64_t)count;
    error = keep(stream, buf->base, (size_t)count);
  } else if (count != UV_EOF) {
    error = (int)count;
  }
  if (error) {
    rl_stream_fail(stream, error);
    return;
  }
  if (count == UV_EOF)
    stream->end = UV_EOF;
  if (stream->end || pending(stream) >= stream->limit)
    pause_reading(stream);
  stream->on->arrived(stream);
}

static int resume_reading(struct rl_stream *stream) {
  if (stream->reading || stream->end || !stream->open)
    return 0;
  int status = uv_read_start(&stream->uv.stream, on_alloc, on_read);
  stream->reading = status == 0;
  return status;
}

int rl_stream_begin(struct rl_stream *stream) {
  stream->open = true;
  uv_unref(&stream->uv.handle);
  return resume_reading(stream);
}

int rl_stream_open(struct rl_stream *stream, uv_loop_t *loop, int fd, bool local) {
  int status = local ? uv_pipe_init(loop, &stream->uv.pipe, 0) : uv_tcp_init(loop, &stream->uv.tcp);
  if (status == 0)
    status = local ? uv_pipe_open(&stream->uv.pipe, fd) : uv_tcp_open(&stream->uv.tcp, fd);
  if (status != 0)
    close(fd);
  else
    status = rl_stream_begin(stream);
  if (status != 0)
    rl_stream_close(stream);
  return status;
}

struct rl_slice rl_stream_input(const struct rl_stream *stream) {
  if (pending(stream) == 0)
    return (struct rl_slice){"", 0};
  return (struct rl_slice){(const char *)stream->input.bytes + stream->start, pending(stream)};
}

void rl_stream_discard(struct rl_stream *stream) {
  rl_buffer_free(&stream->input);
  stream->start = 0;
}

void rl_stream_take(struct rl_stream *stream, size_t size) {
  stream->start += size;
  if (pending(stream) == 0)
    rl_stream_discard(stream);
  stream->limit = RL_STREAM_LIMIT;
  if (pending(stream) >= stream->limit)
    pause_reading(stream);
  else if (pending(stream) <= stream->limit / 2)
    resume_reading(stream);
}

int rl_stream_unread(struct rl_stream *stream, struct rl_slice bytes) {
  int error = keep(stream, bytes.bytes, bytes.size);
  if (error)
    rl_stream_fail(stream, error);
  else if (pending(stream) >= stream->limit)
    pause_reading(stream);
  return error;
}

void rl_stream_want(struct rl_stream *stream, size_t size) {
  stream->limit = size > RL_STREAM_LIMIT ? size : RL_STREAM_LIMIT;
  if (pending(stream) >= stream->limit)
    pause_reading(stream);
  else
    resume_reading(stream);
}

void rl_stream_hold(struct rl_stream *stream, bool holds) {
  if (!stream->open)
    return;
  if (holds)
    uv_ref(&stream->uv.handle);
  else
    uv_unref(&stream->uv.handle);
}

static void on_written(uv_write_t *request, int status) {
  struct rl_stream *stream = stream_of(request->handle);
  struct rl_write *write = RL_OF(request, struct rl_write, request);
  stream->errands->writes--;
  if (status < 0 && status != UV_ECANCELED)
    rl_stream_fail(stream, status);
  else if (stream->finishing && uv_stream_get_write_queue_size(&stream->uv.stream) == 0)
    rl_stream_close(stream);
  write->done(write, status);
}

static void note_queued(struct rl_errands *errands, const uv_buf_t *bufs, unsigned count) {
  errands->writes++;
  for (unsigned i = 0; i < count; i++)
    errands->sent += bufs[i].len;
}

int rl_stream_queue(struct rl_stream *stream, struct rl_write *write, const uv_buf_t *bufs,
                    unsigned count) {
  struct rl_sigpipe sigpipe;
  rl_sigpipe_block(&sigpipe);
  int status = uv_write(&write->request, &stream->uv.stream, bufs, count, on_written);
  rl_sigpipe_restore(&sigpipe, true);
  if (status != 0)
    rl_stream_fail(stream, status);
  else
    note_queued(stream->errands, bufs, count);
  return status;
}

static void copy_done(struct rl_write *write, int status) {
  struct copy *copy = RL_OF(write, struct copy, write);
  (void)status; /* the stream has taken note */
  rl_free(copy->heap, copy, copy->size);
}

static int queue_copy(struct rl_stream *stream, const uv_buf_t *bufs, unsigned count, size_t size) {
  struct rl_heap *heap = stream->input.heap;
  struct copy *copy = rl_alloc(heap, sizeof *copy + size);
  if (!copy) {
    rl_stream_fail(stream, UV_ENOMEM);
    return UV_ENOMEM;
  }
  copy->write.done = copy_done;
  copy->heap = heap;
  copy->size = sizeof *copy + size;
  char *to = copy->bytes;
  for (unsigned i = 0; i < count; to += bufs[i].len, i++)
    memcpy(to, bufs[i].base, bufs[i].len);
  uv_buf_t whole = {.base = copy->bytes, .len = size};
  int status = rl_stream_queue(stream, &copy->write, &whole, 1);
  if (status != 0)
    copy_done(&copy->write, status);
  return status;
}

/* Moves past the first `size` bytes and past buffers without any; the sum of the rest. */
static size_t advance(uv_buf_t **bufs, unsigned *count, size_t size) {
  while (*count > 0 && size >= (*bufs)->len) {
    size -= (*bufs)->len;
    (*bufs)++;
    (*count)--;
  }
  if (*count > 0) {
    (*bufs)->base += size;
    (*bufs)->len -= size;
  }
  size_t rest = 0;
  for (unsigned i = 0; i < *count; i++)
    rest += (*bufs)[i].len;
  return rest;
}

/* As uv_try_write, which knows nothing against SIGPIPE. */
static ssize_t send_now(struct rl_stream *stream, uv_buf_t *bufs, unsigned count) {
  enum { MOST = 1024 }; /* buffers in one call */
  uv_os_fd_t fd;
  if (uv_stream_get_write_queue_size(&stream->uv.stream) > 0)
    return UV_EAGAIN; /* so the order is kept */
  int error = uv_fileno(&stream->uv.handle, &fd);
  if (error != 0)
    return error;
  struct msghdr message = {.msg_iov = (struct iovec *)(void *)bufs, /* the same, in libuv's words */
                           .msg_iovlen = count < MOST ? count : MOST};
  ssize_t sent;
  do
    sent = sendmsg(fd, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0)
    return errno == ENOBUFS ? UV_EAGAIN : uv_translate_sys_error(errno);
  return sent;
}

int rl_stream_write(struct rl_stream *stream, uv_buf_t **bufs, unsigned *count) {
  size_t rest = advance(bufs, count, 0);
  if (rest == 0)
    return 0;
  ssize_t written = send_now(stream, *bufs, *count);
  if (written < 0 && written != UV_EAGAIN) {
    rl_stream_fail(stream, (int)written);
    return (int)written;
  }
  if (written > 0) {
    stream->errands->sent += (uint64_t)written;
    rest = advance(bufs, count, (size_t)written);
  }
  if (rest == 0)
    return 0;
  if (rest > RL_STREAM_HIGH ||
      uv_stream_get_write_queue_size(&stream->uv.stream) > RL_STREAM_HIGH - rest)
    return 1;
  return queue_copy(stream, *bufs, *count, rest);
}

int rl_stream_send(struct rl_stream *stream, struct rl_slice bytes) {
  uv_buf_t buf = {.base = (char *)(size_t)bytes.bytes, .len = bytes.size}, *bufs = &buf;
  unsigned count = 1;
  int status = rl_stream_write(stream, &bufs, &count);
  return status == 1 ? queue_copy(stream, bufs, count, bufs->len) : status;
}

static void on_shutdown(uv_shutdown_t *request, int status) {
  (void)request; /* a failure is found by the next read or by the close */
  (void)status;
}

int rl_stream_shutdown(struct rl_stream *stream) {
  int status = uv_shutdown(&stream->shutdown, &stream->uv.stream, on_shutdown);
  stream->shut = status == 0;
  return status;
}

static void on_closed(uv_handle_t *handle) {
  struct rl_stream *stream = stream_of(handle);
  stream->on->closed(stream);
}

void rl_stream_close(struct rl_stream *stream) {
  if (stream->closing)
    return;
  stream->closing = true;
  stream->open = false;
  stream->reading = false;
  uv_close(&stream->uv.handle, on_closed);
}

void rl_stream_fail(struct rl_stream *stream, int error) {
  if (!stream->failed)
    stream->failed = error;
  if (!stream->end)
    stream->end = error;
  rl_stream_close(stream);
}

void rl_stream_finish(struct rl_stream *stream) {
  rl_stream_discard(stream);
  if (!stream->open)
    return;
  pause_reading(stream);
  stream->finishing = true;
  if (uv_stream_get_write_queue_size(&stream->uv.stream) == 0)
    rl_stream_close(stream);
}
