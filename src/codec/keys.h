/* Keys: seals and signs short texts, so that a client may keep them and give them back.
 *
 * A set of keys is made of secrets, the newest first: it seals and signs, the others still open and
 * verify, which is how secrets are changed without a break. A token says by four bytes which key it
 * needs. It is bound to a purpose: what was sealed as one thing does not open as another. It may
 * end at a certain time.
 *
 *   sealed: version | key id (4) | salt (12) | nonce (12) | AES-256-GCM of (end (8), text) | tag
 *   signed: version | key id (4) | end (8) | text | HMAC-SHA-256 of all before it
 *
 * The key of a token is HMAC(key, version, salt, purpose), so the salt and the nonce together would
 * have to repeat for GCM to break: sealing needs no count. The end is in milliseconds since 1970,
 * 0 for none. Memory: none of its own. Threads: any that only read the keys. */
#ifndef RL_CODEC_KEYS_H
#define RL_CODEC_KEYS_H

#include <stdint.h>

#include "codec/cipher.h"

enum {
  RL_KEYS_MOST = 8,         /* secrets */
  RL_KEYS_LEAST = 32,       /* bytes of a secret */
  RL_KEYS_PURPOSE = 200,    /* bytes of a purpose, at most */
  RL_KEYS_SEALED_MORE = 53, /* how much longer than its text a sealed token is */
  RL_KEYS_SIGNED_MORE = 45,
  RL_KEYS_OVER = -3, /* the token was good; its time is over */
};

struct rl_keys {
  unsigned count;
  struct {
    unsigned char id[4];
    unsigned char key[RL_CIPHER_KEY];
  } list[RL_KEYS_MOST];
};

/* Adds a secret of at least RL_KEYS_LEAST bytes, older than those before it. There must be room.
 * 0, or -1. */
int rl_keys_add(struct rl_keys *keys, struct rl_cipher_kit *kit, struct rl_slice secret);

/* What a token is for and until when. */
struct rl_keys_use {
  struct rl_slice purpose; /* at most RL_KEYS_PURPOSE bytes */
  uint64_t end;            /* sealing and signing: when it ends. Otherwise: now */
};

/* Writes a token of text.size + RL_KEYS_SEALED_MORE bytes, or RL_KEYS_SIGNED_MORE. 0, or -1. */
typedef int rl_keys_make(const struct rl_keys *keys, struct rl_cipher_kit *kit,
                         const struct rl_keys_use *use, struct rl_slice text, unsigned char *token);

/* Finds the text in a token, in place: 0, or RL_CIPHER_FORGED, also when the key is not known, or
 * RL_KEYS_OVER, or -1. */
typedef int rl_keys_take(const struct rl_keys *keys, struct rl_cipher_kit *kit,
                         const struct rl_keys_use *use, unsigned char *token, size_t size,
                         struct rl_slice *text);

/* Tokens that are secret: rl_keys_open decrypts them. */
rl_keys_make rl_keys_seal;
rl_keys_take rl_keys_open;

/* Tokens that can be read but not changed. */
rl_keys_make rl_keys_sign;
rl_keys_take rl_keys_verify;

#endif
