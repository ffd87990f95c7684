/* http/body.h: bodies with a length and in chunks, fed whole, byte by byte and cut at every place,
 * with the same data and answer each time. */
#include "check.h"

#include <stdio.h>

#include "http/body.h"

static const struct rl_http_limits limits = RL_HTTP_LIMITS_DEFAULT;
static struct rl_heap heap;

struct result {
  char *data;
  size_t size, used;
  bool done;
  int status;
};

static struct result feed(struct rl_body *body, const char *text, size_t size, size_t first,
                          size_t then) {
  struct result result = {.data = malloc(size + 1)};
  size_t piece = first, failed = 0;
  while (!body->done && failed == 0 && result.used < size) {
    piece = piece < size - result.used ? piece : size - result.used;
    char *copy = malloc(piece);
    memcpy(copy, text + result.used, piece);
    for (size_t at = 0, used; !body->done && failed == 0 && at < piece; at += used) {
      struct rl_slice data;
      failed = rl_body_feed(body, copy + at, piece - at, &used, &data) != 0;
      assert_true(used > 0 && used <= piece - at);
      memcpy(result.data + result.size, data.bytes, data.size);
      result.size += data.size;
      result.used += failed ? 0 : used;
    }
    free(copy);
    piece = then;
  }
  result.status = body->refusal.status;
  result.done = body->done;
  return result;
}

static void check_same(const struct result *a, const struct result *b) {
  assert_int_equal(a->status, b->status);
  assert_int_equal(a->done, b->done);
  assert_int_equal(a->size, b->size);
  assert_memory_equal(a->data, b->data, a->size);
  if (a->status == 0)
    assert_int_equal(a->used, b->used);
}

static struct result feed_all_ways(struct rl_body *body, const struct rl_head *head,
                                   const char *text, size_t size) {
  rl_heap_init(&heap);
  assert_int_equal(rl_body_init(body, head, &limits, limits.body, &heap), 0);
  struct result whole = feed(body, text, size, size, size);
  size_t step = size > 2000 ? 997 : 1;
  for (size_t cut = 0; cut < size; cut += step) {
    struct rl_body other;
    rl_body_init(&other, head, &limits, limits.body, &heap);
    struct result split =
        cut ? feed(&other, text, size, cut, size) : feed(&other, text, size, 1, 1);
    check_same(&whole, &split);
    free(split.data);
    rl_body_free(&other);
  }
  return whole;
}

static const struct rl_head chunked = {.body = RL_BODY_CHUNKED};

/* `text` decodes to `data`, and what follows is left; or it is refused with `status`; or, for -1,
 * more is awaited. */
static void check(const char *text, size_t size, int status, const char *data) {
  struct rl_body body;
  struct result result = feed_all_ways(&body, &chunked, text, size);
  if (result.status != (status > 0 ? status : 0) || result.done != (status == 0))
    fail_msg("status %d (%s) instead of %d for:\n%.*s", result.status,
             body.refusal.why ? body.refusal.why : "-", status, (int)size, text);
  if (data) {
    assert_int_equal(result.size, strlen(data));
    assert_memory_equal(result.data, data, result.size);
  }
  free(result.data);
  rl_body_free(&body);
  assert_int_equal(atomic_load(&heap.blocks), 0);
}

static void accept_text(const char *text, const char *data) {
  check(text, strlen(text), 0, data);
}

static void refuse_text(const char *text, int status) {
  check(text, strlen(text), status, NULL);
}

static void a_length_ends_the_body(void **state) {
  (void)state;
  const struct rl_head head = {.body = RL_BODY_LENGTH, .length = 5};
  struct rl_body body;
  struct result result = feed_all_ways(&body, &head, "helloGET /", 10);
  assert_true(result.done);
  assert_int_equal(result.used, 5);
  assert_memory_equal(result.data, "hello", 5);
  free(result.data);
  result = feed_all_ways(&body, &head, "hell", 4);
  assert_false(result.done);
  free(result.data);
  const struct rl_head none = {.body = RL_BODY_NONE};
  assert_int_equal(rl_body_init(&body, &none, &limits, 0, &heap), 0);
  assert_true(body.done);
}

static void a_length_over_the_limit_is_refused_at_once(void **state) { /* row 23 */
  (void)state;
  const struct rl_head head = {.body = RL_BODY_LENGTH, .length = 999999999};
  struct rl_body body;
  rl_heap_init(&heap);
  assert_int_equal(rl_body_init(&body, &head, &limits, limits.body, &heap), -1);
  assert_int_equal(body.refusal.status, 413);
  assert_int_equal(rl_body_init(&body, &head, &limits, UINT64_MAX, &heap), 0);
  assert_int_equal(atomic_load(&heap.blocks), 0);
}

/* After two of five bytes, in chunks of three and two. */
static void a_limit_can_be_lowered_on_the_way(void **state) {
  (void)state;
  static const char text[] = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  struct rl_head counted = {.body = RL_BODY_LENGTH, .length = 5};
  struct rl_body body;
  struct rl_slice data;
  size_t used;
  rl_heap_init(&heap);
  for (uint64_t limit = 0; limit <= 4; limit++) {
    assert_int_equal(rl_body_init(&body, &counted, &limits, limits.body, &heap), 0);
    assert_int_equal(rl_body_feed(&body, "ab", 2, &used, &data), 0);
    assert_int_equal(rl_body_bound(&body, limit), limit < 3 ? -1 : 0);
    assert_int_equal(rl_body_init(&body, &chunked, &limits, limits.body, &heap), 0);
    assert_int_equal(rl_body_feed(&body, text, 5, &used, &data), 0);
    assert_int_equal(rl_body_bound(&body, limit), limit < 1 ? -1 : 0);
    struct result rest = feed(&body, text + used, sizeof text - 1 - used, 100, 100);
    assert_int_equal(rest.status, limit < 3 ? 413 : 0);
    free(rest.data);
  }
}

static void chunks_are_joined(void **state) {
  (void)state;
  accept_text("5\r\nhello\r\n0\r\n\r\n", "hello");
  accept_text("5\r\nhello\r\n1\r\n \r\n005\r\nthere\r\n000\r\n\r\nGET /", "hello there");
  accept_text("a\r\n0123456789\r\nB\r\n0123456789\n\r\n0\r\n\r\n", "01234567890123456789\n");
  accept_text("0\r\n\r\n", "");
  accept_text("0000000000000005\r\nhello\r\n0\r\n\r\n", "hello");
  refuse_text("5\r\nhello\r\n0\r\n\r", -1);
  refuse_text("5\r\nhello\r\n", -1);
}

static void sizes_are_hexadecimal_digits(void **state) { /* row 26 */
  (void)state;
  static const char *const sizes[] = {
      "0x5",  "+5",  "-1", "5_",    " 5", "5 ",   "", "00000000000000005",
      "5 ;a", "\t5", "g",  "5\x01", "5,", "5\xb5"};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    char text[64];
    snprintf(text, sizeof text, "%s\r\nhello\r\n0\r\n\r\n", sizes[i]);
    refuse_text(text, 400);
  }
  check("5\0\r\nhello\r\n0\r\n\r\n", 15, 400, NULL);
  refuse_text("ffffffffffffffff\r\nhello", 413);
  refuse_text("8000000000000000\r\nhello", 413);
}

static void chunks_end_in_crlf(void **state) { /* row 27 */
  (void)state;
  refuse_text("5\r\nhello0\r\n\r\n", 400);
  refuse_text("5\r\nhelloXX0\r\n\r\n", 400);
  refuse_text("5\r\nhello\n0\r\n\r\n", 400);
  refuse_text("5\r\nhello\r0\r\n\r\n", 400);
  refuse_text("5\nhello\r\n0\r\n\r\n", 400);
  refuse_text("5\rhello\r\n0\r\n\r\n", 400);
  refuse_text("5\r\nhello\r\n0\n\r\n", 400);
  refuse_text("5\r\nhello\r\n0\r\n\n", 400);
  refuse_text("5\r\nhello\r\n0\r\n\rX", 400);
}

static void good_extensions_are_ignored(void **state) { /* row 28 */
  (void)state;
  accept_text("5;a\r\nhello\r\n0;b=c\r\n\r\n", "hello");
  accept_text("5;a=b;c;d=\"e; \\\"f\"\r\nhello\r\n0\r\n\r\n", "hello");
  accept_text("5;a=\"\"\r\nhello\r\n0\r\n\r\n", "hello");
}

static void bad_extensions_are_refused(void **state) { /* row 28 */
  (void)state;
  static const char *const extensions[] = {";",     ";;",     ";a=",         "; a",       ";a =b",
                                           ";a= b", ";a\x01", ";a\n",        ";a\rb",     ";a=b=c",
                                           ";a=\"", ";a=\"b", ";a=\"\x7f\"", ";a=\"b\"c", ";=b"};
  for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
    char text[64];
    snprintf(text, sizeof text, "5%s\r\nhello\r\n0\r\n\r\n", extensions[i]);
    refuse_text(text, 400);
  }
  char *text = malloc(65600);
  memset(text, 'a', 65599);
  memcpy(text, "5;", 2);
  text[65599] = 0;
  refuse_text(text, 400);
  free(text);
}

/* Concatenates `count` copies of `chunk` and the last chunk. */
static void check_chunks(const char *chunk, size_t count, int status) {
  struct rl_body body;
  size_t used, size = strlen(chunk), sum = 0;
  struct rl_slice data;
  int failed = 0;
  rl_body_init(&body, &chunked, &limits, limits.body, &heap);
  for (size_t i = 0; i < count && failed == 0; i++) {
    for (size_t at = 0; at < size && failed == 0; at += used) {
      failed = rl_body_feed(&body, chunk + at, size - at, &used, &data);
      sum += data.size;
    }
  }
  assert_int_equal(body.refusal.status, status);
  assert_int_equal(atomic_load(&heap.blocks), 0);
  if (status == 413)
    assert_int_equal(sum, limits.body);
}

static void small_chunks_are_served(void **state) { /* rows 28, 30, 31 */
  (void)state;
  check_chunks("1\r\nx\r\n", 1000000, 0);
  check_chunks("1;name=value\r\nx\r\n", 1000000, 0);
  check_chunks("1;a-longer-name=a-longer-value\r\nx\r\n", 1000000, 400);
  check_chunks("1\r\nx\r\n", 1024 * 1024 + 1, 413);
  check_chunks("10;a-longer-name=a-longer-value\r\n0123456789abcdef\r\n", 65536, 0);
}

static void trailers_are_kept_apart(void **state) { /* row 29 */
  (void)state;
  static const char text[] = "0\r\nX-Sum: \t1 2 \r\nHost: evil\r\ncontent-length: 5\r\nX-Empty:\r\n"
                             "Transfer-Encoding: chunked\r\nAuthorization: x\r\n\r\nGET /";
  struct rl_body body;
  struct rl_slice name, value;
  size_t at = 0;
  struct result result = feed_all_ways(&body, &chunked, text, sizeof text - 1);
  assert_true(result.done);
  assert_int_equal(result.used, sizeof text - 1 - strlen("GET /"));
  assert_true(rl_body_trailer(&body, &at, &name, &value));
  assert_memory_equal(name.bytes, "X-Sum", name.size);
  assert_int_equal(value.size, 3);
  assert_memory_equal(value.bytes, "1 2", 3);
  assert_true(rl_body_trailer(&body, &at, &name, &value));
  assert_memory_equal(name.bytes, "X-Empty", name.size);
  assert_int_equal(value.size, 0);
  assert_false(rl_body_trailer(&body, &at, &name, &value));
  free(result.data);
  rl_body_free(&body);
  assert_int_equal(atomic_load(&heap.blocks), 0);
}

static void bad_trailers_are_refused(void **state) { /* row 29 */
  (void)state;
  static const char *const trailers[] = {"A : b",   ": b",     "A",       "A: b\r\n c",
                                         " A: b",   "A: \x01", "A: b\rc", "A: b\nB: c",
                                         "\xe9: b", "A: \x7f"};
  for (size_t i = 0; i < sizeof trailers / sizeof *trailers; i++) {
    char text[64];
    snprintf(text, sizeof text, "0\r\n%s\r\n\r\n", trailers[i]);
    refuse_text(text, 400);
  }
  char *text = malloc(20000);
  memset(text, 'a', 19999);
  memcpy(text, "0\r\n", 3);
  text[19999] = 0;
  refuse_text(text, 431);
  for (size_t i = 3; i + 7 < 20000; i += 6)
    memcpy(text + i, "A: b\r\n", 7);
  refuse_text(text, 431);
  free(text);
}

#ifdef RILLE_FAULTS
static void a_failed_allocation_is_a_refusal(void **state) {
  (void)state;
  static const char text[] = "0\r\nA: b\r\n\r\n";
  struct rl_body body;
  rl_heap_init(&heap);
  atomic_store(&heap.fail_in, 1);
  rl_body_init(&body, &chunked, &limits, limits.body, &heap);
  struct result result = feed(&body, text, sizeof text - 1, sizeof text, 1);
  assert_int_equal(result.status, 503);
  free(result.data);
  rl_body_free(&body);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_length_ends_the_body),
      cmocka_unit_test(a_length_over_the_limit_is_refused_at_once),
      cmocka_unit_test(a_limit_can_be_lowered_on_the_way),
      cmocka_unit_test(chunks_are_joined),
      cmocka_unit_test(sizes_are_hexadecimal_digits),
      cmocka_unit_test(chunks_end_in_crlf),
      cmocka_unit_test(good_extensions_are_ignored),
      cmocka_unit_test(bad_extensions_are_refused),
      cmocka_unit_test(small_chunks_are_served),
      cmocka_unit_test(trailers_are_kept_apart),
      cmocka_unit_test(bad_trailers_are_refused),
#ifdef RILLE_FAULTS
      cmocka_unit_test(a_failed_allocation_is_a_refusal),
#endif
  };
  return cmocka_run_group_tests_name("http body", tests, NULL, NULL);
}
