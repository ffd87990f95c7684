/* Cipher: over OpenSSL's EVP functions. What OpenSSL itself remembers of a failure is cleared, as
 * nobody would read it. */
#include "codec/cipher.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>
#include <sys/random.h>

static const unsigned char *bytes_of(struct rl_slice slice) {
  return (const unsigned char *)slice.bytes;
}

static int over(bool done) {
  if (!done)
    ERR_clear_error();
  return done ? 0 : -1;
}

struct rl_cipher_kit {
  EVP_CIPHER *aes;
  EVP_CIPHER_CTX *gcm;
  EVP_MAC *hmac;
  EVP_MAC_CTX *mac; /* of SHA-256 */
};

static bool equip(struct rl_cipher_kit *kit) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, sizeof digest - 1),
      OSSL_PARAM_construct_end()};
  kit->aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
  kit->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  kit->gcm = EVP_CIPHER_CTX_new();
  kit->mac = kit->hmac ? EVP_MAC_CTX_new(kit->hmac) : NULL;
  return kit->aes && kit->gcm && kit->mac && EVP_MAC_CTX_set_params(kit->mac, params) == 1;
}

struct rl_cipher_kit *rl_cipher_kit_new(void) {
  struct rl_cipher_kit *kit = OPENSSL_zalloc(sizeof *kit);
  if (kit && over(equip(kit)) == 0)
    return kit;
  rl_cipher_kit_free(kit);
  return NULL;
}

void rl_cipher_kit_free(struct rl_cipher_kit *kit) {
  if (!kit)
    return;
  EVP_MAC_CTX_free(kit->mac);
  EVP_MAC_free(kit->hmac);
  EVP_CIPHER_CTX_free(kit->gcm);
  EVP_CIPHER_free(kit->aes);
  OPENSSL_free(kit);
}

int rl_cipher_random(void *bytes, size_t size) {
  unsigned char *at = bytes;
  while (size > 0) {
    ssize_t got = getrandom(at, size, 0);
    if (got < 0 && errno != EINTR)
      return -1;
    if (got > 0) {
      at += got;
      size -= (size_t)got;
    }
  }
  return 0;
}

int rl_cipher_sha1(struct rl_slice text, unsigned char digest[RL_SHA1_SIZE]) {
  return over(EVP_Digest(text.bytes, text.size, digest, NULL, EVP_sha1(), NULL) == 1);
}

int rl_cipher_sha256(struct rl_slice text, unsigned char digest[RL_SHA256_SIZE]) {
  return over(EVP_Digest(text.bytes, text.size, digest, NULL, EVP_sha256(), NULL) == 1);
}

/* The type is never defined: it is OpenSSL's context. */
static EVP_MD_CTX *context_of(struct rl_cipher_digest *digest) {
  return (EVP_MD_CTX *)(void *)digest;
}

struct rl_cipher_digest *rl_cipher_digest_new(void) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (context && over(EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1) == 0)
    return (struct rl_cipher_digest *)(void *)context;
  EVP_MD_CTX_free(context);
  return NULL;
}

int rl_cipher_digest_feed(struct rl_cipher_digest *digest, struct rl_slice text) {
  return over(EVP_DigestUpdate(context_of(digest), text.bytes, text.size) == 1);
}

int rl_cipher_digest_finish(struct rl_cipher_digest *digest, unsigned char to[RL_SHA256_SIZE]) {
  return over(EVP_DigestFinal_ex(context_of(digest), to, NULL) == 1);
}

void rl_cipher_digest_free(struct rl_cipher_digest *digest) {
  EVP_MD_CTX_free(context_of(digest));
}

int rl_cipher_hmac(struct rl_cipher_kit *kit, struct rl_slice key, struct rl_slice text,
                   unsigned char mac[RL_SHA256_SIZE]) {
  size_t size;
  return over(EVP_MAC_init(kit->mac, bytes_of(key), key.size, NULL) == 1 &&
              EVP_MAC_update(kit->mac, bytes_of(text), text.size) == 1 &&
              EVP_MAC_final(kit->mac, mac, &size, RL_SHA256_SIZE) == 1);
}

bool rl_cipher_equal(const void *bytes, const void *others, size_t size) {
  return CRYPTO_memcmp(bytes, others, size) == 0;
}

void rl_cipher_wipe(void *bytes, size_t size) {
  OPENSSL_cleanse(bytes, size);
}

/* The key, the nonce and the context: all but the text. */
static bool begin(struct rl_cipher_kit *kit, const struct rl_cipher *cipher, bool seals) {
  int ignored;
  if (EVP_CipherInit_ex2(kit->gcm, kit->aes, cipher->key, cipher->nonce, seals, NULL) != 1)
    return false;
  if (cipher->context.size == 0)
    return true;
  return EVP_CipherUpdate(kit->gcm, NULL, &ignored, bytes_of(cipher->context),
                          (int)cipher->context.size) == 1;
}

static bool fits(const struct rl_cipher *cipher, size_t size) {
  return size <= INT_MAX && cipher->context.size <= INT_MAX;
}

static bool translate(struct rl_cipher_kit *kit, const unsigned char *from, size_t size,
                      unsigned char *to) {
  int written;
  return size == 0 || EVP_CipherUpdate(kit->gcm, to, &written, from, (int)size) == 1;
}

int rl_cipher_seal(struct rl_cipher_kit *kit, const struct rl_cipher *cipher, struct rl_slice text,
                   unsigned char *sealed) {
  int ignored;
  unsigned char *end = sealed + text.size;
  return over(fits(cipher, text.size) && begin(kit, cipher, true) &&
              translate(kit, bytes_of(text), text.size, sealed) &&
              EVP_CipherFinal_ex(kit->gcm, end, &ignored) == 1 &&
              EVP_CIPHER_CTX_ctrl(kit->gcm, EVP_CTRL_AEAD_GET_TAG, RL_CIPHER_TAG, end) == 1);
}

int rl_cipher_open(struct rl_cipher_kit *kit, const struct rl_cipher *cipher,
                   struct rl_slice sealed, unsigned char *text) {
  int ignored;
  unsigned char tag[RL_CIPHER_TAG], end[RL_CIPHER_TAG];
  if (sealed.size < RL_CIPHER_TAG)
    return RL_CIPHER_FORGED;
  size_t size = sealed.size - RL_CIPHER_TAG;
  memcpy(tag, sealed.bytes + size, sizeof tag);
  if (over(fits(cipher, size) && begin(kit, cipher, false) &&
           translate(kit, bytes_of(sealed), size, text) &&
           EVP_CIPHER_CTX_ctrl(kit->gcm, EVP_CTRL_AEAD_SET_TAG, RL_CIPHER_TAG, tag) == 1) != 0)
    return -1;
  return over(EVP_CipherFinal_ex(kit->gcm, end, &ignored) == 1) == 0 ? 0 : RL_CIPHER_FORGED;
}
