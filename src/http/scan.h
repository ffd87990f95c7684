/* Scan: the small pieces that header fields are made of (RFC 9110, 5.6): tokens, quoted strings,
 * lists, parameters, numbers.
 *
 * Everything here borrows: the slices point into the text that was given. Threads: any. Nothing
 * allocates. */
#ifndef RL_HTTP_SCAN_H
#define RL_HTTP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* One `name=value`. A quoted value comes without its quotes, its backslashes still there. */
struct rl_scan_parameter {
  struct rl_slice name, value;
  bool quoted;
};

/* A slice of a C string. */
struct rl_slice rl_scan_text(const char *text);

/* How many bytes at the beginning are token characters. */
size_t rl_scan_token(struct rl_slice text);

/* Drops `size` bytes at the beginning. */
static inline void rl_scan_skip(struct rl_slice *text, size_t size) {
  text->bytes += size;
  text->size -= size;
}

/* Without spaces and tabs at both ends. */
struct rl_slice rl_scan_trim(struct rl_slice text);

/* Whether both are the same but for the case of ASCII letters. `text` may be in any case. */
bool rl_scan_is(struct rl_slice text, const char *other);

/* Whether the bytes are the same. */
bool rl_scan_equal(struct rl_slice one, struct rl_slice other);

/* The length of a quoted string at the beginning, both quotes counted; 0 when there is none or
 * it does not end. */
size_t rl_scan_quoted(struct rl_slice text);

/* Takes the next member of a comma-separated list, trimmed; empty ones are passed over. Commas in
 * quoted strings do not count. False at the end. */
bool rl_scan_member(struct rl_slice *rest, struct rl_slice *member);

/* Takes `name=value` at the beginning; false when there is none. */
bool rl_scan_pair(struct rl_slice *rest, struct rl_scan_parameter *parameter);

/* Takes the next parameter: 1, or 0 at the end, or -1 when what follows is none. */
int rl_scan_parameter(struct rl_slice *rest, struct rl_scan_parameter *parameter);

/* Reads decimal digits and nothing else; a number too large is UINT64_MAX. False when there is no
 * digit, or something else. */
bool rl_scan_number(struct rl_slice text, uint64_t *number);

/* Whether there is a control character (0 to 31, 127), or one of those in `others`. */
bool rl_scan_has(struct rl_slice text, const char *others);

#endif
