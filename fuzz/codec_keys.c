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

static struct rl_keys keys;
static struct rl_cipher_kit *kit;

static void must(bool holds) {
  if (!holds)
    abort();
}

/* Opens a copy, since opening changes it. */
static int try(rl_keys_take *opened, const struct rl_keys_use *use, const unsigned char *token,
               size_t size, struct rl_slice expected) {
  struct rl_slice text;
  unsigned char *copy = malloc(size + 1);
  must(copy);
  if (size)
    memcpy(copy, token, size);
  int status = opened(&keys, kit, use, copy, size, &text);
  if (status == 0)
    must(text.size == expected.size &&
         (text.size == 0 || memcmp(text.bytes, expected.bytes, text.size) == 0));
  free(copy);
  return status;
}

static void check(rl_keys_make *made, rl_keys_take *opened, size_t more, struct rl_slice purpose,
                  struct rl_slice text, unsigned bit) {
  struct rl_keys_use use = {purpose, 1000}, now = {purpose, 999}, later = {purpose, 1000},
                     other = {{"other purpose", 13}, 999};
  size_t size = text.size + more;
  unsigned char *token = malloc(size);
  must(token && made(&keys, kit, &use, text, token) == 0);
  must(try(opened, &now, token, size, text) == 0);
  must(try(opened, &later, token, size, text) == RL_KEYS_OVER);
  must(try(opened, &other, token, size, text) == RL_CIPHER_FORGED);
  must(try(opened, &now, token, size - 1 - bit % size, text) == RL_CIPHER_FORGED);
  token[bit / 8 % size] ^= (unsigned char)(1 << bit % 8);
  must(try(opened, &now, token, size, text) == RL_CIPHER_FORGED);
  free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!kit)
    must((kit = rl_cipher_kit_new()) &&
         rl_keys_add(&keys, kit, (struct rl_slice){"a secret of thirty-two characters", 33}) == 0);
  if (size < 2)
    return 0;
  struct rl_slice text = {(const char *)data + 2, size - 2}, purpose = text;
  purpose.size = data[1] % (RL_KEYS_PURPOSE + 1) < text.size ? data[1] % (RL_KEYS_PURPOSE + 1) : 0;
  struct rl_keys_use use = {purpose, 0};
  must(try(rl_keys_open, &use, data, size, text) == RL_CIPHER_FORGED);
  must(try(rl_keys_verify, &use, data, size, text) == RL_CIPHER_FORGED);
  text.bytes += purpose.size;
  text.size -= purpose.size;
  check(rl_keys_seal, rl_keys_open, RL_KEYS_SEALED_MORE, purpose, text, data[0] * 5u);
  check(rl_keys_sign, rl_keys_verify, RL_KEYS_SIGNED_MORE, purpose, text, data[0] * 5u);
  return 0;
}
