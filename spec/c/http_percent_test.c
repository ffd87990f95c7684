/* http/percent.h: decoding, canonical paths, encoding. */
#include "check.h"

#include "http/percent.h"
#include "http/scan.h"

static struct rl_heap heap;

static void is(struct rl_slice got, const char *wanted) {
  assert_int_equal(got.size, strlen(wanted));
  assert_memory_equal(got.bytes, wanted, got.size);
}

static void decodes(const char *text, enum rl_percent_as as, const char *wanted) {
  struct rl_buffer room;
  struct rl_slice decoded;
  size_t where;
  rl_buffer_init(&room, &heap);
  assert_int_equal(rl_percent_decode(rl_scan_text(text), as, &room, &decoded, &where), 0);
  is(decoded, wanted);
  assert_true(rl_percent_equal(rl_scan_text(text), as, decoded));
  if (rl_percent_is_plain(rl_scan_text(text), as)) {
    assert_ptr_equal(decoded.bytes, text);
    assert_null(room.bytes);
  }
  rl_buffer_free(&room);
}

static void refuses(const char *text, enum rl_percent_as as, int trouble, size_t wanted) {
  struct rl_buffer room;
  struct rl_slice decoded;
  size_t where = SIZE_MAX;
  rl_buffer_init(&room, &heap);
  rl_buffer_append(&room, "kept", 4);
  assert_int_equal(rl_percent_decode(rl_scan_text(text), as, &room, &decoded, &where), trouble);
  assert_int_equal(where, wanted);
  assert_int_equal(room.size, 4);
  assert_false(rl_percent_equal(rl_scan_text(text), as, rl_scan_text(text)));
  rl_buffer_free(&room);
}

static void escapes_become_bytes(void **state) {
  (void)state;
  decodes("", RL_PERCENT_TEXT, "");
  decodes("plain", RL_PERCENT_TEXT, "plain");
  decodes("a%20b%C3%a9", RL_PERCENT_TEXT, "a b\xc3\xa9");
  decodes("%2Fa%2f", RL_PERCENT_TEXT, "/a/");
  decodes("a/b%25/c", RL_PERCENT_PATH, "a/b%/c");
}

static void a_plus_is_a_space_in_forms_only(void **state) {
  (void)state;
  decodes("a+b%2B", RL_PERCENT_FORM, "a b+");
  decodes("a+b%2B", RL_PERCENT_TEXT, "a+b+");
}

static void a_bad_escape_is_an_error_with_its_place(void **state) {
  (void)state;
  refuses("%", RL_PERCENT_TEXT, RL_PERCENT_BAD, 0);
  refuses("ab%4", RL_PERCENT_TEXT, RL_PERCENT_BAD, 2);
  refuses("%41%4g", RL_PERCENT_FORM, RL_PERCENT_BAD, 3);
  refuses("a%%41", RL_PERCENT_PATH, RL_PERCENT_BAD, 1);
  refuses("%-1", RL_PERCENT_TEXT, RL_PERCENT_BAD, 0);
  refuses("%u0041", RL_PERCENT_TEXT, RL_PERCENT_BAD, 0);
}

static void a_path_hides_no_separator_and_no_end(void **state) {
  (void)state;
  refuses("a/..%2f..%2fetc", RL_PERCENT_PATH, RL_PERCENT_HIDDEN, 4);
  refuses("a%00.txt", RL_PERCENT_PATH, RL_PERCENT_HIDDEN, 1);
}

static void canonical(const char *path, const char *wanted) {
  struct rl_buffer room;
  struct rl_slice result, again;
  size_t where;
  rl_buffer_init(&room, &heap);
  assert_int_equal(rl_percent_canonical(rl_scan_text(path), &room, &result, &where), 0);
  is(result, wanted);
  assert_int_equal(rl_percent_canonical(result, &room, &again, &where), 0);
  assert_ptr_equal(again.bytes, result.bytes);
  rl_buffer_free(&room);
}

static void equal_paths_have_one_form(void **state) {
  (void)state;
  canonical("/a/b.html", "/a/b.html");
  canonical("/%61/caf%c3%a9", "/a/caf%C3%A9");
  canonical("/caf\xc3\xa9 \"", "/caf%C3%A9%20%22");
  canonical("/a%2fb%2F", "/a%2Fb%2F");
  canonical("/v1%3Abatch%40x%2Bz", "/v1:batch@x+z");
  canonical("/%2e%2E/%25", "/../%25");
  canonical("/%00%0d%0A", "/%00%0D%0A");
}

static void a_path_with_a_bad_escape_has_no_form(void **state) {
  (void)state;
  struct rl_buffer room;
  struct rl_slice result;
  size_t where = 0;
  rl_buffer_init(&room, &heap);
  int trouble = rl_percent_canonical(rl_scan_text("/a%2fb%zz"), &room, &result, &where);
  assert_int_equal(trouble, RL_PERCENT_BAD);
  assert_int_equal(where, 6);
  rl_buffer_free(&room);
}

static void dot_segments_are_seen(void **state) {
  (void)state;
  static const char *const climbing[] = {"..", ".", "/..", "/../", "/a/./b", "../a", "/a/.."};
  static const char *const staying[] = {"", "/", "//", "/...", "/a.", "/.a", "/a..b/c"};
  for (size_t i = 0; i < 7; i++) {
    assert_true(rl_percent_climbs(rl_scan_text(climbing[i])));
    assert_false(rl_percent_climbs(rl_scan_text(staying[i])));
  }
}

static void encodes(const char *text, enum rl_percent_set set, const char *wanted) {
  struct rl_buffer to;
  rl_buffer_init(&to, &heap);
  rl_percent_encode(rl_scan_text(text), set, &to);
  is((struct rl_slice){(char *)to.bytes, to.size}, wanted);
  rl_buffer_free(&to);
}

static void each_place_escapes_what_it_must(void **state) {
  (void)state;
  encodes("a b/c&d+e:é~", RL_PERCENT_COMPONENT, "a%20b%2Fc%26d%2Be%3A%C3%A9~");
  encodes("a b/c&d+e:é~", RL_PERCENT_FIELD, "a+b%2Fc%26d%2Be%3A%C3%A9~");
  encodes("a b/c&d+e:é~", RL_PERCENT_SEGMENT, "a%20b%2Fc&d+e:%C3%A9~");
  encodes("a b/c&d+e:é~", RL_PERCENT_SEGMENTS, "a%20b/c&d+e:%C3%A9~");
  encodes("\r\n?#%", RL_PERCENT_SEGMENTS, "%0D%0A%3F%23%25");
}

static void every_byte_survives_the_way_there_and_back(void **state) {
  (void)state;
  char all[256];
  for (size_t i = 0; i < sizeof all; i++)
    all[i] = (char)i;
  struct rl_slice bytes = {all, sizeof all}, decoded;
  for (unsigned set = RL_PERCENT_COMPONENT; set <= RL_PERCENT_SEGMENTS; set *= 2) {
    struct rl_buffer to, room;
    size_t where;
    rl_buffer_init(&to, &heap);
    rl_buffer_init(&room, &heap);
    rl_percent_encode(bytes, set, &to);
    struct rl_slice encoded = {(char *)to.bytes, to.size};
    enum rl_percent_as as = set == RL_PERCENT_FIELD ? RL_PERCENT_FORM : RL_PERCENT_TEXT;
    assert_int_equal(rl_percent_decode(encoded, as, &room, &decoded, &where), 0);
    assert_true(rl_scan_equal(decoded, bytes));
    rl_buffer_free(&to);
    rl_buffer_free(&room);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(escapes_become_bytes),
      cmocka_unit_test(a_plus_is_a_space_in_forms_only),
      cmocka_unit_test(a_bad_escape_is_an_error_with_its_place),
      cmocka_unit_test(a_path_hides_no_separator_and_no_end),
      cmocka_unit_test(equal_paths_have_one_form),
      cmocka_unit_test(a_path_with_a_bad_escape_has_no_form),
      cmocka_unit_test(dot_segments_are_seen),
      cmocka_unit_test(each_place_escapes_what_it_must),
      cmocka_unit_test(every_byte_survives_the_way_there_and_back),
  };
  rl_heap_init(&heap);
  return cmocka_run_group_tests_name("percent", tests, NULL, NULL);
}
