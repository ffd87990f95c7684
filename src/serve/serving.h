/* Serving: what a domain keeps about its sockets: the servers that listen, the open sockets, the
 * handlers that run. Made by the first use of the network, one a domain.
 *
 * It is a userdata that the registry holds under a key of this file, so that a domain need not know
 * of it; its finalizer closes everything that is still open when the state is closed, on whichever
 * domain that is. The close callbacks that follow touch the sockets' memory only, which is not
 * Lua's. Threads: the domain's only. */
#ifndef RL_SERVE_SERVING_H
#define RL_SERVE_SERVING_H

#include <lua.h>
#include <stdbool.h>

#include "base/list.h"
#include "io/address.h"
#include "io/stream.h"

struct rl_domain;

/* Something that is closed with its domain: the first member of a server or a socket. */
struct rl_closable {
  struct rl_list link;                         /* in one of the lists below until it closes */
  void (*close)(struct rl_closable *closable); /* hard and at once; must not raise */
};

struct rl_serving {
  struct rl_domain *domain;
  struct rl_list servers; /* that listen */
  struct rl_list sockets; /* that have a handle, or are being dialled */
  unsigned running;       /* handlers of connections, begun and not over */
  bool ended;             /* the state is being closed: nothing new */
  char scratch[RL_STREAM_SCRATCH];
};

/* The domain's, made if need be. Raises for want of memory, or when the state is being closed. */
struct rl_serving *rl_serving_of(lua_State *L);

/* Stops all listening of the domain; running handlers go on. Domain's thread, outside Lua too. */
void rl_serving_stop_listening(struct rl_domain *domain);

/* How many handlers of connections run. */
unsigned rl_serving_running(struct rl_domain *domain);

/* [] -> [nil, text]: how a failed operation is returned: "ECONNRESET: connection reset by peer". */
int rl_serving_fail(lua_State *L, int error);

/* An address to listen on. Names are not looked up, that would wait: raises for any but
 * "localhost".
 */
struct rl_address rl_serving_resolve(lua_State *L, const struct rl_address *address);

#endif
