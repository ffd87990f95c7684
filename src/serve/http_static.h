/* HTTP static: the files of a directory as answers of the HTTP session; without Lua where no
 * middleware is around them. Owner: a userdata, whose finalizer frees it; sites keep that. Threads:
 * the domain's only. */
#ifndef RL_SERVE_HTTP_STATIC_H
#define RL_SERVE_HTTP_STATIC_H

#include "io/files.h"
#include "serve/http.h"

struct rl_http_static {
  struct rl_files *files;  /* NULL: none */
  struct rl_buffer fields; /* whole lines, which every answer with a file bears */
  uint64_t logged;         /* ms of the loop: when a failure was told last */
};

/* [] -> [userdata of the type RL_HTTP_STATIC], without files yet. Raises for want of memory. */
struct rl_http_static *rl_http_static_new(lua_State *L);

int rl_http_static_collect(lua_State *L);

/* The request was led to the files: answers it, and the answer is in the output; or returns false,
 * for a path that leads to no file, and has done nothing. Does not raise. */
bool rl_http_static_serve(struct rl_http_exchange *exchange, struct rl_http_static *files);

/* The same for a script that is not over: the answer's status, which with all else is kept in the
 * exchange if it is below 400. Does not raise. */
int rl_http_static_choose(struct rl_http_exchange *exchange, struct rl_http_static *files);

/* A file that a script has opened is to be the answer, with that type, and the status that the
 * script has set, if any: as above. Disposes of the caller's hold. */
int rl_http_static_choose_file(struct rl_http_exchange *exchange, struct rl_file *file,
                               const char *type);

#endif
