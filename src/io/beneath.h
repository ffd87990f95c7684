/* Beneath: opens files beneath a directory, and never anything outside of it: not by `..`, an
 * absolute path or a link, nor while somebody renames things.
 *
 * The kernel sees to that (openat2 with RESOLVE_BENEATH). One without it, or a sandbox that forbids
 * it, is served component by component, each opened with O_NOFOLLOW; then links are not followed at
 * all. Owner: whoever embeds it. Threads: one at a time. System calls that may wait for the disk
 * when names are not cached. */
#ifndef RL_IO_BENEATH_H
#define RL_IO_BENEATH_H

#include <stdbool.h>

struct rl_beneath {
  int root;      /* the directory */
  bool links;    /* those that stay inside are followed; absolute ones never do */
  bool stepwise; /* without openat2 */
};

/* Opens the directory: 0, or an error of libuv. */
int rl_beneath_open(struct rl_beneath *beneath, const char *directory, bool links);

void rl_beneath_close(struct rl_beneath *beneath);

/* Opens a path for reading: a descriptor, which the caller closes, or an error: UV_EXDEV or
 * UV_ELOOP when it would lead outside or over a link. "" is the directory itself. Never waits for
 * the other end of a pipe, and never becomes the process's terminal; what kind of file it is, the
 * caller looks up. */
int rl_beneath_find(struct rl_beneath *beneath, const char *path);

#endif
