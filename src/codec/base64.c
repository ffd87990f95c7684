/* Base64: three bytes at a time, the rest by hand. */
#include "codec/base64.h"

#include <stdbool.h>
#include <stdint.h>

size_t rl_base64_size(size_t size, enum rl_base64 alphabet) {
  size_t rest = size % 3;
  if (alphabet == RL_BASE64_PLAIN)
    return (size + 2) / 3 * 4;
  return size / 3 * 4 + (rest ? rest + 1 : 0);
}

size_t rl_base64_encode(struct rl_slice bytes, enum rl_base64 alphabet, char *to) {
  static const char letters[2][65] = {
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
  };
  const char *letter = letters[alphabet];
  const unsigned char *from = (const unsigned char *)bytes.bytes;
  char *start = to;
  for (size_t left = bytes.size; left > 0; left -= left < 3 ? left : 3, from += 3) {
    uint32_t group = (uint32_t)from[0] << 16;
    if (left > 1)
      group |= (uint32_t)from[1] << 8;
    if (left > 2)
      group |= from[2];
    for (size_t i = 0; i < 4; i++)
      if (i <= left)
        *to++ = letter[group >> (18 - 6 * i) & 63];
      else if (alphabet == RL_BASE64_PLAIN)
        *to++ = '=';
  }
  return (size_t)(to - start);
}

static int value_of(char letter, enum rl_base64 alphabet) {
  if (letter >= 'A' && letter <= 'Z')
    return letter - 'A';
  if (letter >= 'a' && letter <= 'z')
    return letter - 'a' + 26;
  if (letter >= '0' && letter <= '9')
    return letter - '0' + 52;
  if (letter == (alphabet == RL_BASE64_URL ? '-' : '+'))
    return 62;
  return letter == (alphabet == RL_BASE64_URL ? '_' : '/') ? 63 : -1;
}

/* Takes the padding off a text that has to have it. */
static bool strip(struct rl_slice *text) {
  if (text->size % 4 != 0)
    return false;
  for (int i = 0; i < 2 && text->size > 0 && text->bytes[text->size - 1] == '='; i++)
    text->size--;
  return true;
}

size_t rl_base64_decode(struct rl_slice text, enum rl_base64 alphabet, unsigned char *to) {
  if (alphabet == RL_BASE64_PLAIN && !strip(&text))
    return RL_BASE64_BAD;
  if (text.size % 4 == 1)
    return RL_BASE64_BAD;
  unsigned char *start = to;
  uint32_t bits = 0;
  unsigned count = 0; /* bits that are not yet written */
  for (size_t i = 0; i < text.size; i++) {
    int value = value_of(text.bytes[i], alphabet);
    if (value < 0)
      return RL_BASE64_BAD;
    bits = bits << 6 | (uint32_t)value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      *to++ = (unsigned char)(bits >> count);
    }
  }
  bool canonical = (bits & ((1u << count) - 1)) == 0;
  return canonical ? (size_t)(to - start) : RL_BASE64_BAD;
}
