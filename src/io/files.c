/* Files: what a path must not hold is refused first; the rest is cache, open, choose. */
#include "io/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/buffer.h"
#include "http/accept.h"
#include "http/media.h"
#include "http/percent.h"
#include "http/scan.h"
#include "io/beneath.h"
#include "io/file_cache.h"

enum { PATH = 4096, SUFFIX = 8 };

struct rl_files {
  struct rl_heap *heap;
  struct rl_files_options options;
  struct rl_beneath beneath;
  uint64_t rooted; /* ms: when the directory's name was looked up */
  struct rl_file_cache cache;
  struct rl_buffer room; /* for what has to be decoded */
  char directory[PATH];  /* absolute */
  char index[PATH];      /* "" for none */
};

/* A path beneath the directory, as the kernel wants it. */
struct place {
  size_t size;
  bool folder; /* it was asked for with a slash at its end */
  char path[PATH + SUFFIX];
};

const struct rl_files_options rl_files_defaults = {
    .index = "index.html",
    .links = true,
    .compressed = true,
    .small = 128 * 1024,
    .bytes = 32 * 1024 * 1024,
    .entries = 1024,
    .descriptors = 256,
    .fresh = 1000,
};

static const char *const suffixes[RL_FILE_FORMS] = {"", ".br", ".zst", ".gz"};
static const char *const codings[RL_FILE_FORMS] = {"identity", "br", "zstd", "gzip"};

/* -- the directory ------------------------------------------------------------------------ */

/* Absolute, so that a later change of the working directory does not matter. */
static int name_directory(struct rl_files *files, const char *directory) {
  char here[PATH] = "";
  if (*directory != '/' && !getcwd(here, sizeof here))
    return uv_translate_sys_error(errno);
  int size = snprintf(files->directory, PATH, "%s%s%s", here, *here ? "/" : "", directory);
  return size < PATH ? 0 : UV_ENAMETOOLONG;
}

static int set_up(struct rl_files *files, const char *directory) {
  const struct rl_files_options *options = &files->options;
  const char *index = options->index ? options->index : "";
  int error = name_directory(files, directory);
  if (!error && strlen(index) >= PATH)
    error = UV_ENAMETOOLONG;
  if (!error)
    error = rl_beneath_open(&files->beneath, files->directory, options->links);
  if (error)
    return error;
  strcpy(files->index, index);
  rl_buffer_init(&files->room, files->heap);
  error = rl_file_cache_init(&files->cache, files->heap, options->entries, options->bytes,
                             options->descriptors);
  if (error)
    rl_beneath_close(&files->beneath);
  return error;
}

int rl_files_new(struct rl_heap *heap, const char *directory,
                 const struct rl_files_options *options, struct rl_files **files) {
  struct rl_files *made = rl_zalloc(heap, sizeof *made);
  if (!made)
    return UV_ENOMEM;
  made->heap = heap;
  made->options = *options;
  int error = set_up(made, directory);
  if (error)
    rl_free(heap, made, sizeof *made);
  else
    *files = made;
  return error;
}

void rl_files_free(struct rl_files *files) {
  rl_file_cache_free(&files->cache);
  rl_buffer_free(&files->room);
  rl_beneath_close(&files->beneath);
  rl_free(files->heap, files, sizeof *files);
}

/* Looks up the directory's name again when it is time; if that fails, the old one is good. */
static void root_again(struct rl_files *files, uint64_t now) {
  struct rl_beneath fresh;
  if (now - files->rooted < files->options.fresh)
    return;
  files->rooted = now;
  if (rl_beneath_open(&fresh, files->directory, files->options.links) != 0)
    return;
  fresh.stepwise = files->beneath.stepwise;
  rl_beneath_close(&files->beneath);
  files->beneath = fresh;
}

/* -- paths -------------------------------------------------------------------------------- */

static bool is_segment(struct rl_slice segment, bool hidden, bool first) {
  if (segment.size == 0)
    return false;
  if (segment.bytes[0] != '.')
    return true;
  if (hidden)
    return !rl_scan_equal(segment, rl_scan_text(".")) &&
           !rl_scan_equal(segment, rl_scan_text(".."));
  return first && rl_scan_equal(segment, rl_scan_text(".well-known"));
}

bool rl_files_allow(struct rl_slice path, bool hidden) {
  if (path.size == 0)
    return true;
  if (memchr(path.bytes, 0, path.size) || memchr(path.bytes, '\\', path.size))
    return false;
  size_t from = 0;
  for (size_t at = 0; at < path.size; at++) {
    if (path.bytes[at] != '/')
      continue;
    if (!is_segment((struct rl_slice){path.bytes + from, at - from}, hidden, from == 0))
      return false;
    from = at + 1;
  }
  struct rl_slice last = {path.bytes + from, path.size - from};
  return last.size == 0 || is_segment(last, hidden, from == 0);
}

static int decode(struct rl_files *files, struct rl_slice path, struct rl_slice *decoded) {
  size_t where;
  files->room.size = 0;
  switch (rl_percent_decode(path, RL_PERCENT_PATH, &files->room, decoded, &where)) {
  case 0: return rl_files_allow(*decoded, files->options.hidden) ? 0 : UV_ENOENT;
  case RL_PERCENT_BAD: return UV_EINVAL;
  case RL_PERCENT_NO_MEMORY: files->room.failed = false; return UV_ENOMEM;
  default: return UV_ENOENT;
  }
}

/* The name of the file that a path stands for. */
static int locate(struct rl_files *files, struct rl_slice path, struct place *place) {
  struct rl_slice decoded;
  int error = decode(files, path, &decoded);
  if (error)
    return error;
  place->folder = decoded.size == 0 || decoded.bytes[decoded.size - 1] == '/';
  const char *index = place->folder ? files->index : "";
  size_t extra = strlen(index);
  if ((place->folder && extra == 0) || decoded.size + extra >= PATH)
    return UV_ENOENT;
  if (decoded.size)
    memcpy(place->path, decoded.bytes, decoded.size);
  memcpy(place->path + decoded.size, index, extra + 1);
  place->size = decoded.size + extra;
  return 0;
}

/* -- finding ------------------------------------------------------------------------------ */

/* What a failure to open says about the path: nothing that tells the outside from what is not
 * there. */
static int meaning_of(int error, const struct place *place) {
  switch (error) {
  case UV_EISDIR: return place->folder ? UV_ENOENT : UV_EISDIR;
  case UV_ENOTDIR:
  case UV_ELOOP:
  case UV_EXDEV:
  case UV_ENAMETOOLONG:
  case UV_ENXIO: /* a socket, a device that is not there */
  case UV_ENODEV: return UV_ENOENT;
  case UV_EPERM: return UV_EACCES;
  default: return error;
  }
}

static int open_form(struct rl_files *files, const char *path, int64_t today, struct rl_file *old,
                     struct rl_file **file) {
  int fd = rl_beneath_find(&files->beneath, path);
  if (fd < 0)
    return fd;
  return rl_file_open(files->heap, fd, files->options.small, today, old, file);
}

/* The compressed ones; whatever is wrong with one of them, it is not there. One that is older than
 * the file was made from another version of it. */
static void open_compressed(struct rl_files *files, struct place *place, int64_t today,
                            struct rl_file *const old[], struct rl_file *forms[]) {
  for (int i = RL_FILE_PLAIN + 1; i < RL_FILE_FORMS; i++) {
    strcpy(place->path + place->size, suffixes[i]);
    if (open_form(files, place->path, today, old[i], &forms[i]) != 0)
      continue;
    if (rl_file_modified(forms[i]) < rl_file_modified(forms[RL_FILE_PLAIN])) {
      rl_file_release(forms[i]);
      forms[i] = NULL;
    }
  }
  place->path[place->size] = 0;
}

/* The files of a place, each held, from the cache while they are fresh. */
static int open_forms(struct rl_files *files, struct place *place, uint64_t now, int64_t today,
                      struct rl_file *forms[RL_FILE_FORMS]) {
  static struct rl_file *const none[RL_FILE_FORMS];
  struct rl_slice path = {place->path, place->size};
  struct rl_file_entry *entry = rl_file_cache_get(&files->cache, path);
  struct rl_file *const *old = entry ? entry->forms : none;
  memset(forms, 0, RL_FILE_FORMS * sizeof *forms);
  if (!entry || now - entry->checked >= files->options.fresh) {
    root_again(files, now);
    int error = open_form(files, place->path, today, old[RL_FILE_PLAIN], &forms[RL_FILE_PLAIN]);
    if (error) {
      if (entry)
        rl_file_cache_drop(&files->cache, entry);
      return meaning_of(error, place);
    }
    if (files->options.compressed)
      open_compressed(files, place, today, old, forms);
    for (int i = 0; i < RL_FILE_FORMS; i++)
      if (forms[i])
        rl_file_hold(forms[i]);
    rl_file_cache_put(&files->cache, path, forms, now);
    return 0;
  }
  for (int i = 0; i < RL_FILE_FORMS; i++)
    forms[i] = old[i] ? rl_file_hold(old[i]) : NULL;
  return 0;
}

/* Which of the forms that are there the client likes best. */
static enum rl_file_form choose(struct rl_file *const forms[], struct rl_slice accept) {
  const char *names[RL_FILE_FORMS];
  enum rl_file_form offers[RL_FILE_FORMS];
  int count = 0;
  for (int i = 1; accept.bytes && i <= RL_FILE_FORMS; i++) {
    int form = i % RL_FILE_FORMS; /* the plain one last */
    if (!forms[form])
      continue;
    offers[count] = (enum rl_file_form)form;
    names[count++] = codings[form];
  }
  int choice = count > 1 ? rl_accept_choose(accept, RL_ACCEPT_ENCODINGS, names, count) : -1;
  return choice < 0 ? RL_FILE_PLAIN : offers[choice];
}

int rl_files_find(struct rl_files *files, struct rl_slice path, struct rl_slice accept,
                  uint64_t now, int64_t today, struct rl_found *found) {
  struct place place;
  struct rl_file *forms[RL_FILE_FORMS];
  int error = locate(files, path, &place);
  if (!error)
    error = open_forms(files, &place, now, today, forms);
  if (error)
    return error;
  enum rl_file_form form = choose(forms, accept);
  *found = (struct rl_found){
      .file = forms[form],
      .encoding = form == RL_FILE_PLAIN ? NULL : codings[form],
      .type = rl_media_of((struct rl_slice){place.path, place.size}),
  };
  for (int i = 0; i < RL_FILE_FORMS; i++) {
    found->varies = found->varies || (i != RL_FILE_PLAIN && forms[i]);
    if (i != (int)form)
      rl_file_release(forms[i]);
  }
  return 0;
}
