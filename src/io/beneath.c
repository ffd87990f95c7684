/* Beneath: one openat2, or a walk that holds a descriptor of each folder on the way. */
#include "io/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

enum {
  FOLDER = O_PATH | O_DIRECTORY | O_CLOEXEC,
  READ = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
  TRIES = 8, /* while others rename folders on the way, which makes the kernel give up */
  NAME = 255,
};

static int result_of(int fd) {
  return fd < 0 ? uv_translate_sys_error(errno) : fd;
}

int rl_beneath_open(struct rl_beneath *beneath, const char *directory, bool links) {
  int fd = result_of(open(directory, FOLDER));
  if (fd < 0)
    return fd;
  *beneath = (struct rl_beneath){.root = fd, .links = links};
  return 0;
}

void rl_beneath_close(struct rl_beneath *beneath) {
  close(beneath->root);
}

/* Opens the next component of a path, and moves past it: the last one as a file. */
static int step(int folder, const char **path) {
  char name[NAME + 1];
  size_t size = strcspn(*path, "/");
  if (size > NAME)
    return UV_ENAMETOOLONG;
  memcpy(name, *path, size);
  name[size] = 0;
  *path += size;
  *path += strspn(*path, "/");
  if (strcmp(name, "..") == 0)
    return UV_EXDEV;
  bool last = **path == 0 && (*path)[-1] != '/';
  return result_of(openat(folder, name, (last ? READ : FOLDER) | O_NOFOLLOW));
}

/* A descriptor of each folder is opened from the one above it, so that what others rename
 * meanwhile does not matter. */
static int walk(int root, const char *path) {
  int folder = root;
  if (*path == '/')
    return UV_EXDEV;
  while (*path) {
    int next = step(folder, &path);
    if (folder != root)
      close(folder);
    if (next < 0)
      return next;
    folder = next;
  }
  return folder == root ? result_of(openat(root, ".", READ)) : folder;
}

static int ask_kernel(const struct rl_beneath *beneath, const char *path) {
  struct open_how how = {
      .flags = READ,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
  };
  if (!beneath->links)
    how.resolve |= RESOLVE_NO_SYMLINKS;
  long fd = -1;
  errno = EAGAIN;
  for (int i = 0; i < TRIES && fd < 0 && (errno == EAGAIN || errno == EINTR); i++)
    fd = syscall(SYS_openat2, beneath->root, *path ? path : ".", &how, sizeof how);
  return (int)fd;
}

int rl_beneath_find(struct rl_beneath *beneath, const char *path) {
  if (!beneath->stepwise) {
    int fd = ask_kernel(beneath, path);
    if (fd >= 0)
      return fd;
    if (errno != ENOSYS && errno != EPERM)
      return uv_translate_sys_error(errno);
    beneath->stepwise = true; /* EPERM: what sandboxes say that do not know of openat2 */
  }
  return walk(beneath->root, path);
}
