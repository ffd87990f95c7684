/* Thin: system calls around a poll handle. */
#include "io/thin.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int rl_thin_fd(const struct rl_thin *thin) {
  uv_os_fd_t fd = -1;
  uv_fileno((const uv_handle_t *)&thin->poll, &fd);
  return fd;
}

int rl_thin_open(struct rl_thin *thin, uv_loop_t *loop, int fd) {
  int status = uv_poll_init(loop, &thin->poll, fd);
  if (status != 0)
    close(fd);
  else
    uv_unref((uv_handle_t *)&thin->poll);
  return status;
}

void rl_thin_watch(struct rl_thin *thin, int events, uv_poll_cb ready) {
  uv_poll_start(&thin->poll, events, ready ? ready : thin->poll.poll_cb);
}

static ssize_t result_of(ssize_t count) {
  if (count >= 0)
    return count;
  return errno == EAGAIN || errno == EWOULDBLOCK ? UV_EAGAIN : uv_translate_sys_error(errno);
}

ssize_t rl_thin_read(const struct rl_thin *thin, char *bytes, size_t size) {
  ssize_t count;
  do
    count = recv(rl_thin_fd(thin), bytes, size, 0);
  while (count < 0 && errno == EINTR);
  return result_of(count);
}

bool rl_thin_readable(const struct rl_thin *thin) {
  char byte;
  return recv(rl_thin_fd(thin), &byte, 1, MSG_PEEK) > 0;
}

ssize_t rl_thin_write(const struct rl_thin *thin, const void *bytes, size_t size) {
  ssize_t count;
  do
    count = send(rl_thin_fd(thin), bytes, size, MSG_NOSIGNAL);
  while (count < 0 && errno == EINTR);
  return result_of(count);
}

size_t rl_thin_unsent(const struct rl_thin *thin) {
  int count = 0;
  return ioctl(rl_thin_fd(thin), SIOCOUTQ, &count) == 0 && count > 0 ? (size_t)count : 0;
}

void rl_thin_shutdown(const struct rl_thin *thin) {
  shutdown(rl_thin_fd(thin), SHUT_WR);
}

void rl_thin_forsake(const struct rl_thin *thin) {
  struct linger none = {.l_onoff = 1, .l_linger = 0};
  setsockopt(rl_thin_fd(thin), SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

int rl_thin_error(const struct rl_thin *thin) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(rl_thin_fd(thin), SOL_SOCKET, SO_ERROR, &error, &size) != 0)
    error = errno;
  return error ? uv_translate_sys_error(error) : 0;
}

void rl_thin_hold(struct rl_thin *thin, bool holds) {
  if (holds)
    uv_ref((uv_handle_t *)&thin->poll);
  else
    uv_unref((uv_handle_t *)&thin->poll);
}

int rl_thin_release(struct rl_thin *thin, uv_close_cb closed) {
  int fd = rl_thin_fd(thin);
  uv_close((uv_handle_t *)&thin->poll, closed);
  return fd;
}

void rl_thin_close(struct rl_thin *thin, uv_close_cb closed) {
  close(rl_thin_release(thin, closed));
}
