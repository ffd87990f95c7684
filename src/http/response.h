/* Response: writes the head of an answer, and the framing of its body, to the end of a buffer. A
 * buffer without memory fails as a whole, which the caller sees at the end. */
#ifndef RL_HTTP_RESPONSE_H
#define RL_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

enum rl_framing {
  RL_FRAMING_NONE,    /* no body, and no length */
  RL_FRAMING_LENGTH,  /* Content-Length */
  RL_FRAMING_CHUNKED, /* Transfer-Encoding: chunked */
  RL_FRAMING_CLOSE,   /* the body ends with the connection: HTTP/1.0 */
};

/* What decides about framing. */
struct rl_response_to {
  int minor;       /* of the request's version */
  bool head;       /* its method is HEAD */
  bool keep_alive; /* both sides let the connection go on */
};

struct rl_response_frame {
  enum rl_framing framing;
  bool body;         /* does one follow? */
  bool keep_alive;   /* does the connection go on? */
  const char *token; /* for Connection; NULL: none */
  uint64_t length;   /* for RL_FRAMING_LENGTH */
};

/* How an answer is framed, whose body has `length` bytes, or is of unknown length for -1. */
struct rl_response_frame rl_response_frame(const struct rl_response_to *to, int status,
                                           int64_t length);

/* What is wrong with a field, or NULL. A name is a token; a value has no CR, LF, NUL or other
 * control character but the tab. Static. */
const char *rl_response_field_fault(struct rl_slice name, struct rl_slice value);

/* The status line; the status is valid. */
void rl_response_begin(struct rl_buffer *out, int status);

/* A field, which was checked. */
void rl_response_field(struct rl_buffer *out, struct rl_slice name, struct rl_slice value);

/* The last fields and the empty line. `date` is a whole line (see date.h), or empty where the
 * answer has one or is a 1xx. */
void rl_response_end(struct rl_buffer *out, const struct rl_response_frame *frame,
                     struct rl_slice date);

enum { RL_RESPONSE_CHUNK_SIZE = 18 };

/* The line before a chunk of `size` > 0 bytes: how long it is. After the data comes a CRLF. */
size_t rl_response_chunk(char line[RL_RESPONSE_CHUNK_SIZE], size_t size);

/* A whole chunk; nothing for no bytes, which would end the body. */
void rl_response_append_chunk(struct rl_buffer *out, struct rl_slice data);

/* Begins the end of a chunked body. Trailers may follow, as fields; then an empty line must. */
void rl_response_last_chunk(struct rl_buffer *out);

#endif
