/* Chars: which bytes may stand where in HTTP/1.1 (RFC 9110 section 5, RFC 3986). Any thread. */
#ifndef RL_HTTP_CHARS_H
#define RL_HTTP_CHARS_H

#include <stdbool.h>
#include <stddef.h>

enum rl_char {
  RL_CHAR_TOKEN = 1,  /* a method, a field's name */
  RL_CHAR_VALUE = 2,  /* a field's value: a tab, or no control character */
  RL_CHAR_TARGET = 4, /* a request target: visible ASCII but for '#' */
  RL_CHAR_HOST = 8,   /* a registered name: letters, digits, "-._~" */
  RL_CHAR_HEX = 16,
};

extern const unsigned char rl_chars[256];

static inline bool rl_char_is(char byte, enum rl_char kind) {
  return (rl_chars[(unsigned char)byte] & kind) != 0;
}

/* Are all of them of that kind? True for none. */
static inline bool rl_chars_are(const char *bytes, size_t size, enum rl_char kind) {
  for (size_t i = 0; i < size; i++) {
    if (!rl_char_is(bytes[i], kind))
      return false;
  }
  return true;
}

/* The value of a hexadecimal digit, or -1. */
static inline int rl_char_hex(char byte) {
  if (!rl_char_is(byte, RL_CHAR_HEX))
    return -1;
  return byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10;
}

#endif
