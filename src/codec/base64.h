/* Base64: bytes as text (RFC 4648), in the alphabet of e-mail and in that of URLs and cookies.
 *
 * One text for each value: the first has its padding, the second none, bits that are left over are
 * zero, nothing else is let through. So a token cannot be varied and still be taken. Threads: any.
 */
#ifndef RL_CODEC_BASE64_H
#define RL_CODEC_BASE64_H

#include <stddef.h>

#include "base/slice.h"

enum rl_base64 {
  RL_BASE64_PLAIN, /* `+`, `/`, and `=` at the end */
  RL_BASE64_URL,   /* `-`, `_` and no padding */
};

#define RL_BASE64_BAD ((size_t)-1)

/* How many characters `size` bytes take, as encode returns it. */
size_t rl_base64_size(size_t size, enum rl_base64 alphabet);

/* Writes the characters and returns how many. */
size_t rl_base64_encode(struct rl_slice bytes, enum rl_base64 alphabet, char *to);

/* Writes the bytes, at most text.size / 4 * 3 + 2, and returns how many; or RL_BASE64_BAD. */
size_t rl_base64_decode(struct rl_slice text, enum rl_base64 alphabet, unsigned char *to);

#endif
