/* Reads arbitrary bytes as base64, in both alphabets: what is taken is the one text of its bytes.
 * And writes them as such. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
  if (!holds)
    abort();
}

static void check(struct rl_slice input, enum rl_base64 alphabet, char *text,
                  unsigned char *bytes) {
  size_t size = rl_base64_decode(input, alphabet, bytes);
  if (size != RL_BASE64_BAD) {
    must(size <= input.size / 4 * 3 + 2 && rl_base64_size(size, alphabet) == input.size);
    must(rl_base64_encode((struct rl_slice){(char *)bytes, size}, alphabet, text) == input.size);
    must(input.size == 0 || memcmp(text, input.bytes, input.size) == 0);
  }
  size = rl_base64_encode(input, alphabet, text);
  must(size == rl_base64_size(input.size, alphabet));
  must(rl_base64_decode((struct rl_slice){text, size}, alphabet, bytes) == input.size);
  must(input.size == 0 || memcmp(bytes, input.bytes, input.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct rl_slice input = {(const char *)data, size};
  char *text = malloc(size * 2 + 4);
  unsigned char *bytes = malloc(size * 2 + 4);
  must(text && bytes);
  check(input, RL_BASE64_PLAIN, text, bytes);
  check(input, RL_BASE64_URL, text, bytes);
  free(text);
  free(bytes);
  return 0;
}
