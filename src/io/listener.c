/* Listener: socket, bind, listen, and accepting that survives the lack of descriptors. */
#include "io/listener.h"

#include <errno.h>
#include <netinet/tcp.h>
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

/* Whether a server answers at this path. */
static bool is_alive(const struct sockaddr_un *local) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return true;
  int status = connect(fd, (const struct sockaddr *)local, sizeof *local);
  bool dead = status != 0 && errno == ECONNREFUSED;
  close(fd);
  return !dead;
}

static int bind_local(int fd, const struct sockaddr_un *local) {
  const struct sockaddr *any = (const struct sockaddr *)local;
  struct stat file;
  if (bind(fd, any, sizeof *local) == 0)
    return 0;
  if (errno != EADDRINUSE)
    return -1;
  bool is_socket = lstat(local->sun_path, &file) == 0 && S_ISSOCK(file.st_mode);
  if (!is_socket || is_alive(local)) {
    errno = EADDRINUSE;
    return -1;
  }
  return unlink(local->sun_path) == 0 ? bind(fd, any, sizeof *local) : -1;
}

static int bind_ip(int fd, const union rl_endpoint *ip) {
  int on = 1;
  socklen_t size = ip->any.sa_family == AF_INET6 ? sizeof ip->in6 : sizeof ip->in;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  /* Accepted sockets inherit it: one system call less for each client. */
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return bind(fd, &ip->any, size);
}

/* Finds out the real port, or which file is ours. */
static int remember(struct rl_listener *listener) {
  struct rl_address *address = &listener->address;
  if (address->kind == RL_ADDRESS_UNIX) {
    struct stat file;
    if (lstat(address->where.local.sun_path, &file) != 0)
      return -1;
    listener->device = file.st_dev;
    listener->inode = file.st_ino;
    return 0;
  }
  socklen_t size = sizeof address->where.ip;
  if (getsockname(listener->fd, &address->where.ip.any, &size) != 0)
    return -1;
  /* The port stands at the same place in both families. */
  address->port = ntohs(address->where.ip.in.sin_port);
  return 0;
}

static int open_socket(struct rl_listener *listener, int backlog) {
  const struct rl_address *address = &listener->address;
  bool local = address->kind == RL_ADDRESS_UNIX;
  int family = local ? AF_UNIX : address->where.ip.any.sa_family;
  listener->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener->fd < 0)
    return -errno;
  int status = local ? bind_local(listener->fd, &address->where.local)
                     : bind_ip(listener->fd, &address->where.ip);
  if (status == 0)
    status = listen(listener->fd, backlog);
  if (status == 0)
    status = remember(listener);
  if (status == 0)
    return 0;
  int error = -errno;
  close(listener->fd);
  return error;
}

/* Accepts what waits, up to a batch: 0, or why it cannot go on. */
static int accept_batch(struct rl_listener *listener) {
  for (int i = 0; i < BATCH && !listener->closing; i++) {
    union rl_endpoint peer = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof peer;
    int fd = accept4(listener->fd, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
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
  rl_log_line(listener->log, "accepting on %s goes on", url);
}

static void on_retry(uv_timer_t *timer) {
  struct rl_listener *listener = RL_OF(timer, struct rl_listener, retry);
  /* accept4 looks for a free descriptor before it looks for a client, so this tells either way. */
  if (accept_batch(listener) == 0 && !listener->closing)
    go_on_accepting(listener);
}

static void pause_accepting(struct rl_listener *listener, int error) {
  char url[RL_ADDRESS_TEXT];
  rl_address_url(&listener->address, url, sizeof url);
  uv_poll_stop(&listener->poll);
  uv_timer_start(&listener->retry, on_retry, RETRY_MS, RETRY_MS);
  rl_log_line(listener->log, "accepting on %s pauses: %s", url,
              uv_strerror(uv_translate_sys_error(error)));
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  struct rl_listener *listener = RL_OF(poll, struct rl_listener, poll);
  (void)status; /* accept finds out what is wrong */
  (void)events;
  int error = accept_batch(listener);
  if (error && !listener->closing)
    pause_accepting(listener, error);
}

int rl_listener_open(struct rl_listener *listener, uv_loop_t *loop,
                     const struct rl_address *address, int backlog, const struct rl_log *log,
                     const struct rl_listener_events *on) {
  memset(listener, 0, sizeof *listener);
  listener->address = *address;
  listener->log = log;
  listener->on = on;
  int status = open_socket(listener, backlog);
  if (status != 0)
    return status;
  status = uv_poll_init(loop, &listener->poll, listener->fd);
  if (status != 0) {
    close(listener->fd);
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

static void remove_file(const struct rl_listener *listener) {
  const char *path = listener->address.where.local.sun_path;
  struct stat file;
  if (lstat(path, &file) == 0 && file.st_dev == listener->device && file.st_ino == listener->inode)
    unlink(path);
}

void rl_listener_close(struct rl_listener *listener) {
  if (listener->closing)
    return;
  listener->closing = true;
  if (listener->address.kind == RL_ADDRESS_UNIX)
    remove_file(listener);
  uv_close((uv_handle_t *)&listener->poll, poll_closed);
  uv_close((uv_handle_t *)&listener->retry, retry_closed);
  close(listener->fd);
}
