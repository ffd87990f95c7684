/* Listener: accepting that survives the lack of descriptors. */
#include "io/listener.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"

enum {
  BATCH = 64,     /* clients accepted in one pass, so that others get their turn */
  RETRY_MS = 100, /* between two tries while there are no descriptors */
};

static bool lacks_resources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Accepts so many of those that wait: 0, or why it cannot go on. */
static int accept_some(struct rl_listener *listener, int count) {
  for (int i = 0; i < count && !listener->closing; i++) {
    union rl_endpoint peer = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof peer;
    int fd = accept4(listener->member.fd, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      if (listener->address.kind == RL_ADDRESS_UNIX)
        peer.any.sa_family = AF_UNSPEC;
      listener->on->accepted(listener, fd, &peer);
    } else if (lacks_resources(errno)) {
      return errno;
    } else if (errno == EAGAIN) {
      return 0;
    }
    /* Any other error is that of a client which is gone already, or a signal. */
  }
  return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void go_on_accepting(struct rl_listener *listener) {
  char url[RL_ADDRESS_TEXT];
  rl_address_url(&listener->address, url, sizeof url);
  uv_timer_stop(&listener->retry);
  uv_poll_start(&listener->poll, UV_READABLE, on_poll);
  rl_log_line(listener->log, RL_LOG_INFO, "accepting on %s goes on", url);
}

static void on_retry(uv_timer_t *timer) {
  struct rl_listener *listener = RL_OF(timer, struct rl_listener, retry);
  /* accept4 looks for a free descriptor before it looks for a client, so this tells either way. */
  if (accept_some(listener, BATCH) == 0 && !listener->closing)
    go_on_accepting(listener);
}

static void pause_accepting(struct rl_listener *listener, int error) {
  char url[RL_ADDRESS_TEXT];
  rl_address_url(&listener->address, url, sizeof url);
  uv_poll_stop(&listener->poll);
  uv_timer_start(&listener->retry, on_retry, RETRY_MS, RETRY_MS);
  rl_log_line(listener->log, RL_LOG_WARN, "accepting on %s pauses: %s", url,
              uv_strerror(uv_translate_sys_error(error)));
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  struct rl_listener *listener = RL_OF(poll, struct rl_listener, poll);
  (void)status; /* accept finds out what is wrong */
  (void)events;
  int error = accept_some(listener, BATCH);
  if (error && !listener->closing)
    pause_accepting(listener, error);
}

int rl_listener_open(struct rl_listener *listener, uv_loop_t *loop, struct rl_ports *ports,
                     const struct rl_ports_wish *wish, const struct rl_log *log,
                     const struct rl_listener_events *on) {
  memset(listener, 0, sizeof *listener);
  listener->ports = ports;
  listener->log = log;
  listener->on = on;
  int status = rl_ports_enter(ports, &listener->member, loop, wish, &listener->address);
  if (status != 0)
    return status;
  status = uv_poll_init(loop, &listener->poll, listener->member.fd);
  if (status != 0) {
    rl_ports_leave(ports, &listener->member);
    return status;
  }
  uv_timer_init(loop, &listener->retry);
  listener->handles = 2;
  uv_poll_start(&listener->poll, UV_READABLE, on_poll);
  return 0;
}

static void handle_closed(struct rl_listener *listener) {
  if (--listener->handles == 0)
    listener->on->closed(listener);
}

static void poll_closed(uv_handle_t *handle) {
  handle_closed(RL_OF(handle, struct rl_listener, poll));
}

static void retry_closed(uv_handle_t *handle) {
  handle_closed(RL_OF(handle, struct rl_listener, retry));
}

void rl_listener_drain(struct rl_listener *listener) {
  accept_some(listener, RL_LISTENER_BACKLOG);
}

void rl_listener_close(struct rl_listener *listener) {
  if (listener->closing)
    return;
  listener->closing = true;
  uv_close((uv_handle_t *)&listener->poll, poll_closed);
  uv_close((uv_handle_t *)&listener->retry, retry_closed);
  rl_ports_leave(listener->ports, &listener->member);
}
