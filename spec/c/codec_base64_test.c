/* codec/base64.h: RFC 4648, and nothing beside it. */
#include "check.h"

#include "codec/base64.h"

static struct rl_slice text_of(const char *text) {
  return (struct rl_slice){text, strlen(text)};
}

static void pair(const char *bytes, const char *text, enum rl_base64 alphabet) {
  char encoded[64];
  unsigned char decoded[64];
  size_t size = rl_base64_encode(text_of(bytes), alphabet, encoded);
  assert_int_equal(size, strlen(text));
  assert_int_equal(size, rl_base64_size(strlen(bytes), alphabet));
  assert_memory_equal(encoded, text, size);
  assert_int_equal(rl_base64_decode(text_of(text), alphabet, decoded), strlen(bytes));
  assert_memory_equal(decoded, bytes, strlen(bytes));
}

static void the_vectors_of_the_rfc_hold(void **state) {
  (void)state;
  static const char *const vectors[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xFB\xFF\xFE", "+//+"}};
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
    pair(vectors[i][0], vectors[i][1], RL_BASE64_PLAIN);
  pair("f", "Zg", RL_BASE64_URL);
  pair("fo", "Zm8", RL_BASE64_URL);
  pair("\xFB\xFF\xFE", "-__-", RL_BASE64_URL);
}

static void refuses(const char *text, enum rl_base64 alphabet) {
  unsigned char decoded[64];
  assert_int_equal(rl_base64_decode(text_of(text), alphabet, decoded), RL_BASE64_BAD);
}

static void one_text_stands_for_each_value(void **state) {
  (void)state;
  static const char *const plain[] = {"Zg",       "Zg=",  "Zg===",   "Z===",  "====",
                                      "=",        "Zh==", "Zm9=",    "Zm 9v", "Zm9v\n",
                                      "Zg==Zg==", "-__-", "Zm\xFFv", "Z=g="};
  static const char *const url[] = {"Zg==", "Z", "Zh", "Zm9", "+//+", "Zm 9v", "Zm9v=", "Zm9vY"};
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    refuses(plain[i], RL_BASE64_PLAIN);
  for (size_t i = 0; i < sizeof url / sizeof *url; i++)
    refuses(url[i], RL_BASE64_URL);
}

/* Every byte in every place of a group; what is written is as long as it says, to the byte. */
static void all_bytes_come_back(void **state) {
  (void)state;
  for (size_t size = 0; size < 260; size++)
    for (int alphabet = RL_BASE64_PLAIN; alphabet <= RL_BASE64_URL; alphabet++) {
      unsigned char bytes[260], *decoded = malloc(size + 3);
      for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(i * 7 + size);
      size_t length = rl_base64_size(size, (enum rl_base64)alphabet);
      char *text = malloc(length + 1);
      struct rl_slice input = {(char *)bytes, size};
      assert_int_equal(rl_base64_encode(input, (enum rl_base64)alphabet, text), length);
      struct rl_slice encoded = {text, length};
      assert_int_equal(rl_base64_decode(encoded, (enum rl_base64)alphabet, decoded), size);
      assert_memory_equal(decoded, bytes, size);
      free(text);
      free(decoded);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_vectors_of_the_rfc_hold),
      cmocka_unit_test(one_text_stands_for_each_value),
      cmocka_unit_test(all_bytes_come_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
