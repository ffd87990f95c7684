/* Ready: a uv_poll_t that is stopped by what it waits for. */
#include "io/ready.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/list.h"

/* A descriptor that shares nothing but what it reads from; or -1. */
static int open_anew(int standard) {
  char path[sizeof "/proc/self/fd/" + 3 * sizeof standard];
  snprintf(path, sizeof path, "/proc/self/fd/%d", standard);
  return open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int rl_ready_open(struct rl_ready *ready, uv_loop_t *loop, int standard) {
  ready->fd = open_anew(standard);
  if (ready->fd < 0)
    return uv_translate_sys_error(errno);
  int status = uv_poll_init(loop, &ready->poll, ready->fd);
  if (status != 0)
    close(ready->fd);
  return status;
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  struct rl_ready *ready = RL_OF(poll, struct rl_ready, poll);
  (void)status; /* reading finds out what is wrong */
  (void)events;
  uv_poll_stop(poll);
  ready->readable(ready);
}

int rl_ready_start(struct rl_ready *ready) {
  return uv_poll_start(&ready->poll, UV_READABLE, on_poll);
}

void rl_ready_stop(struct rl_ready *ready) {
  uv_poll_stop(&ready->poll);
}

static void on_closed(uv_handle_t *handle) {
  struct rl_ready *ready = RL_OF(handle, struct rl_ready, poll);
  ready->closed(ready);
}

void rl_ready_close(struct rl_ready *ready) {
  uv_close((uv_handle_t *)&ready->poll, on_closed);
  close(ready->fd);
}
