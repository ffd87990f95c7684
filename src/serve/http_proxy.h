/* HTTP proxy: what a trusted proxy says about its client: address, scheme and host, which are then
 * those of the request. Threads: the domain's only. Nothing raises. */
#ifndef RL_SERVE_HTTP_PROXY_H
#define RL_SERVE_HTTP_PROXY_H

#include "serve/http.h"

/* Whether the server trusts who connects; `peer` is not looked at for a Unix socket. */
bool rl_http_proxy_trusted(const struct rl_http_server *server, const union rl_endpoint *peer);

/* The head has come from a trusted proxy: sets the exchange's remote and secure, and the head's
 * authority. */
void rl_http_proxy_read(struct rl_http_exchange *exchange);

#endif
