/* HTTP upgrade: a handler takes its connection over, to speak another protocol on it. Threads: the
 * domain's only. */
#ifndef RL_SERVE_HTTP_UPGRADE_H
#define RL_SERVE_HTTP_UPGRADE_H

#include "serve/http.h"

/* Answers 101 for a protocol that the client has asked for, with the headers that were set:
 * [] -> [socket] and 1; what the client has sent behind its request is there to be read. It is
 * closed when the handler is over. Or [nil, text] and 2, when the client has not asked for that,
 * and any other answer may be given. Raises if it is too late, or for want of memory. */
int rl_http_upgrade(lua_State *L, struct rl_http_exchange *exchange, struct rl_slice protocol);

#endif
