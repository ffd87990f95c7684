/* Limits: how much of everything one request may bring. All in bytes unless said otherwise. */
#ifndef RL_HTTP_LIMITS_H
#define RL_HTTP_LIMITS_H

#include <stdint.h>

struct rl_http_limits {
  uint32_t line;     /* the request line with its line end; more is 414 */
  uint32_t field;    /* one field with its line end; 431 */
  uint32_t fields;   /* number of fields; 431 */
  uint32_t head;     /* the whole head; 431; below 2 GiB */
  uint32_t trailers; /* all trailers; 431 */
  uint32_t overhead; /* framing of chunks beyond 16 bytes each and twice their data; 400 */
  uint64_t body;     /* decoded; 413 */
};

/* A target of 8,000 octets fits, as RFC 9112 section 3 asks. */
#define RL_HTTP_LIMITS_DEFAULT                                                                     \
  {                                                                                                \
    .line = 8 * 1024 + 64, .field = 16 * 1024, .fields = 100, .head = 64 * 1024,                   \
    .trailers = 8 * 1024, .overhead = 16 * 1024, .body = 1024 * 1024,                              \
  }

#endif
