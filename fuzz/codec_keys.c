/* Opens arbitrary bytes as sealed and as signed tokens: none may be taken. And seals and signs
 * them: they open as they were, but not with one bit changed, cut short, or for another purpose.
 *
 * The first byte chooses the bit, the second how much of the rest is the purpose. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int make(const struct rl_keys *keys, const struct rl_keys_use *use, struct rl_slice text,
                 unsigned char *token);
typedef int take(const struct rl_keys *keys, const struct rl_keys_use *use, unsigned char *token,
                 size_t size, struct rl_slice *text);

static struct rl_keys keys;

static void must(bool holds) {
  if (!holds)
    abort();
}

static int verify(const struct rl_keys *known, const struct rl_keys_use *use, unsigned char *token,
                  size_t size, struct rl_slice *text) {
  return rl_keys_verify(known, use, token, size, text);
}

/* Opens a copy, since opening changes it. */
static int try(take *opened, const struct rl_keys_use *use, const unsigned char *token, size_t size,
               struct rl_slice expected) {
  struct rl_slice text;
  unsigned char *copy = malloc(size + 1);
  must(copy);
  if (size)
    memcpy(copy, token, size);
  int status = opened(&keys, use, copy, size, &text);
  if (status == 0)
    must(text.size == expected.size &&
         (text.size == 0 || memcmp(text.bytes, expected.bytes, text.size) == 0));
  free(copy);
  return status;
}

static void check(make *made, take *opened, size_t more, struct rl_slice purpose,
                  struct rl_slice text, unsigned bit) {
  struct rl_keys_use use = {purpose, 1000}, now = {purpose, 999}, later = {purpose, 1000},
                     other = {{"other purpose", 13}, 999};
  size_t size = text.size + more;
  unsigned char *token = malloc(size);
  must(token && made(&keys, &use, text, token) == 0);
  must(try(opened, &now, token, size, text) == 0);
  must(try(opened, &later, token, size, text) == RL_KEYS_OVER);
  must(try(opened, &other, token, size, text) == RL_CIPHER_FORGED);
  must(try(opened, &now, token, size - 1 - bit % size, text) == RL_CIPHER_FORGED);
  token[bit / 8 % size] ^= (unsigned char)(1 << bit % 8);
  must(try(opened, &now, token, size, text) == RL_CIPHER_FORGED);
  free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (keys.count == 0)
    must(rl_keys_add(&keys, (struct rl_slice){"a secret of thirty-two characters", 33}) == 0);
  if (size < 2)
    return 0;
  struct rl_slice text = {(const char *)data + 2, size - 2}, purpose = text;
  purpose.size = data[1] % (RL_KEYS_PURPOSE + 1) < text.size ? data[1] % (RL_KEYS_PURPOSE + 1) : 0;
  struct rl_keys_use use = {purpose, 0};
  must(try(rl_keys_open, &use, data, size, text) == RL_CIPHER_FORGED);
  must(try(verify, &use, data, size, text) == RL_CIPHER_FORGED);
  text.bytes += purpose.size;
  text.size -= purpose.size;
  check(rl_keys_seal, rl_keys_open, RL_KEYS_SEALED_MORE, purpose, text, data[0] * 5u);
  check(rl_keys_sign, verify, RL_KEYS_SIGNED_MORE, purpose, text, data[0] * 5u);
  return 0;
}
