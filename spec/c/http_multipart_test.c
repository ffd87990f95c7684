/* http/multipart.h: bodies whole and cut at every place, what is malformed, limits, cost. */
#include "check.h"

#include <stdio.h>

#include "http/multipart.h"
#include "http/scan.h"

static struct rl_heap heap;

/* What was told, as text: "[name|filename|type]data." for a part, "END", or what is wrong. */
struct story {
  struct rl_multipart parser;
  char text[2048];
};

static void tell(struct story *story, const char *bytes, size_t size) {
  size_t length = strlen(story->text);
  assert_true(length + size < sizeof story->text);
  for (size_t i = 0; i < size; i++)
    story->text[length + i] = bytes[i] ? bytes[i] : '0';
  story->text[length + size] = '\0';
}

static void tell_part(struct story *story) {
  const struct rl_multipart_part *part = &story->parser.part;
  const char *none = part->has_filename ? "" : "-";
  tell(story, "[", 1);
  tell(story, part->name.bytes, part->name.size);
  tell(story, "|", 1);
  tell(story, none, strlen(none));
  tell(story, part->filename.bytes, part->filename.size);
  tell(story, "|", 1);
  tell(story, part->type.bytes, part->type.size);
  tell(story, "]", 1);
}

/* Copies what is fed into a block of its own, so that the sanitizer sees what outlives it. */
static void feed(struct story *story, const char *bytes, size_t size) {
  char *copy = malloc(size ? size : 1);
  memcpy(copy, bytes, size);
  struct rl_slice input = {copy, size}, data;
  enum rl_multipart_event event;
  while ((event = rl_multipart_next(&story->parser, &input, &data)) != RL_MULTIPART_MORE) {
    if (event == RL_MULTIPART_PART)
      tell_part(story);
    else if (event == RL_MULTIPART_DATA) {
      assert_true(data.size > 0);
      tell(story, data.bytes, data.size);
    } else if (event == RL_MULTIPART_PART_END)
      tell(story, ".", 1);
    else
      break;
  }
  if (event == RL_MULTIPART_MORE || event == RL_MULTIPART_END)
    assert_int_equal(input.size, 0);
  free(copy);
}

static void begin(struct story *story, size_t head_limit, unsigned parts) {
  story->text[0] = '\0';
  assert_int_equal(
      rl_multipart_init(&story->parser, &heap, rl_scan_text("Bound"), head_limit, parts), 0);
}

static void finish(struct story *story, const char *wanted) {
  const char *end = story->parser.state == RL_MULTIPART_DONE ? "END" : "...";
  if (story->parser.wrong)
    end = story->parser.wrong;
  tell(story, end, strlen(end));
  assert_string_equal(story->text, wanted);
  rl_multipart_free(&story->parser);
  assert_int_equal(atomic_load(&heap.blocks), 0);
}

/* Whole, byte by byte, cut in two at each place, and in three at each pair of places. */
static void reads_bytes(const char *body, size_t size, size_t head_limit, unsigned parts,
                        const char *wanted) {
  struct story story;
  for (size_t first = 0; first <= size; first++)
    for (size_t second = first; second <= size; second++) {
      begin(&story, head_limit, parts);
      feed(&story, body, first);
      feed(&story, body + first, second - first);
      feed(&story, body + second, size - second);
      finish(&story, wanted);
    }
  begin(&story, head_limit, parts);
  for (size_t i = 0; i < size; i++)
    feed(&story, body + i, 1);
  finish(&story, wanted);
}

static void reads(const char *body, const char *wanted) {
  reads_bytes(body, strlen(body), 1000, 10, wanted);
}

#define NAMED(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"

static void parts_come_with_their_names_and_bytes(void **state) {
  (void)state;
  reads("--Bound\r\n" NAMED("a") "one\r\n--Bound\r\n" NAMED("b") "two\r\n--Bound--\r\n",
        "[a|-|]one.[b|-|]two.END");
  reads("--Bound\r\nContent-Disposition: form-data; name=f; filename=\"x.txt\"\r\n"
        "Content-Type: text/plain\r\n\r\nhello\r\n--Bound--",
        "[f|x.txt|text/plain]hello.END");
}

static void a_body_may_be_empty(void **state) {
  (void)state;
  reads("--Bound--", "END");
  reads("--Bound\r\n" NAMED("a") "\r\n--Bound--", "[a|-|].END");
  reads("--Bound\r\n" NAMED("a") "--Bound--", "[a|-|].END");
}

static void what_surrounds_the_parts_is_passed_over(void **state) {
  (void)state;
  reads("pre --Bound\r\namble\r\n--Bound\r\n" NAMED("a") "1\r\n--Bound--epi\r\n--Bound\r\nlogue",
        "[a|-|]1.END");
}

static void what_only_resembles_a_boundary_is_data(void **state) {
  (void)state;
  reads("--Bound\r\n" NAMED("a") "\r\r\n\r\n-\r\n--\r\n--Boun\r\n--bound\r--Bound\n--Bound\r\n"
                                 "\r\n--Bound--",
        "[a|-|]\r\r\n\r\n-\r\n--\r\n--Boun\r\n--bound\r--Bound\n--Bound\r\n.END");
  reads("--Bound\r\n" NAMED("a") "--Boun\r\n--Bound--", "[a|-|]--Boun.END");
  reads("--Bound\r\n" NAMED("a") "-\r\n--Bound--", "[a|-|]-.END");
}

static void any_byte_may_be_data(void **state) {
  (void)state;
  static const char body[] = "--Bound\r\n" NAMED("a") "\0\xff\r\0\n\r\n--Bound--";
  reads_bytes(body, sizeof body - 1, 1000, 10, "[a|-|]0\xff\r0\n.END");
}

static void names_may_be_quoted_and_escaped(void **state) {
  (void)state;
  reads("--Bound\r\ncontent-disposition:FORM-DATA;filename=\"C:\\dir\\a\\\"b\\\\c\" ;name=\"\"\r\n"
        "X: y\r\n\r\n\r\n--Bound--",
        "[|C:\\dir\\a\"b\\c|].END");
  reads("--Bound\r\nContent-Disposition: form-data; name=\"é%22;=\"; filename=\"\"; x=\"y\"; "
        "filename*=UTF-8''z\r\n\r\n\r\n--Bound--",
        "[é%22;=||].END");
}

static void headers_are_found(void **state) {
  (void)state;
  struct story story;
  struct rl_slice value;
  static const char body[] = "--Bound\r\nX-One:  1 \r\nContent-Disposition: form-data; name=a\r\n"
                             "x-two:\r\n\r\n1\r\n--Bound--";
  begin(&story, 1000, 10);
  struct rl_slice input = rl_scan_text(body), data;
  assert_int_equal(rl_multipart_next(&story.parser, &input, &data), RL_MULTIPART_PART);
  assert_true(rl_multipart_header(&story.parser.part, "x-one", &value));
  assert_true(rl_scan_equal(value, rl_scan_text("1")));
  assert_true(rl_multipart_header(&story.parser.part, "X-Two", &value));
  assert_int_equal(value.size, 0);
  assert_false(rl_multipart_header(&story.parser.part, "x", &value));
  rl_multipart_free(&story.parser);
}

static void what_is_malformed_is_refused(void **state) {
  (void)state;
  static const char follows[] = "a boundary is followed by something else than CRLF or two dashes";
  static const char header[] = "a part's header is malformed";
  static const char malformed[] = "a part's Content-Disposition is malformed";
  reads("--Boundary\r\n", follows);
  reads("--Bound \r\n", follows);
  reads("--Bound\n", follows);
  reads("--Bound\rx", follows);
  reads("--Bound-\r\n", follows);
  reads("--Bound\r\n\r\n1\r\n--Bound--", "a part has no Content-Disposition");
  reads("--Bound\r\nX: y\r\n\r\n", "a part has no Content-Disposition");
  reads("--Bound\r\nX: y\n\r\n", "a part's header ends without CR");
  reads("--Bound\r\nX: y\rz\r\n\r\n", header);
  reads("--Bound\r\nX : y\r\n\r\n", header);
  reads("--Bound\r\nX\r\n\r\n", header);
  reads("--Bound\r\nX: y\r\n folded\r\n\r\n", header);
  reads("--Bound\r\nContent-Disposition: file; name=a\r\n\r\n", "a part is not form-data");
  reads("--Bound\r\nContent-Disposition: form-data\r\n\r\n", "a part has no name");
  reads("--Bound\r\nContent-Disposition: form-data; name=\"a\r\n\r\n", malformed);
  reads("--Bound\r\nContent-Disposition: form-data; name=a b\r\n\r\n", malformed);
  reads("--Bound\r\nContent-Disposition: form-data; name=a; name=a\r\n\r\n",
        "a part has two names");
  reads("--Bound\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; "
        "name=a\r\n\r\n",
        "a part has two Content-Dispositions");
  reads("--Bound\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n\r\n",
        "a part has two Content-Types");
}

static void a_control_character_in_a_header_is_refused(void **state) {
  (void)state;
  static const char body[] = "--Bound\r\nContent-Disposition: form-data; name=\"a\0b\"\r\n\r\n";
  reads_bytes(body, sizeof body - 1, 1000, 10, "a part's header is malformed");
}

static void a_body_that_ends_early_has_no_end(void **state) {
  (void)state;
  reads("", "...");
  reads("nothing", "...");
  reads("--Bound\r\n" NAMED("a") "1\r\n--Bound\r\n", "[a|-|]1....");
  reads("--Bound\r\n" NAMED("a") "1\r\n--Bound-", "[a|-|]1....");
}

static void limits_hold(void **state) {
  (void)state;
  static const char body[] =
      "--Bound\r\n" NAMED("a") "1\r\n--Bound\r\n" NAMED("b") "2\r\n--Bound--";
  size_t head = strlen(NAMED("a"));
  reads_bytes(body, sizeof body - 1, head, 2, "[a|-|]1.[b|-|]2.END");
  reads_bytes(body, sizeof body - 1, head - 1, 2, "a part's headers are too long");
  reads_bytes(body, sizeof body - 1, head, 1, "[a|-|]1.there are too many parts");
}

static void a_boundary_has_its_limits_too(void **state) {
  (void)state;
  struct rl_multipart parser;
  char boundary[72];
  memset(boundary, 'x', sizeof boundary);
  assert_int_equal(rl_multipart_init(&parser, &heap, (struct rl_slice){boundary, 71}, 9, 9), -1);
  assert_int_equal(rl_multipart_init(&parser, &heap, (struct rl_slice){boundary, 0}, 9, 9), -1);
  assert_int_equal(rl_multipart_init(&parser, &heap, (struct rl_slice){"a\rb", 3}, 9, 9), -1);
  assert_int_equal(rl_multipart_init(&parser, &heap, (struct rl_slice){boundary, 70}, 9, 9), 0);
}

/* Reads `parts` parts, fed in pieces of `piece` bytes. */
static void reads_many(unsigned parts, size_t piece) {
  static const char part[] = "\r\n--Bound\r\n" NAMED("a") "\r\n-\r";
  size_t size = parts * (sizeof part - 1), seen = 0;
  char *body = malloc(size);
  struct rl_multipart parser;
  struct rl_slice data;
  for (unsigned i = 0; i < parts; i++)
    memcpy(body + i * (sizeof part - 1), part, sizeof part - 1);
  rl_multipart_init(&parser, &heap, rl_scan_text("Bound"), 1000, parts);
  for (size_t at = 0; at < size; at += piece) {
    struct rl_slice input = {body + at, size - at < piece ? size - at : piece};
    enum rl_multipart_event event;
    while ((event = rl_multipart_next(&parser, &input, &data)) != RL_MULTIPART_MORE)
      seen += event == RL_MULTIPART_PART;
  }
  assert_int_equal(seen, parts);
  rl_multipart_free(&parser);
  free(body);
}

/* No clock is asked: at a cost that grew with the square, each of these would take minutes, which
 * the runner does not give. Not fed as a whole: the address sanitizer looks at all that memmem
 * might read, for each part. */
static void a_hundred_thousand_parts_cost_their_length(void **state) {
  (void)state;
  reads_many(100000, 65536);
  reads_many(100000, 4096);
  reads_many(100000, 1);
}

#ifdef RILLE_FAULTS
static void want_of_memory_is_told(void **state) {
  (void)state;
  struct story story;
  static const char body[] = "--Bound\r\n" NAMED("a") "1";
  for (long n = 1; n <= 2; n++) {
    begin(&story, 1000, 10);
    atomic_store(&heap.fail_in, n);
    feed(&story, body, sizeof body - 1);
    atomic_store(&heap.fail_in, 0);
    finish(&story, "not enough memory");
  }
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parts_come_with_their_names_and_bytes),
      cmocka_unit_test(a_body_may_be_empty),
      cmocka_unit_test(what_surrounds_the_parts_is_passed_over),
      cmocka_unit_test(what_only_resembles_a_boundary_is_data),
      cmocka_unit_test(any_byte_may_be_data),
      cmocka_unit_test(names_may_be_quoted_and_escaped),
      cmocka_unit_test(headers_are_found),
      cmocka_unit_test(what_is_malformed_is_refused),
      cmocka_unit_test(a_control_character_in_a_header_is_refused),
      cmocka_unit_test(a_body_that_ends_early_has_no_end),
      cmocka_unit_test(limits_hold),
      cmocka_unit_test(a_boundary_has_its_limits_too),
      cmocka_unit_test(a_hundred_thousand_parts_cost_their_length),
#ifdef RILLE_FAULTS
      cmocka_unit_test(want_of_memory_is_told),
#endif
  };
  rl_heap_init(&heap);
  return cmocka_run_group_tests_name("multipart", tests, NULL, NULL);
}
