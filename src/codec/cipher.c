/* Cipher: over OpenSSL's EVP functions. What OpenSSL itself remembers of a failure is cleared, as
 * nobody would read it. */
#include "codec/cipher.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

static const unsigned char *bytes_of(struct rl_slice slice) {
  return (const unsigned char *)slice.bytes;
}

static int over(bool done) {
  if (!done)
    ERR_clear_error();
  return done ? 0 : -1;
}

int rl_cipher_random(void *bytes, size_t size) {
  return over(size <= INT_MAX && RAND_bytes(bytes, (int)size) == 1);
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

int rl_cipher_hmac(struct rl_slice key, struct rl_slice text, unsigned char mac[RL_SHA256_SIZE]) {
  return over(key.size <= INT_MAX && HMAC(EVP_sha256(), key.bytes, (int)key.size, bytes_of(text),
                                          text.size, mac, NULL) != NULL);
}

bool rl_cipher_equal(const void *bytes, const void *others, size_t size) {
  return CRYPTO_memcmp(bytes, others, size) == 0;
}

void rl_cipher_wipe(void *bytes, size_t size) {
  OPENSSL_cleanse(bytes, size);
}

/* The key, the nonce and the context: all but the text. */
static bool begin(EVP_CIPHER_CTX *gcm, const struct rl_cipher *cipher, bool seals) {
  int ignored;
  if (EVP_CipherInit_ex(gcm, EVP_aes_256_gcm(), NULL, cipher->key, cipher->nonce, seals) != 1)
    return false;
  if (cipher->context.size == 0)
    return true;
  return EVP_CipherUpdate(gcm, NULL, &ignored, bytes_of(cipher->context),
                          (int)cipher->context.size) == 1;
}

static bool fits(const struct rl_cipher *cipher, size_t size) {
  return size <= INT_MAX && cipher->context.size <= INT_MAX;
}

static bool translate(EVP_CIPHER_CTX *gcm, const unsigned char *from, size_t size,
                      unsigned char *to) {
  int written;
  return size == 0 || EVP_CipherUpdate(gcm, to, &written, from, (int)size) == 1;
}

static bool seal(EVP_CIPHER_CTX *gcm, const struct rl_cipher *cipher, struct rl_slice text,
                 unsigned char *sealed) {
  int ignored;
  unsigned char *end = sealed + text.size;
  return begin(gcm, cipher, true) && translate(gcm, bytes_of(text), text.size, sealed) &&
         EVP_CipherFinal_ex(gcm, end, &ignored) == 1 &&
         EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, RL_CIPHER_TAG, end) == 1;
}

int rl_cipher_seal(const struct rl_cipher *cipher, struct rl_slice text, unsigned char *sealed) {
  EVP_CIPHER_CTX *gcm = fits(cipher, text.size) ? EVP_CIPHER_CTX_new() : NULL;
  bool done = gcm && seal(gcm, cipher, text, sealed);
  EVP_CIPHER_CTX_free(gcm);
  return over(done);
}

static int open_with(EVP_CIPHER_CTX *gcm, const struct rl_cipher *cipher, struct rl_slice sealed,
                     unsigned char *text) {
  int ignored;
  size_t size = sealed.size - RL_CIPHER_TAG;
  unsigned char tag[RL_CIPHER_TAG], end[RL_CIPHER_TAG];
  for (size_t i = 0; i < sizeof tag; i++)
    tag[i] = bytes_of(sealed)[size + i];
  if (!begin(gcm, cipher, false) || !translate(gcm, bytes_of(sealed), size, text) ||
      EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, RL_CIPHER_TAG, tag) != 1)
    return -1;
  return EVP_CipherFinal_ex(gcm, end, &ignored) == 1 ? 0 : RL_CIPHER_FORGED;
}

int rl_cipher_open(const struct rl_cipher *cipher, struct rl_slice sealed, unsigned char *text) {
  if (sealed.size < RL_CIPHER_TAG)
    return RL_CIPHER_FORGED;
  EVP_CIPHER_CTX *gcm = fits(cipher, sealed.size) ? EVP_CIPHER_CTX_new() : NULL;
  int end = gcm ? open_with(gcm, cipher, sealed, text) : -1;
  EVP_CIPHER_CTX_free(gcm);
  ERR_clear_error();
  return end;
}
