/* Percent: the escapes of URLs and forms (RFC 3986, 2.1), read strictly and written minimally.
 *
 * A path is matched in its canonical form: bytes that may stand in a segment stand for themselves,
 * all others are `%XX` in capitals. Two paths are the same exactly when their decoded segments are.
 * `%2F` stays `%2F` there: it is a byte of a segment and never becomes a separator. It turns into
 * "/" only when a single segment, a captured parameter, is decoded as text; what is decoded as a
 * path, to become the name of a file, must not contain it, nor `%00`. Dot segments (also written
 * `%2e`) are kept: whoever maps a path to something must refuse them, see rl_percent_climbs.
 *
 * Threads: any. Nothing is copied when there is nothing to decode. */
#ifndef RL_HTTP_PERCENT_H
#define RL_HTTP_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/slice.h"

/* How to decode. */
enum rl_percent_as {
  RL_PERCENT_TEXT, /* all escapes: one segment, a fragment */
  RL_PERCENT_FORM, /* the same, and `+` is a space: query strings and urlencoded bodies */
  RL_PERCENT_PATH, /* several segments at once: an escaped "/" or NUL is an error */
};

/* What stands unescaped besides letters, digits and -._~ */
enum rl_percent_set {
  RL_PERCENT_COMPONENT = 1, /* nothing: the name or value of a query */
  RL_PERCENT_FIELD = 2,     /* the same, a space becomes `+`: urlencoded bodies */
  RL_PERCENT_SEGMENT = 4,   /* !$&'()*+,;=:@ as well */
  RL_PERCENT_SEGMENTS = 8,  /* and "/" */
};

enum rl_percent_trouble {
  RL_PERCENT_BAD = -1,    /* `%` without two hexadecimal digits */
  RL_PERCENT_HIDDEN = -2, /* an escaped "/" or NUL in a path */
  RL_PERCENT_NO_MEMORY = -3,
};

/* Whether there is nothing to decode. */
bool rl_percent_is_plain(struct rl_slice text, enum rl_percent_as as);

/* Decodes: 0, or what is wrong, and `where`. The result is `text` itself when there is nothing to
 * decode; otherwise it is appended to `room` and stays until something else is. */
int rl_percent_decode(struct rl_slice text, enum rl_percent_as as, struct rl_buffer *room,
                      struct rl_slice *decoded, size_t *where);

/* Brings a path into its canonical form; otherwise as rl_percent_decode. */
int rl_percent_canonical(struct rl_slice path, struct rl_buffer *room, struct rl_slice *canonical,
                         size_t *where);

/* Whether `text` decodes to `other`, without doing so. False when it is malformed. */
bool rl_percent_equal(struct rl_slice text, enum rl_percent_as as, struct rl_slice other);

/* Appends `text`, escaped. Not even escapes keep a segment "." or ".." from being resolved by
 * clients: whoever builds a path out of parameters must refuse these. */
void rl_percent_encode(struct rl_slice text, enum rl_percent_set set, struct rl_buffer *to);

/* Whether a canonical path has a segment "." or "..". */
bool rl_percent_climbs(struct rl_slice canonical);

#endif
