/* UTF-8. What the first byte allows as the second decides about everything but the number of bytes:
 * too long a form, surrogates, the upper end. */
#include "base/utf8.h"

#include <stdbool.h>

static bool between(unsigned char byte, unsigned char least, unsigned char most) {
  return byte >= least && byte <= most;
}

static bool is_second(unsigned char first, unsigned char second) {
  switch (first) {
  case 0xE0: return between(second, 0xA0, 0xBF);
  case 0xED: return between(second, 0x80, 0x9F);
  case 0xF0: return between(second, 0x90, 0xBF);
  case 0xF4: return between(second, 0x80, 0x8F);
  default: return between(second, 0x80, 0xBF);
  }
}

unsigned rl_utf8_size(const char *at, const char *end) {
  const unsigned char *byte = (const unsigned char *)at;
  if (at == end)
    return 0;
  if (byte[0] < 0x80)
    return 1;
  if (!between(byte[0], 0xC2, 0xF4))
    return 0;
  unsigned size = byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : 4;
  if (end - at < (int)size || !is_second(byte[0], byte[1]))
    return 0;
  for (unsigned i = 2; i < size; i++)
    if (!between(byte[i], 0x80, 0xBF))
      return 0;
  return size;
}

static char trail(uint32_t character, unsigned shift) {
  return (char)(0x80 | (character >> shift & 0x3F));
}

unsigned rl_utf8_write(uint32_t character, char to[4]) {
  if (character < 0x80) {
    to[0] = (char)character;
    return 1;
  }
  unsigned size = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
  unsigned shift = 6 * (size - 1);
  to[0] = (char)(0xF00 >> size | character >> shift);
  for (unsigned i = 1; i < size; i++)
    to[i] = trail(character, shift - 6 * i);
  return size;
}
