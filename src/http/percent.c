/* Percent: decoding, the canonical form of a path, encoding. Each is one pass over the bytes; a
 * first look decides whether anything has to be copied. */
#include "http/percent.h"

#include <string.h>

#include "http/chars.h"

static const char digits[] = "0123456789ABCDEF";

/* In which sets a byte stands for itself, a row for sixteen bytes: each number is a sum of
 * RL_PERCENT_*. None above 127 does. */
/* clang-format off */
static const unsigned char sets[256] = {
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
     0, 12,  0,  0, 12,  0, 12, 12, 12, 12, 12, 12, 12, 15, 15,  8,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 12, 12,  0, 12,  0,  0,
    12, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  0,  0,  0,  0, 15,
     0, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  0,  0,  0, 15,  0,
};
/* clang-format on */

static unsigned sets_of(unsigned char byte) {
  return sets[byte];
}

/* The byte that the escape at `at` stands for, or -1. */
static int escaped(struct rl_slice text, size_t at) {
  if (text.size - at < 3)
    return -1;
  int high = rl_char_hex(text.bytes[at + 1]), low = rl_char_hex(text.bytes[at + 2]);
  return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* The byte at `at`, decoded, and the place after it; or what is wrong. */
static int decode_one(struct rl_slice text, enum rl_percent_as as, size_t at, size_t *next) {
  unsigned char byte = (unsigned char)text.bytes[at];
  *next = at + 1;
  if (byte == '+' && as == RL_PERCENT_FORM)
    return ' ';
  if (byte != '%')
    return byte;
  int decoded = escaped(text, at);
  *next = at + 3;
  if (as == RL_PERCENT_PATH && (decoded == '/' || decoded == 0))
    return RL_PERCENT_HIDDEN;
  return decoded < 0 ? RL_PERCENT_BAD : decoded;
}

bool rl_percent_is_plain(struct rl_slice text, enum rl_percent_as as) {
  return text.size == 0 || (!memchr(text.bytes, '%', text.size) &&
                            (as != RL_PERCENT_FORM || !memchr(text.bytes, '+', text.size)));
}

int rl_percent_decode(struct rl_slice text, enum rl_percent_as as, struct rl_buffer *room,
                      struct rl_slice *decoded, size_t *where) {
  if (rl_percent_is_plain(text, as)) {
    *decoded = text;
    return 0;
  }
  size_t start = room->size;
  char *to = (char *)rl_buffer_extend(room, text.size);
  if (!to)
    return RL_PERCENT_NO_MEMORY;
  size_t size = 0;
  for (size_t at = 0, next; at < text.size; at = next) {
    int byte = decode_one(text, as, at, &next);
    if (byte < 0) {
      room->size = start;
      *where = at;
      return byte;
    }
    to[size++] = (char)byte;
  }
  room->size = start + size;
  *decoded = (struct rl_slice){to, size};
  return 0;
}

static void put_escape(struct rl_buffer *to, unsigned char byte) {
  unsigned char *room = rl_buffer_extend(to, 3);
  if (room) {
    room[0] = '%';
    room[1] = (unsigned char)digits[byte >> 4];
    room[2] = (unsigned char)digits[byte & 15];
  }
}

/* Whether the escape at `at` is written in capitals, and needed. */
static bool is_canonical(struct rl_slice path, size_t at) {
  int byte = escaped(path, at);
  return byte >= 0 && !(sets_of((unsigned char)byte) & RL_PERCENT_SEGMENT) &&
         path.bytes[at + 1] == digits[byte >> 4] && path.bytes[at + 2] == digits[byte & 15];
}

/* How many bytes at the beginning are canonical as they stand. */
static size_t canonical_size(struct rl_slice path) {
  size_t at = 0;
  while (at < path.size) {
    if (sets_of((unsigned char)path.bytes[at]) & RL_PERCENT_SEGMENTS)
      at++;
    else if (path.bytes[at] == '%' && is_canonical(path, at))
      at += 3;
    else
      break;
  }
  return at;
}

int rl_percent_canonical(struct rl_slice path, struct rl_buffer *room, struct rl_slice *canonical,
                         size_t *where) {
  size_t at = canonical_size(path);
  if (at == path.size) {
    *canonical = path;
    return 0;
  }
  size_t start = room->size;
  rl_buffer_append(room, path.bytes, at);
  for (size_t next; at < path.size; at = next) {
    int byte = decode_one(path, RL_PERCENT_TEXT, at, &next);
    if (byte < 0) {
      room->size = start;
      *where = at;
      return byte;
    }
    bool bare = sets_of((unsigned char)byte) & RL_PERCENT_SEGMENT;
    if (bare || (byte == '/' && path.bytes[at] == '/'))
      rl_buffer_byte(room, (unsigned char)byte);
    else
      put_escape(room, (unsigned char)byte);
  }
  if (room->failed)
    return RL_PERCENT_NO_MEMORY;
  *canonical = (struct rl_slice){(char *)room->bytes + start, room->size - start};
  return 0;
}

bool rl_percent_equal(struct rl_slice text, enum rl_percent_as as, struct rl_slice other) {
  size_t seen = 0;
  for (size_t at = 0, next; at < text.size; at = next) {
    int byte = decode_one(text, as, at, &next);
    if (byte < 0 || seen == other.size || byte != (unsigned char)other.bytes[seen++])
      return false;
  }
  return seen == other.size;
}

void rl_percent_encode(struct rl_slice text, enum rl_percent_set set, struct rl_buffer *to) {
  for (size_t i = 0; i < text.size; i++) {
    unsigned char byte = (unsigned char)text.bytes[i];
    if (sets_of(byte) & set)
      rl_buffer_byte(to, byte);
    else if (byte == ' ' && set == RL_PERCENT_FIELD)
      rl_buffer_byte(to, '+');
    else
      put_escape(to, byte);
  }
}

bool rl_percent_climbs(struct rl_slice canonical) {
  size_t from = 0;
  for (size_t at = 0; at <= canonical.size; at++) {
    if (at < canonical.size && canonical.bytes[at] != '/')
      continue;
    size_t size = at - from;
    if (size > 0 && size <= 2 && memcmp(canonical.bytes + from, "..", size) == 0)
      return true;
    from = at + 1;
  }
  return false;
}
