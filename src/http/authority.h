/* Authority: the host and port that a request names. Any thread. */
#ifndef RL_HTTP_AUTHORITY_H
#define RL_HTTP_AUTHORITY_H

#include <stdbool.h>

#include "base/slice.h"

/* Is it `host`, `host:` or `host:port`, without user, path or list? The host is a registered name
 * with its percent escapes, an IPv4 address, or an IP literal in brackets. The sub-delimiters that
 * RFC 3986 lets a name have (quotes, '&', ',' and the like) are refused: no host has them, and they
 * hurt in whatever the name is written into. */
bool rl_authority_valid(struct rl_slice authority);

#endif
