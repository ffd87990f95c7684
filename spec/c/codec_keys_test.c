/* codec/keys.h and codec/cipher.h: tokens that open, and those that must not. Vectors of the
 * algorithms are in spec/crypto_spec.lua. */
#include "check.h"

#include "codec/keys.h"

static struct rl_cipher_kit *kit;
static struct rl_keys keys;

static struct rl_slice text_of(const char *text) {
  return (struct rl_slice){text, strlen(text)};
}

static int make_keys(void **state) {
  (void)state;
  kit = rl_cipher_kit_new();
  return kit && rl_keys_add(&keys, kit, text_of("the newest of the two secrets here")) == 0 &&
                 rl_keys_add(&keys, kit, text_of("the older one of the two, still known")) == 0
             ? 0
             : -1;
}

static int free_keys(void **state) {
  (void)state;
  rl_cipher_kit_free(kit);
  rl_cipher_kit_free(NULL);
  return 0;
}

/* The two kinds of tokens. */
static const struct {
  rl_keys_make *make;
  rl_keys_take *take;
  size_t more;
} kinds[] = {{rl_keys_seal, rl_keys_open, RL_KEYS_SEALED_MORE},
             {rl_keys_sign, rl_keys_verify, RL_KEYS_SIGNED_MORE}};

enum { SEALED, SIGNED, KINDS };

static int take(int kind, const char *purpose, uint64_t now, const unsigned char *token,
                size_t size, struct rl_slice *text) {
  static unsigned char copy[1024]; /* where the text lies afterwards */
  struct rl_keys_use use = {text_of(purpose), now};
  memcpy(copy, token, size);
  return kinds[kind].take(&keys, kit, &use, copy, size, text);
}

static size_t make(int kind, const char *text, uint64_t end, unsigned char *token) {
  struct rl_keys_use use = {text_of("session"), end};
  assert_int_equal(kinds[kind].make(&keys, kit, &use, text_of(text), token), 0);
  return strlen(text) + kinds[kind].more;
}

static void tokens_open(void **state) {
  (void)state;
  static const char *const texts[] = {"", "x", "a text that is longer than a block of the cipher"};
  for (int kind = SEALED; kind < KINDS; kind++)
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
      unsigned char token[256];
      struct rl_slice text;
      size_t size = make(kind, texts[i], 0, token);
      assert_int_equal(take(kind, "session", 12345, token, size, &text), 0);
      assert_int_equal(text.size, strlen(texts[i]));
      assert_memory_equal(text.bytes, texts[i], text.size);
    }
}

static void no_bit_can_be_changed(void **state) {
  (void)state;
  for (int kind = SEALED; kind < KINDS; kind++) {
    unsigned char token[256];
    struct rl_slice text;
    size_t size = make(kind, "some text", 1000, token);
    for (size_t bit = 0; bit < size * 8; bit++) {
      token[bit / 8] ^= (unsigned char)(1 << bit % 8);
      assert_int_equal(take(kind, "session", 1, token, size, &text), RL_CIPHER_FORGED);
      token[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (size_t less = 0; less < size; less++)
      assert_int_equal(take(kind, "session", 1, token, less, &text), RL_CIPHER_FORGED);
    assert_int_equal(take(kind, "session", 1, token, size + 1, &text), RL_CIPHER_FORGED);
    assert_int_equal(take(kind, "session", 1, token, size, &text), 0);
  }
}

static void a_token_is_good_for_one_purpose_and_kind(void **state) {
  (void)state;
  for (int kind = SEALED; kind < KINDS; kind++) {
    unsigned char token[256];
    struct rl_slice text;
    size_t size = make(kind, "some text that is long enough to be of the other kind", 0, token);
    assert_int_equal(take(kind, "sessio", 1, token, size, &text), RL_CIPHER_FORGED);
    assert_int_equal(take(kind, "", 1, token, size, &text), RL_CIPHER_FORGED);
    assert_int_equal(take(1 - kind, "session", 1, token, size, &text), RL_CIPHER_FORGED);
  }
}

static void a_token_ends(void **state) {
  (void)state;
  for (int kind = SEALED; kind < KINDS; kind++) {
    unsigned char token[256];
    struct rl_slice text;
    size_t size = make(kind, "text", 1000, token);
    assert_int_equal(take(kind, "session", 999, token, size, &text), 0);
    assert_int_equal(take(kind, "session", 1000, token, size, &text), RL_KEYS_OVER);
    assert_int_equal(take(kind, "other", 1000, token, size, &text), RL_CIPHER_FORGED);
  }
}

static void an_older_secret_opens_but_does_not_seal(void **state) {
  (void)state;
  struct rl_keys older = {0}, both = keys;
  assert_int_equal(rl_keys_add(&older, kit, text_of("the older one of the two, still known")), 0);
  for (int kind = SEALED; kind < KINDS; kind++) {
    unsigned char token[256];
    struct rl_slice text;
    keys = older;
    size_t size = make(kind, "text", 0, token);
    keys = both;
    assert_int_equal(take(kind, "session", 1, token, size, &text), 0);
    size = make(kind, "text", 0, token);
    keys = older;
    assert_int_equal(take(kind, "session", 1, token, size, &text), RL_CIPHER_FORGED);
    keys = both;
  }
}

/* A nonce that comes twice gives the key away. */
static void no_two_sealed_tokens_are_equal(void **state) {
  (void)state;
  unsigned char one[64], other[64];
  size_t size = make(SEALED, "", 0, one);
  make(SEALED, "", 0, other);
  assert_memory_not_equal(one + 5, other + 5, size - 5);
}

static void random_bytes_are_as_many_as_asked_for(void **state) {
  (void)state;
  static unsigned char bytes[100000];
  size_t zeros = 0;
  assert_int_equal(rl_cipher_random(bytes, 0), 0);
  assert_int_equal(rl_cipher_random(bytes, sizeof bytes - 1), 0);
  for (size_t i = 0; i < sizeof bytes - 1; i++)
    zeros += bytes[i] == 0;
  assert_in_range(zeros, 200, 600); /* 390 are expected; this is 10 deviations away */
  assert_int_equal(bytes[sizeof bytes - 1], 0);
}

/* The kit's scratch bears nothing from one use to the next, also after one that failed. */
static void a_kit_serves_many(void **state) {
  (void)state;
  unsigned char mac[RL_SHA256_SIZE], again[RL_SHA256_SIZE], token[256];
  struct rl_slice text;
  size_t size = make(SEALED, "text", 0, token);
  assert_int_equal(rl_cipher_hmac(kit, text_of("key"), text_of("text"), mac), 0);
  for (int i = 0; i < 10; i++) {
    token[size - 1] ^= 1;
    assert_int_equal(take(SEALED, "session", 1, token, size, &text), RL_CIPHER_FORGED);
    token[size - 1] ^= 1;
    assert_int_equal(take(SEALED, "session", 1, token, size, &text), 0);
    assert_int_equal(rl_cipher_hmac(kit, text_of(""), text_of("other"), again), 0);
    assert_memory_not_equal(mac, again, sizeof mac);
    assert_int_equal(rl_cipher_hmac(kit, text_of("key"), text_of("text"), again), 0);
    assert_memory_equal(mac, again, sizeof mac);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tokens_open),
      cmocka_unit_test(no_bit_can_be_changed),
      cmocka_unit_test(a_token_is_good_for_one_purpose_and_kind),
      cmocka_unit_test(a_token_ends),
      cmocka_unit_test(an_older_secret_opens_but_does_not_seal),
      cmocka_unit_test(no_two_sealed_tokens_are_equal),
      cmocka_unit_test(random_bytes_are_as_many_as_asked_for),
      cmocka_unit_test(a_kit_serves_many),
  };
  return cmocka_run_group_tests(tests, make_keys, free_keys);
}
