/* Socket: a connection as a script sees it: a stream with its reader and its writer behind a
 * userdata of the type "socket".
 *
 * The block lives until its three holders let go: the userdata (collected), the handle (libuv is
 * done with it), and a fiber (the handler of the connection, or the one that dials). Closing is
 * independent of that: by the script, by the end of the handler, by the collector, with the domain.
 * Threads: the domain's only. */
#ifndef RL_SERVE_SOCKET_H
#define RL_SERVE_SOCKET_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "io/address.h"
#include "io/stream.h"
#include "serve/reader.h"
#include "serve/serving.h"

struct rl_timer;

#define RL_SOCKET_TYPE "socket" /* name of the metatable, which the Lua module makes */

enum { RL_SOCKET_MAX_LINE = 64 * 1024 };

struct rl_socket {
  struct rl_closable closable; /* first */
  struct rl_serving *serving;
  struct rl_stream stream;
  struct rl_reader reader;
  union rl_endpoint peer; /* AF_UNSPEC for Unix sockets */
  unsigned holders;
  bool closed;    /* for the script */
  double timeout; /* seconds a read or a write may wait; 0: for ever */
  size_t max_line;
  struct rl_timer *flush; /* while what was queued is still written after the close */
};

/* [] -> [userdata]: a socket without a handle yet; the userdata is the only holder. Raises. */
struct rl_socket *rl_socket_new(lua_State *L, struct rl_serving *serving);

/* Takes over a connected descriptor: 0; or an error, and the socket's handle is being closed. */
int rl_socket_open(struct rl_socket *socket, int fd, bool local);

/* The handle is connected (by a dial): the socket is now closed with its domain. */
void rl_socket_opened(struct rl_socket *socket);

void rl_socket_hold(struct rl_socket *socket);
void rl_socket_let_go(struct rl_socket *socket);

/* Never waits: what is queued is still written, in the background and for a few seconds at most.
 * Reads fail from now on. May be called again. Does not raise. */
void rl_socket_close(struct rl_socket *socket);

/* The socket at a stack index. Raises if it is anything else. */
struct rl_socket *rl_socket_check(lua_State *L, int index);

/* __gc of the userdata. */
int rl_socket_collect(lua_State *L);

#endif
