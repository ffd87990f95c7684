/* Looks arbitrary paths up, each as a client sent it and in its canonical form: what is found lies
 * in the directory, whose files say that they are inside. Around it lies one that must not be
 * found, and links lead to it.
 *
 * The first byte chooses the options; a NUL parts the path from Accept-Encoding. */
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "http/percent.h"
#include "http/scan.h"
#include "io/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
  if (!holds)
    abort();
}

static char folder[] = "/tmp/rille-fuzz-XXXXXX";

static const char *at(const char *name) {
  static char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void put(const char *name, const char *text) {
  FILE *file = fopen(at(name), "w");
  must(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void put_folder(const char *name) {
  must(mkdir(at(name), 0755) == 0);
}

static void put_link(const char *target, const char *name) {
  must(symlink(target, at(name)) == 0);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where) {
  (void)status, (void)kind, (void)where;
  return remove(path);
}

static void remove_tree(void) {
  nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_tree(void) {
  must(mkdtemp(folder) != NULL && atexit(remove_tree) == 0);
  put("secret", "outside");
  put_folder("in");
  put_folder("in/a");
  put_folder("in/.h");
  put("in/a/index.html", "inside");
  put("in/a/b", "inside");
  put("in/a/b.gz", "inside");
  put("in/a/b.br", "inside");
  put("in/c d", "inside");
  put("in/.h/e", "hidden");
  put_link("../secret", "in/out");
  put_link("a/b", "in/link");
  put_link("/etc", "in/etc");
  put_link("..", "in/a/up");
  put_link("loop", "in/loop");
  must(mkfifo(at("in/pipe"), 0644) == 0);
}

static void check(const struct rl_found *found, bool hidden) {
  char text[8] = {0};
  const struct rl_file *file = found->file;
  size_t size = (size_t)file->identity.size;
  must(size < sizeof text);
  if (file->fd < 0)
    memcpy(text, file->bytes, size);
  else
    must(pread(file->fd, text, size, 0) == (ssize_t)size);
  must(strcmp(text, "inside") == 0 || (hidden && strcmp(text, "hidden") == 0));
}

static void look_up(struct rl_files *files, struct rl_slice path, struct rl_slice accept,
                    bool hidden) {
  static uint64_t now;
  struct rl_found found = {0};
  int status = rl_files_find(files, path, accept, now += 300, 2000000000, &found);
  must(status != UV_ENOMEM && status != UV_EMFILE && status <= 0);
  if (status == 0) {
    check(&found, hidden);
    rl_file_release(found.file);
  }
}

static struct rl_files_options options_of(unsigned flags) {
  struct rl_files_options options = rl_files_defaults;
  options.hidden = flags & 1;
  options.links = flags & 2;
  options.compressed = flags & 4;
  options.entries = flags & 8 ? 2 : 0;
  return options;
}

/* What follows the first NUL; it and that are taken off. */
static struct rl_slice take_rest(struct rl_slice *path) {
  const char *end = path->size ? memchr(path->bytes, '\0', path->size) : NULL;
  if (!end)
    return (struct rl_slice){NULL, 0};
  struct rl_slice rest = {end + 1, path->size - (size_t)(end + 1 - path->bytes)};
  path->size = (size_t)(end - path->bytes);
  return rest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bool made;
  struct rl_heap heap;
  struct rl_files *files;
  struct rl_buffer room;
  struct rl_slice canonical;
  size_t where;
  if (size == 0)
    return 0;
  if (!made)
    make_tree();
  made = true;
  rl_heap_init(&heap);
  rl_buffer_init(&room, &heap);
  struct rl_files_options options = options_of(data[0]);
  must(rl_files_new(&heap, at("in"), &options, &files) == 0);
  struct rl_slice path = {(const char *)data + 1, size - 1}, accept = take_rest(&path);
  look_up(files, path, accept, options.hidden);
  if (rl_percent_canonical(path, &room, &canonical, &where) == 0)
    look_up(files, canonical, accept, options.hidden);
  look_up(files, path, accept, options.hidden);
  rl_files_free(files);
  rl_buffer_free(&room);
  must(atomic_load(&heap.blocks) == 0);
  rl_heap_trim(&heap);
  return 0;
}
