/* Dialer: a fiber that waits for a socket to be connected. */
#ifndef RL_SERVE_DIALER_H
#define RL_SERVE_DIALER_H

#include <lua.h>

struct rl_address;
struct rl_socket;

/* Connects the fresh socket whose userdata is on top of the stack, and returns the userdata, or nil
 * and a message; to be returned. May suspend: `timeout` bounds that, in seconds, 0 for none. Raises
 * for want of memory and when cancelled. */
int rl_dialer_connect(lua_State *L, struct rl_socket *socket, const struct rl_address *address,
                      double timeout);

#endif
