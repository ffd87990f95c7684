/* Header: the field names that the server or its middleware looks at, known by number. */
#ifndef RL_HTTP_HEADER_H
#define RL_HTTP_HEADER_H

#include <stdbool.h>
#include <stddef.h>

/* In the order of header.c's table: by length, then by letter. Below 64, for a set in one word. */
enum rl_header {
  RL_HEADER_OTHER,
  RL_HEADER_TE,
  RL_HEADER_DNT,
  RL_HEADER_DATE,
  RL_HEADER_FROM,
  RL_HEADER_HOST,
  RL_HEADER_RANGE,
  RL_HEADER_ACCEPT,
  RL_HEADER_COOKIE,
  RL_HEADER_EXPECT,
  RL_HEADER_ORIGIN,
  RL_HEADER_PRAGMA,
  RL_HEADER_REFERER,
  RL_HEADER_TRAILER,
  RL_HEADER_UPGRADE,
  RL_HEADER_IF_MATCH,
  RL_HEADER_IF_RANGE,
  RL_HEADER_FORWARDED,
  RL_HEADER_CONNECTION,
  RL_HEADER_KEEP_ALIVE,
  RL_HEADER_SET_COOKIE,
  RL_HEADER_USER_AGENT,
  RL_HEADER_CONTENT_TYPE,
  RL_HEADER_MAX_FORWARDS,
  RL_HEADER_X_REQUEST_ID,
  RL_HEADER_AUTHORIZATION,
  RL_HEADER_CACHE_CONTROL,
  RL_HEADER_CONTENT_RANGE,
  RL_HEADER_IF_NONE_MATCH,
  RL_HEADER_LAST_EVENT_ID,
  RL_HEADER_CONTENT_LENGTH,
  RL_HEADER_ACCEPT_ENCODING,
  RL_HEADER_ACCEPT_LANGUAGE,
  RL_HEADER_X_FORWARDED_FOR,
  RL_HEADER_CONTENT_ENCODING,
  RL_HEADER_X_FORWARDED_HOST,
  RL_HEADER_IF_MODIFIED_SINCE,
  RL_HEADER_SEC_WEBSOCKET_KEY,
  RL_HEADER_TRANSFER_ENCODING,
  RL_HEADER_X_FORWARDED_PROTO,
  RL_HEADER_IF_UNMODIFIED_SINCE,
  RL_HEADER_PROXY_AUTHORIZATION,
  RL_HEADER_SEC_WEBSOCKET_VERSION,
  RL_HEADER_SEC_WEBSOCKET_PROTOCOL,
  RL_HEADER_SEC_WEBSOCKET_EXTENSIONS,
  RL_HEADER_COUNT
};

/* Which one a name is, in any case; RL_HEADER_OTHER for the rest. The name must be a token. */
enum rl_header rl_header_of(const char *name, size_t size);

/* Its name in lower case; NULL for RL_HEADER_OTHER. */
const char *rl_header_name(enum rl_header header);

/* Are two runs of bytes the same but for the case of letters? */
bool rl_header_same(const char *a, const char *b, size_t size);

#endif
