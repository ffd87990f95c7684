/* File: fstat, and one read that takes only what is in the page cache. */
#include "io/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <uv.h>

enum { SETTLED = 2 /* seconds: more than any file system's clock ticks in */ };

static int64_t ns_of(struct timespec time) {
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct rl_file_identity identity_of(const struct stat *status) {
  return (struct rl_file_identity){
      .device = status->st_dev,
      .inode = status->st_ino,
      .size = (uint64_t)status->st_size,
      .modified = ns_of(status->st_mtim),
      .changed = ns_of(status->st_ctim),
  };
}

static size_t bytes_held(const struct rl_file *file) {
  return file->fd < 0 ? (size_t)file->identity.size : 0;
}

void rl_file_release(struct rl_file *file) {
  if (!file || --file->holders > 0)
    return;
  if (file->fd >= 0)
    close(file->fd);
  rl_free(file->heap, file, sizeof *file + bytes_held(file));
}

/* Reads as much as is in memory; from the disk only where the file system cannot tell. */
static ssize_t read_some(int fd, char *bytes, size_t size, off_t at) {
  struct iovec into = {bytes, size};
  ssize_t count;
  do
    count = preadv2(fd, &into, 1, at, RWF_NOWAIT);
  while (count < 0 && errno == EINTR);
  if (count < 0 && errno != EAGAIN)
    do
      count = pread(fd, bytes, size, at);
    while (count < 0 && errno == EINTR);
  return count;
}

/* Whether all bytes were read. If not, some are on the disk, or were cut off meanwhile: sending
 * from the descriptor settles either. */
static bool read_all(int fd, char *bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t count = read_some(fd, bytes + done, size - done, (off_t)done);
    if (count <= 0)
      return false;
    done += (size_t)count;
  }
  return true;
}

static void describe(struct rl_file *file, const struct rl_file_identity *identity, int64_t now) {
  file->identity = *identity;
  file->settled = now - identity->changed / 1000000000 >= SETTLED;
  file->etag_size =
      (size_t)snprintf(file->etag, sizeof file->etag, "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"",
                       identity->size, (uint64_t)identity->modified, identity->inode);
}

/* A file with room for the bytes that it is to hold. */
static struct rl_file *allocate(struct rl_heap *heap, size_t room) {
  struct rl_file *file = rl_alloc(heap, sizeof *file + room);
  if (file)
    *file = (struct rl_file){.heap = heap, .holders = 1, .fd = -1};
  return file;
}

static struct rl_file *make(struct rl_heap *heap, int fd, const struct rl_file_identity *identity,
                            bool small) {
  size_t room = small ? (size_t)identity->size : 0;
  struct rl_file *file = allocate(heap, room);
  if (!small || !file || read_all(fd, file->bytes, room)) {
    if (file && !small)
      file->fd = fd;
    return file;
  }
  rl_free(heap, file, sizeof *file + room);
  return make(heap, fd, identity, false);
}

static int kind_of(const struct stat *status) {
  if (S_ISDIR(status->st_mode))
    return UV_EISDIR;
  return S_ISREG(status->st_mode) ? 0 : UV_ENOENT;
}

/* Whether a snapshot is of this content. A file that was changed again within the tick of the clock
 * in which it was read looks the same, so one that had not settled is not believed. */
static bool is_same(const struct rl_file *file, const struct rl_file_identity *other) {
  const struct rl_file_identity *mine = &file->identity;
  return file->settled && mine->device == other->device && mine->inode == other->inode &&
         mine->size == other->size && mine->modified == other->modified &&
         mine->changed == other->changed;
}

int rl_file_open(struct rl_heap *heap, int fd, size_t small, int64_t now, struct rl_file *old,
                 struct rl_file **file) {
  struct stat status;
  int error = fstat(fd, &status) == 0 ? kind_of(&status) : uv_translate_sys_error(errno);
  struct rl_file *made = NULL;
  if (!error) {
    struct rl_file_identity identity = identity_of(&status);
    bool tiny = identity.size <= small;
    if (old && is_same(old, &identity) && !(tiny && old->fd >= 0))
      made = rl_file_hold(old);
    else if ((made = make(heap, fd, &identity, tiny)))
      describe(made, &identity, now);
    else
      error = UV_ENOMEM;
  }
  if (!made || made->fd != fd)
    close(fd);
  if (!error)
    *file = made;
  return error;
}
