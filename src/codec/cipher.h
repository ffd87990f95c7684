/* Cipher: what OpenSSL computes for us: digests, random bytes, AES-256-GCM.
 *
 * 0, or -1 when OpenSSL failed, which means that there was no memory, unless something else is
 * said. Threads: any, unless something else is said. */
#ifndef RL_CODEC_CIPHER_H
#define RL_CODEC_CIPHER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum {
  RL_SHA1_SIZE = 20,
  RL_SHA256_SIZE = 32,
  RL_CIPHER_KEY = 32,
  RL_CIPHER_NONCE = 12,
  RL_CIPHER_TAG = 16,
  RL_CIPHER_FORGED = -2, /* not what was sealed with this key, nonce and context */
};

/* What OpenSSL looks up by name, and its scratch, for those functions that are called for each
 * request: looking up takes longer than what they do. NULL when there is no memory. Freed by its
 * owner; NULL is allowed. Threads: one at a time. */
struct rl_cipher_kit;
struct rl_cipher_kit *rl_cipher_kit_new(void);
void rl_cipher_kit_free(struct rl_cipher_kit *kit);

/* From the kernel. */
int rl_cipher_random(void *bytes, size_t size);

int rl_cipher_sha1(struct rl_slice text, unsigned char digest[RL_SHA1_SIZE]);
int rl_cipher_sha256(struct rl_slice text, unsigned char digest[RL_SHA256_SIZE]);

/* SHA-256 of what comes piece by piece: NULL when there is no memory; freed by its owner, whether
 * it was finished or not; NULL is allowed. Nothing is fed after the finish. */
struct rl_cipher_digest;
struct rl_cipher_digest *rl_cipher_digest_new(void);
int rl_cipher_digest_feed(struct rl_cipher_digest *digest, struct rl_slice text);
int rl_cipher_digest_finish(struct rl_cipher_digest *digest, unsigned char to[RL_SHA256_SIZE]);
void rl_cipher_digest_free(struct rl_cipher_digest *digest);

/* HMAC-SHA-256. */
int rl_cipher_hmac(struct rl_cipher_kit *kit, struct rl_slice key, struct rl_slice text,
                   unsigned char mac[RL_SHA256_SIZE]);

/* Whether `size` bytes are equal, in a time that does not depend on them. */
bool rl_cipher_equal(const void *bytes, const void *others, size_t size);

/* Overwrites, also when the compiler thinks that nobody will look. */
void rl_cipher_wipe(void *bytes, size_t size);

/* What goes into AES-256-GCM besides the text. The context is not part of the result; it has to be
 * the same when that is opened. */
struct rl_cipher {
  const unsigned char *key;   /* RL_CIPHER_KEY */
  const unsigned char *nonce; /* RL_CIPHER_NONCE; never twice with one key */
  struct rl_slice context;
};

/* Writes text.size + RL_CIPHER_TAG bytes. */
int rl_cipher_seal(struct rl_cipher_kit *kit, const struct rl_cipher *cipher, struct rl_slice text,
                   unsigned char *sealed);

/* Writes sealed.size - RL_CIPHER_TAG bytes, which are worthless unless it returns 0; or
 * RL_CIPHER_FORGED. */
int rl_cipher_open(struct rl_cipher_kit *kit, const struct rl_cipher *cipher,
                   struct rl_slice sealed, unsigned char *text);

#endif
