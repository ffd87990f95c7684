/* Bound: socket, bind, listen. */
#include "io/bound.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <unistd.h>
#include <uv.h>

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

static void set_option(int fd, int level, int option) {
  int on = 1;
  setsockopt(fd, level, option, &on, sizeof on);
}

static int bind_ip(int fd, const union rl_endpoint *ip) {
  socklen_t size = ip->any.sa_family == AF_INET6 ? sizeof ip->in6 : sizeof ip->in;
  set_option(fd, SOL_SOCKET, SO_REUSEADDR);
  /* Accepted sockets inherit it: one system call less for each client. */
  set_option(fd, IPPROTO_TCP, TCP_NODELAY);
  return bind(fd, &ip->any, size);
}

/* Finds out the real port, or which file is ours. */
static int remember(struct rl_bound *bound, int fd) {
  struct rl_address *address = &bound->address;
  if (address->kind == RL_ADDRESS_UNIX) {
    struct stat file;
    if (lstat(address->where.local.sun_path, &file) != 0)
      return -1;
    bound->device = file.st_dev;
    bound->inode = file.st_ino;
    return 0;
  }
  socklen_t size = sizeof address->where.ip;
  if (getsockname(fd, &address->where.ip.any, &size) != 0)
    return -1;
  /* The port stands at the same place in both families. */
  address->port = ntohs(address->where.ip.in.sin_port);
  return 0;
}

static int fail(int fd) {
  int error = uv_translate_sys_error(errno);
  close(fd);
  return error;
}

static int open_socket(int family) {
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd < 0 ? uv_translate_sys_error(errno) : fd;
}

int rl_bound_claim(struct rl_bound *bound, const struct rl_address *address, int backlog) {
  bool local = address->kind == RL_ADDRESS_UNIX;
  int fd = open_socket(local ? AF_UNIX : address->where.ip.any.sa_family);
  if (fd < 0)
    return fd;
  *bound = (struct rl_bound){.address = *address};
  int status = local ? bind_local(fd, &address->where.local) : bind_ip(fd, &address->where.ip);
  if (status == 0)
    status = listen(fd, backlog);
  if (status == 0)
    status = remember(bound, fd);
  return status == 0 ? fd : fail(fd);
}

int rl_bound_join(const struct rl_bound *bound, int fd, int backlog) {
  const struct rl_address *address = &bound->address;
  if (address->kind == RL_ADDRESS_UNIX) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return copy < 0 ? uv_translate_sys_error(errno) : copy;
  }
  int joined = open_socket(address->where.ip.any.sa_family);
  if (joined < 0)
    return joined;
  set_option(fd, SOL_SOCKET, SO_REUSEPORT);
  set_option(joined, SOL_SOCKET, SO_REUSEPORT);
  int status = bind_ip(joined, &address->where.ip);
  if (status == 0)
    status = listen(joined, backlog);
  return status == 0 ? joined : fail(joined);
}

void rl_bound_remove(const struct rl_bound *bound) {
  if (bound->address.kind != RL_ADDRESS_UNIX)
    return;
  const char *path = bound->address.where.local.sun_path;
  struct stat file;
  if (lstat(path, &file) == 0 && file.st_dev == bound->device && file.st_ino == bound->inode)
    unlink(path);
}
