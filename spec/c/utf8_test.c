/* base/utf8.h: every character, and what is none. */
#include "check.h"

#include "base/utf8.h"

static void every_character_is_written_and_recognized(void **state) {
  (void)state;
  for (uint32_t character = 0; character <= 0x10FFFF; character++) {
    if (character >= 0xD800 && character < 0xE000)
      continue;
    char text[4];
    unsigned size = rl_utf8_write(character, text);
    assert_int_equal(size, character < 0x80      ? 1
                           : character < 0x800   ? 2
                           : character < 0x10000 ? 3
                                                 : 4);
    assert_int_equal(rl_utf8_size(text, text + size), size);
    assert_int_equal(rl_utf8_size(text, text + size - 1), 0);
  }
}

/* Decoded by its first byte alone, as a careless decoder does. */
static uint32_t decode(const unsigned char *byte, unsigned size) {
  uint32_t character = size == 1 ? byte[0] : byte[0] & (0x7Fu >> size);
  for (unsigned i = 1; i < size; i++)
    character = character << 6 | (byte[i] & 0x3Fu);
  return character;
}

/* Of all beginnings of two bytes those that are taken stand for a character in its one form. */
static void nothing_else_is_taken(void **state) {
  (void)state;
  for (unsigned pair = 0; pair < 0x10000; pair++) {
    unsigned char bytes[4] = {(unsigned char)(pair >> 8), (unsigned char)pair, 0x80, 0x80};
    char again[4];
    const char *text = (const char *)bytes;
    unsigned size = rl_utf8_size(text, text + sizeof bytes);
    if (size == 0) {
      assert_true(bytes[0] >= 0x80);
      continue;
    }
    uint32_t character = decode(bytes, size);
    assert_true(character <= 0x10FFFF && (character < 0xD800 || character > 0xDFFF));
    assert_int_equal(rl_utf8_write(character, again), size);
    assert_memory_equal(again, bytes, size);
  }
}

static void later_bytes_are_looked_at(void **state) {
  (void)state;
  static const char *const broken[] = {"\xE2\x82x", "\xE2\x82\xC0", "\xF0\x9F\x98x",
                                       "\xF0\x9Fx\x80"};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
    assert_int_equal(rl_utf8_size(broken[i], broken[i] + strlen(broken[i])), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_character_is_written_and_recognized),
      cmocka_unit_test(nothing_else_is_taken),
      cmocka_unit_test(later_bytes_are_looked_at),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
