/* JSON text: eight bytes at a time as long as they are ordinary. */
#include "vm/json_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Whether one of eight bytes is below 32, a quote, a backslash or above 127. In a byte that is none
 * of these, subtracting borrows nothing and leaves the highest bit clear. */
static bool has_special(const char *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  uint64_t control = word - EACH(32);
  uint64_t quote = (word ^ EACH('"')) - EACH(1);
  uint64_t backslash = (word ^ EACH('\\')) - EACH(1);
  return (word | control | quote | backslash) & EACH(0x80);
}

static bool is_plain(char byte) {
  return (unsigned char)byte >= ' ' && (unsigned char)byte < 0x80 && byte != '"' && byte != '\\';
}

const char *rl_json_text(const char *at, const char *end) {
  for (;;) {
    while (end - at >= 8 && !has_special(at))
      at += 8;
    while (at < end && is_plain(*at))
      at++;
    if (at == end || (unsigned char)*at < 0x80)
      return at;
    unsigned size = rl_utf8_size(at, end);
    if (size == 0)
      return at;
    at += size;
  }
}
