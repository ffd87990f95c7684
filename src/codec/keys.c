/* Keys: lays tokens out, and derives their keys. */
#include "codec/keys.h"

#include <string.h>

enum { SEALED = 1, SIGNED = 2 }; /* versions: what a token is, and how it is made */
enum { ID = 4, SALT = 12, END = 8, HEAD = 1 + ID, SEALED_HEAD = HEAD + SALT + RL_CIPHER_NONCE };

_Static_assert(RL_KEYS_SEALED_MORE == SEALED_HEAD + END + RL_CIPHER_TAG, "as in keys.h");
_Static_assert(RL_KEYS_SIGNED_MORE == HEAD + END + RL_SHA256_SIZE, "as in keys.h");

static struct rl_slice slice(const void *bytes, size_t size) {
  return (struct rl_slice){bytes, size};
}

int rl_keys_add(struct rl_keys *keys, struct rl_cipher_kit *kit, struct rl_slice secret) {
  unsigned char id[RL_SHA256_SIZE];
  unsigned char *key = keys->list[keys->count].key;
  if (rl_cipher_hmac(kit, secret, slice("rille key", 9), key) != 0 ||
      rl_cipher_hmac(kit, slice(key, RL_CIPHER_KEY), slice("rille id", 8), id) != 0)
    return -1;
  memcpy(keys->list[keys->count].id, id, ID);
  keys->count++;
  return 0;
}

/* Which key a token needs; NULL if it is not ours. */
static const unsigned char *find(const struct rl_keys *keys, const unsigned char *token,
                                 unsigned char version) {
  if (token[0] != version)
    return NULL;
  for (unsigned i = 0; i < keys->count; i++)
    if (memcmp(keys->list[i].id, token + 1, ID) == 0)
      return keys->list[i].key;
  return NULL;
}

/* The key of one token; the purpose comes last, so that no two inputs are the same bytes. */
static int derive(struct rl_cipher_kit *kit, const unsigned char *key, unsigned char version,
                  struct rl_slice salt, struct rl_slice purpose,
                  unsigned char derived[RL_CIPHER_KEY]) {
  unsigned char text[1 + SALT + RL_KEYS_PURPOSE] = {version};
  memcpy(text + 1, salt.bytes, salt.size);
  if (purpose.size > 0)
    memcpy(text + 1 + salt.size, purpose.bytes, purpose.size);
  return rl_cipher_hmac(kit, slice(key, RL_CIPHER_KEY), slice(text, 1 + salt.size + purpose.size),
                        derived);
}

static void write_end(unsigned char *to, uint64_t end) {
  for (int i = 0; i < END; i++)
    to[i] = (unsigned char)(end >> (56 - 8 * i));
}

static int check_end(const unsigned char *from, uint64_t now) {
  uint64_t end = 0;
  for (int i = 0; i < END; i++)
    end = end << 8 | from[i];
  return end != 0 && end <= now ? RL_KEYS_OVER : 0;
}

static void write_head(const struct rl_keys *keys, unsigned char version, unsigned char *token) {
  token[0] = version;
  memcpy(token + 1, keys->list[0].id, ID);
}

/* A sealed token's cipher, from its head. */
static int prepare(struct rl_cipher_kit *kit, const unsigned char *key, struct rl_slice purpose,
                   const unsigned char *token, struct rl_cipher *cipher,
                   unsigned char derived[RL_CIPHER_KEY]) {
  *cipher = (struct rl_cipher){derived, token + HEAD + SALT, slice(token, HEAD)};
  return derive(kit, key, SEALED, slice(token + HEAD, SALT), purpose, derived);
}

int rl_keys_seal(const struct rl_keys *keys, struct rl_cipher_kit *kit,
                 const struct rl_keys_use *use, struct rl_slice text, unsigned char *token) {
  unsigned char derived[RL_CIPHER_KEY];
  struct rl_cipher cipher;
  write_head(keys, SEALED, token);
  if (rl_cipher_random(token + HEAD, SALT + RL_CIPHER_NONCE) != 0 ||
      prepare(kit, keys->list[0].key, use->purpose, token, &cipher, derived) != 0)
    return -1;
  unsigned char *body = token + SEALED_HEAD;
  write_end(body, use->end);
  if (text.size > 0)
    memcpy(body + END, text.bytes, text.size);
  int end = rl_cipher_seal(kit, &cipher, slice(body, END + text.size), body); /* in place */
  rl_cipher_wipe(derived, sizeof derived);
  return end;
}

/* The HMAC of what a signed token says. */
static int authenticate(struct rl_cipher_kit *kit, const unsigned char *key,
                        struct rl_slice purpose, struct rl_slice said,
                        unsigned char mac[RL_SHA256_SIZE]) {
  unsigned char derived[RL_CIPHER_KEY];
  int end = derive(kit, key, SIGNED, slice("", 0), purpose, derived);
  if (end == 0)
    end = rl_cipher_hmac(kit, slice(derived, sizeof derived), said, mac);
  rl_cipher_wipe(derived, sizeof derived);
  return end;
}

int rl_keys_sign(const struct rl_keys *keys, struct rl_cipher_kit *kit,
                 const struct rl_keys_use *use, struct rl_slice text, unsigned char *token) {
  size_t said = HEAD + END + text.size;
  write_head(keys, SIGNED, token);
  write_end(token + HEAD, use->end);
  if (text.size > 0)
    memcpy(token + HEAD + END, text.bytes, text.size);
  return authenticate(kit, keys->list[0].key, use->purpose, slice(token, said), token + said);
}

/* -- taking -------------------------------------------------------------------------------- */

/* Proves a token under a key, which makes its body readable: 0, RL_CIPHER_FORGED or -1. */
typedef int prove(struct rl_cipher_kit *kit, const unsigned char *key, struct rl_slice purpose,
                  unsigned char *token, size_t size);

static int decrypt(struct rl_cipher_kit *kit, const unsigned char *key, struct rl_slice purpose,
                   unsigned char *token, size_t size) {
  unsigned char derived[RL_CIPHER_KEY];
  struct rl_cipher cipher;
  unsigned char *body = token + SEALED_HEAD;
  if (prepare(kit, key, purpose, token, &cipher, derived) != 0)
    return -1;
  int end = rl_cipher_open(kit, &cipher, slice(body, size - SEALED_HEAD), body);
  rl_cipher_wipe(derived, sizeof derived);
  return end;
}

static int compare(struct rl_cipher_kit *kit, const unsigned char *key, struct rl_slice purpose,
                   unsigned char *token, size_t size) {
  unsigned char mac[RL_SHA256_SIZE];
  size_t said = size - sizeof mac;
  if (authenticate(kit, key, purpose, slice(token, said), mac) != 0)
    return -1;
  return rl_cipher_equal(mac, token + said, sizeof mac) ? 0 : RL_CIPHER_FORGED;
}

/* A kind of token: a body, which is the end and the text, between a head and a tail. */
struct kind {
  unsigned char version;
  size_t head, more; /* before the body; all but the text */
  prove *prove;
};

static int take(const struct kind *kind, const struct rl_keys *keys, struct rl_cipher_kit *kit,
                const struct rl_keys_use *use, unsigned char *token, size_t size,
                struct rl_slice *text) {
  const unsigned char *key = size < kind->more ? NULL : find(keys, token, kind->version);
  if (!key)
    return RL_CIPHER_FORGED;
  int end = kind->prove(kit, key, use->purpose, token, size);
  if (end == 0)
    end = check_end(token + kind->head, use->end);
  if (end == 0)
    *text = slice(token + kind->head + END, size - kind->more);
  return end;
}

int rl_keys_open(const struct rl_keys *keys, struct rl_cipher_kit *kit,
                 const struct rl_keys_use *use, unsigned char *token, size_t size,
                 struct rl_slice *text) {
  static const struct kind sealed = {SEALED, SEALED_HEAD, RL_KEYS_SEALED_MORE, decrypt};
  return take(&sealed, keys, kit, use, token, size, text);
}

int rl_keys_verify(const struct rl_keys *keys, struct rl_cipher_kit *kit,
                   const struct rl_keys_use *use, unsigned char *token, size_t size,
                   struct rl_slice *text) {
  static const struct kind readable = {SIGNED, HEAD, RL_KEYS_SIGNED_MORE, compare};
  return take(&readable, keys, kit, use, token, size, text);
}
