/* Multipart: multipart/form-data (RFC 7578, 2046), read as it arrives.
 *
 *     --boundary CRLF
 *     Content-Disposition: form-data; name="..." CRLF      PART, once the head is whole
 *     CRLF
 *     bytes                                                DATA, as often as there are some
 *     CRLF --boundary CRLF                                 PART_END, then the next part
 *     ... CRLF --boundary--                                PART_END, END
 *
 * Every byte is looked at a bounded number of times, however the body is cut, and none is copied
 * but those of the parts' heads. Strict: after a boundary comes nothing but CRLF or `--`, heads
 * have no bare CR or LF and no folded lines, and every part is form-data with a name. What precedes
 * the first boundary and follows the last is passed over.
 *
 * Owner: whoever embeds it. Threads: one at a time. */
#ifndef RL_HTTP_MULTIPART_H
#define RL_HTTP_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/slice.h"

enum { RL_MULTIPART_BOUNDARY = 70 }; /* bytes at most */

enum rl_multipart_event {
  RL_MULTIPART_MORE,     /* all input is used up: feed more */
  RL_MULTIPART_PART,     /* a part begins: `part` says which */
  RL_MULTIPART_DATA,     /* some of its bytes */
  RL_MULTIPART_PART_END, /* it is whole */
  RL_MULTIPART_END,      /* so is the body; the rest is passed over */
  RL_MULTIPART_FAILED,   /* `wrong` says why; it stays so */
};

enum rl_multipart_state {
  RL_MULTIPART_PREAMBLE,
  RL_MULTIPART_BODY,
  RL_MULTIPART_BOUNDARY_MET,  /* CRLF or `--` must follow */
  RL_MULTIPART_BOUNDARY_CR,   /* its LF is missing */
  RL_MULTIPART_BOUNDARY_DASH, /* its second dash is missing */
  RL_MULTIPART_HEAD,
  RL_MULTIPART_DONE,
  RL_MULTIPART_BROKEN,
};

/* Borrows from the parser until its next call. Names are bytes that the client chose: a file name
 * may be a path, or `..`. In them `\"` and `\\` have become what they stand for, nothing else. */
struct rl_multipart_part {
  struct rl_slice name, filename;
  bool has_filename;       /* browsers send an empty one for no file */
  struct rl_slice type;    /* the value of its Content-Type; size 0 for none */
  struct rl_slice headers; /* all its lines, each with its CRLF */
};

struct rl_multipart {
  struct rl_multipart_part part;
  const char *wrong; /* static text */

  enum rl_multipart_state state;
  char delimiter[4 +
                 RL_MULTIPART_BOUNDARY]; /* CRLF, two dashes, boundary: its only CR comes first */
  size_t size;                           /* of the delimiter */
  size_t matched;                        /* bytes of it that were met at the end of what was fed */
  size_t assumed; /* of these, how many never were: a boundary may come without its CRLF where a
                     line begins anyway */
  size_t head_limit;
  unsigned parts_left;
  struct rl_buffer head; /* of the part */
};

/* For a boundary as rl_media_parse gives it: 0, or -1 if it is none. At most `parts` parts, whose
 * heads have at most `head_limit` bytes each. */
int rl_multipart_init(struct rl_multipart *parser, struct rl_heap *heap, struct rl_slice boundary,
                      size_t head_limit, unsigned parts);

void rl_multipart_free(struct rl_multipart *parser);

/* Reads on in `input`, of which it drops what is done with, to the next event. `data` is set with
 * DATA, never empty, and stays as long as the input and the parser do. The body must not end before
 * END has come. */
enum rl_multipart_event rl_multipart_next(struct rl_multipart *parser, struct rl_slice *input,
                                          struct rl_slice *data);

/* The value of a header of the part, by its name in any case: false when there is none. */
bool rl_multipart_header(const struct rl_multipart_part *part, const char *name,
                         struct rl_slice *value);

#endif
