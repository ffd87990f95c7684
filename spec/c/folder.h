/* A folder of files to try things on, removed at the end. */
#ifndef RL_SPEC_FOLDER_H
#define RL_SPEC_FOLDER_H

#include "check.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct folder {
  char path[64];
  char name[PATH_MAX]; /* what folder_at returned last */
};

static inline void folder_make(struct folder *folder) {
  strcpy(folder->path, "/tmp/rille-spec-XXXXXX");
  assert_non_null(mkdtemp(folder->path));
  assert_int_equal(chmod(folder->path, 0755), 0);
}

static inline const char *folder_at(struct folder *folder, const char *name) {
  snprintf(folder->name, sizeof folder->name, "%s/%s", folder->path, name);
  return folder->name;
}

static inline void folder_folder(struct folder *folder, const char *name) {
  assert_int_equal(mkdir(folder_at(folder, name), 0755), 0);
}

static inline void folder_link(struct folder *folder, const char *target, const char *name) {
  assert_int_equal(symlink(target, folder_at(folder, name)), 0);
}

static inline void folder_fill(struct folder *folder, const char *name, const char *bytes,
                               size_t size) {
  int fd = open(folder_at(folder, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, bytes, size), (ssize_t)size);
  assert_int_equal(close(fd), 0);
}

static inline void folder_write(struct folder *folder, const char *name, const char *text) {
  folder_fill(folder, name, text, strlen(text));
}

/* A file that takes the place of another at once, as deployments do it. */
static inline void folder_replace(struct folder *folder, const char *name, const char *text) {
  char from[PATH_MAX];
  folder_write(folder, ".new", text);
  strcpy(from, folder_at(folder, ".new"));
  assert_int_equal(rename(from, folder_at(folder, name)), 0);
}

/* When it was last written, in seconds since 1970. */
static inline void folder_date(struct folder *folder, const char *name, int64_t seconds) {
  struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
  assert_int_equal(utimensat(AT_FDCWD, folder_at(folder, name), times, 0), 0);
}

static inline int folder_remove_one(const char *path, const struct stat *status, int kind,
                                    struct FTW *at) {
  (void)status, (void)kind, (void)at;
  return remove(path);
}

static inline void folder_remove(struct folder *folder) {
  assert_int_equal(nftw(folder->path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Descriptors that the process has open. */
static inline int folder_descriptors(void) {
  int count = 0;
  for (int fd = 0; fd < 1024; fd++)
    count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

#endif
