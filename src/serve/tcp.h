/* TCP session: a server that listens, and the life of each of its connections:
 *
 *     accept -> socket -> a fiber runs the handler -> it returns or fails -> close
 *
 * An error of a handler is logged with its traceback and ends its own connection only. A connection
 * that cannot be begun for want of memory is closed, with a line in the log; the server goes on.
 *
 * A server is held by its userdata and by its listener; it listens until it is closed, also when
 * nobody has kept the userdata. Threads: the domain's only. */
#ifndef RL_SERVE_TCP_H
#define RL_SERVE_TCP_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "io/listener.h"
#include "serve/serving.h"

#define RL_SERVER_TYPE "listener" /* name of the metatable, which the Lua module makes */

/* What a server's connections start with. */
struct rl_tcp_options {
  int backlog;
  bool shared; /* other loops may listen at the same port */
  size_t max_line;
  double timeout; /* seconds; 0: none */
};

struct rl_server {
  struct rl_closable closable; /* first; in its list while it listens */
  struct rl_listener listener;
  struct rl_serving *serving;
  struct rl_heap *heap; /* the listener closes after the serving is gone */
  struct rl_tcp_options options;
  int handler; /* registry reference; LUA_NOREF once it is closed */
  unsigned holders;
};

/* [.., handler] -> [.., userdata] and 1; or [.., nil, text] and 2 when the address cannot be had.
 * Raises for want of memory, or if the address is a name other than "localhost". */
int rl_tcp_listen(lua_State *L, const struct rl_address *address,
                  const struct rl_tcp_options *options);

/* Stops listening; running connections go on. May be called again. Does not raise. */
void rl_tcp_close(struct rl_server *server);

/* The server at index 1, the object of a method. Raises if it is anything else. */
struct rl_server *rl_tcp_check(lua_State *L);

/* __gc of the userdata: lets go, without closing. */
int rl_tcp_collect(lua_State *L);

#endif
