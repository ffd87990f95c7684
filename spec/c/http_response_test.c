/* http/response.h, status.h: heads, fields and chunks as they are written. */
#include "check.h"

#include "http/date.h"
#include "http/response.h"
#include "http/status.h"

static struct rl_heap heap;

static struct rl_slice slice(const char *text) {
  return (struct rl_slice){text, strlen(text)};
}

static void check_written(struct rl_buffer *out, const char *text) {
  assert_false(out->failed);
  rl_buffer_byte(out, 0);
  assert_string_equal((const char *)out->bytes, text);
  rl_buffer_free(out);
  assert_int_equal(atomic_load(&heap.blocks), 0);
}

static void open_buffer(struct rl_buffer *out) {
  rl_heap_init(&heap);
  rl_buffer_init(out, &heap);
}

static void a_head_is_written(void **state) {
  (void)state;
  static const struct rl_response_to to = {.minor = 1, .keep_alive = true};
  struct rl_date_line date = {0};
  struct rl_buffer out;
  open_buffer(&out);
  struct rl_response_frame frame = rl_response_frame(&to, 200, 1234567890123);
  rl_response_begin(&out, 200);
  rl_response_field(&out, slice("Content-Type"), slice("text/plain"));
  rl_response_field(&out, slice("X-Empty"), slice(""));
  rl_response_end(&out, &frame, rl_date_line_at(&date, 784111777));
  check_written(&out,
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Empty: \r\n"
                "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 1234567890123\r\n\r\n");
}

static void a_status_that_is_not_registered_has_no_reason(void **state) {
  (void)state;
  struct rl_buffer out;
  open_buffer(&out);
  rl_response_begin(&out, 499);
  rl_response_begin(&out, 599);
  rl_response_begin(&out, 103);
  check_written(&out, "HTTP/1.1 499 \r\nHTTP/1.1 599 \r\nHTTP/1.1 103 Early Hints\r\n");
  assert_string_equal(rl_status_reason(431), "Request Header Fields Too Large");
  assert_string_equal(rl_status_reason(306), "");
  for (int status = -1000; status < 2000; status++) {
    assert_int_equal(rl_status_valid(status), status >= 100 && status < 600);
    assert_true(strlen(rl_status_reason(status)) < 40);
  }
}

static void chunks_are_written(void **state) {
  (void)state;
  static const struct rl_response_to to = {.minor = 1, .keep_alive = false};
  struct rl_buffer out;
  char line[RL_RESPONSE_CHUNK_SIZE];
  open_buffer(&out);
  struct rl_response_frame frame = rl_response_frame(&to, 200, -1);
  rl_response_end(&out, &frame, slice(""));
  rl_response_append_chunk(&out, slice("sixteen bytes, ok"));
  rl_response_append_chunk(&out, slice(""));
  rl_response_last_chunk(&out);
  rl_response_field(&out, slice("X-Sum"), slice("1"));
  check_written(&out, "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                      "11\r\nsixteen bytes, ok\r\n0\r\nX-Sum: 1\r\n");
  assert_int_equal(rl_response_chunk(line, SIZE_MAX), 18);
  assert_memory_equal(line, "ffffffffffffffff\r\n", 18);
  assert_int_equal(rl_response_chunk(line, 1), 3);
}

/* The frame as letters: framing n, l, c, e (until the end); b: a body; k: goes on; then the token.
 */
static void check_frame(int minor, bool head, bool keep_alive, int status, int64_t length,
                        const char *letters, const char *token) {
  const struct rl_response_to to = {.minor = minor, .head = head, .keep_alive = keep_alive};
  struct rl_response_frame frame = rl_response_frame(&to, status, length);
  char found[4] = {"nlce"[frame.framing]}, *at = found + 1;
  if (frame.body)
    *at++ = 'b';
  if (frame.keep_alive)
    *at++ = 'k';
  assert_string_equal(found, letters);
  assert_string_equal(frame.token ? frame.token : "", token);
}

static void framing_follows_from_the_request_and_the_status(void **state) { /* row 38 */
  (void)state;
  check_frame(1, false, true, 200, 13, "lbk", "");
  check_frame(1, false, true, 200, 0, "lk", "");
  check_frame(1, false, false, 200, 13, "lb", "close");
  check_frame(1, false, true, 200, -1, "cbk", "");
  check_frame(0, false, true, 200, 13, "lbk", "keep-alive");
  check_frame(0, false, false, 200, 13, "lb", "close");
  check_frame(0, false, true, 200, -1, "eb", "close");
  check_frame(1, true, true, 200, 13, "lk", "");
  check_frame(1, true, true, 200, -1, "nk", "");
  check_frame(0, true, true, 200, -1, "nk", "keep-alive");
  check_frame(1, false, true, 204, 13, "nk", "");
  check_frame(1, false, true, 304, -1, "nk", "");
  check_frame(1, false, true, 101, -1, "nk", "");
  check_frame(1, false, false, 100, 0, "n", "");
}

static void fields_that_would_split_a_head_are_refused(void **state) { /* row 39 */
  (void)state;
  assert_null(rl_response_field_fault(slice("X-A"), slice("a\tb \xe9")));
  assert_null(rl_response_field_fault(slice("X-A"), slice("")));
  assert_string_equal(rl_response_field_fault(slice("X"), slice("a\rb")), "its value has a CR");
  assert_string_equal(rl_response_field_fault(slice("X"), slice("a\n")), "its value has an LF");
  assert_string_equal(rl_response_field_fault(slice("X"), (struct rl_slice){"a\0", 2}),
                      "its value has a NUL");
  assert_string_equal(rl_response_field_fault(slice("X"), slice("\x7f")),
                      "its value has a control character");
  assert_string_equal(rl_response_field_fault(slice(""), slice("a")), "its name is empty");
  static const char *const names[] = {"X:", "X A", "X\r\nY", "X\n", "\xe9", "X\t", "(X)"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_non_null(rl_response_field_fault(slice(names[i]), slice("a")));
  assert_non_null(rl_response_field_fault((struct rl_slice){"X\0", 2}, slice("a")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_head_is_written),
      cmocka_unit_test(a_status_that_is_not_registered_has_no_reason),
      cmocka_unit_test(chunks_are_written),
      cmocka_unit_test(framing_follows_from_the_request_and_the_status),
      cmocka_unit_test(fields_that_would_split_a_head_are_refused),
  };
  return cmocka_run_group_tests_name("http response", tests, NULL, NULL);
}
