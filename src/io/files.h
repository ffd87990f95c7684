/* Files: a directory whose files are served, by the paths of requests.
 *
 *     path -> checked, decoded -> cache, good for a second -> beneath the directory -> the form of
 *     the file (as it is, .br, .zst, .gz) that the client likes best
 *
 * A path is what follows the prefix, in its canonical form (http/percent.h), without a slash at its
 * beginning. It is refused, before any system call, when it holds what no honest client sends: a
 * segment that is empty, "." or "..", an escaped slash or NUL, a backslash, and (unless `hidden`) a
 * segment that begins with a dot. `.well-known`, which begins the path, is not hidden (RFC 8615).
 * Only regular files are found.
 *
 * The directory's own name is looked up again once a second, so that replacing it (or a link to it)
 * as a whole is seen; if it is gone the old one is served on.
 * Owner: whoever made it; found files outlive it. Threads: one at a time, the domain's. */
#ifndef RL_IO_FILES_H
#define RL_IO_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/slice.h"
#include "io/file.h"

struct rl_files;

struct rl_files_options {
  const char *index;    /* the file that stands for its directory; NULL: none does */
  bool hidden;          /* names with a leading dot are served */
  bool links;           /* those that stay inside are followed */
  bool compressed;      /* .br, .zst and .gz beside a file stand for it */
  size_t small;         /* files of up to so many bytes are kept in memory */
  size_t bytes;         /* all in all */
  unsigned entries;     /* files that are remembered; 0: none */
  unsigned descriptors; /* that may stay open */
  uint32_t fresh;       /* ms for which a file is believed to be what it was */
};

/* What a script that says nothing gets: index.html; nothing hidden, links inside, compressed ones;
 * files up to 128 KiB, 32 MiB, 1,024 of them, 256 descriptors, a second. */
extern const struct rl_files_options rl_files_defaults;

/* What a path led to. */
struct rl_found {
  struct rl_file *file; /* held: the caller releases it */
  const char *encoding; /* for Content-Encoding; NULL: as it is. Static */
  const char *type;     /* for Content-Type; NULL: not known. Static */
  bool varies;          /* there are several forms */
};

/* Whether a decoded path may be looked up; only its last segment may be empty. */
bool rl_files_allow(struct rl_slice path, bool hidden);

/* Opens the directory: 0, or an error of libuv. The options are copied, `index` too. */
int rl_files_new(struct rl_heap *heap, const char *directory,
                 const struct rl_files_options *options, struct rl_files **files);

void rl_files_free(struct rl_files *files);

/* Finds the file for a path. `accept` is Accept-Encoding, bytes NULL when it is missing; `now` is
 * the loop's time in ms, `today` the seconds since 1970.
 * 0; UV_EISDIR: it is a directory, and its path needs a slash; UV_EINVAL: a bad escape; UV_ENOENT
 * for all that is refused and for what is not there; UV_EACCES; or another error (descriptors,
 * memory, the disk). */
int rl_files_find(struct rl_files *files, struct rl_slice path, struct rl_slice accept,
                  uint64_t now, int64_t today, struct rl_found *found);

#endif
