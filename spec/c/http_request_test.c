/* http/request.h: every fault of a head, and every good one, fed whole, byte by byte and cut at
 * every place, with the same answer each time. */
#include "check.h"

#include <stdio.h>

#include "http/request.h"

#define HOST "Host: x\r\n"
#define GET  "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST

struct answer {
  enum rl_request_step step;
  int status; /* of the refusal */
  size_t used;
};

static const struct rl_http_limits limits = RL_HTTP_LIMITS_DEFAULT;

/* Feeds in pieces of `first` bytes, then of `then` bytes each, as a session would: never again what
 * was used. The pieces are copied, so that a sanitizer sees who looks past or behind them. */
static struct answer feed(struct rl_request *request, const char *text, size_t size, size_t first,
                          size_t then) {
  struct answer answer = {RL_REQUEST_MORE, 0, 0};
  size_t at = 0, used = 0;
  for (size_t piece = first; answer.step == RL_REQUEST_MORE && at < size; piece = then) {
    piece = piece < size - at ? piece : size - at;
    char *copy = malloc(piece);
    memcpy(copy, text + at, piece);
    answer.step = rl_request_feed(request, copy, piece, &used);
    if (answer.step == RL_REQUEST_MORE)
      assert_int_equal(used, piece);
    if (answer.step == RL_REQUEST_HEAD)
      assert_int_equal(rl_request_keep(request), 0);
    free(copy);
    at += answer.step == RL_REQUEST_BAD ? 0 : used;
  }
  answer.status = request->refusal.status;
  answer.used = at;
  return answer;
}

static void check_same(struct rl_request *request, struct rl_request *other, struct answer a,
                       struct answer b) {
  assert_int_equal(a.step, b.step);
  assert_int_equal(a.status, b.status);
  if (a.step == RL_REQUEST_BAD)
    assert_string_equal(request->refusal.why, other->refusal.why);
  if (a.step != RL_REQUEST_HEAD)
    return;
  assert_int_equal(a.used, b.used);
  struct rl_head *x = &request->head, *y = &other->head;
  assert_int_equal(x->size, y->size);
  assert_memory_equal(x->bytes, y->bytes, x->size);
  assert_int_equal(x->fields.count, y->fields.count);
  assert_memory_equal(x->fields.list, y->fields.list, x->fields.count * sizeof *x->fields.list);
  assert_memory_equal(&x->method_text, &y->method_text, 5 * sizeof(struct rl_span));
  assert_memory_equal(&x->method, &y->method,
                      offsetof(struct rl_head, upgrade) + 1 - offsetof(struct rl_head, method));
}

static struct rl_heap heap;

/* Leaves `request` fed with the whole text. */
static struct answer feed_all_ways(struct rl_request *request, const char *text, size_t size) {
  rl_request_init(request, &heap, &limits);
  struct answer whole = feed(request, text, size, size, size);
  size_t step = size > 2000 ? 997 : 1;
  for (size_t cut = 0; cut < size; cut += step) {
    struct rl_request other;
    rl_request_init(&other, &heap, &limits);
    struct answer split =
        cut ? feed(&other, text, size, cut, size) : feed(&other, text, size, 1, 1);
    check_same(request, &other, whole, split);
    rl_request_free(&other);
  }
  return whole;
}

/* `text` is refused with `status`; 0: it is a good head; -1: more is awaited. */
static void check_bytes(const char *text, size_t size, int status) {
  struct rl_request request;
  rl_heap_init(&heap);
  struct answer answer = feed_all_ways(&request, text, size);
  enum rl_request_step step = status == 0    ? RL_REQUEST_HEAD
                              : status == -1 ? RL_REQUEST_MORE
                                             : RL_REQUEST_BAD;
  if (answer.step != step || (status > 0 && answer.status != status))
    fail_msg("step %d with status %d (%s) instead of %d for:\n%.*s", answer.step, answer.status,
             request.refusal.why ? request.refusal.why : "-", status, (int)size, text);
  rl_request_free(&request);
  assert_int_equal(atomic_load(&heap.blocks), 0);
}

struct row {
  const char *text;
  int status;
};

static void check_rows(const struct row *rows, size_t count) {
  for (size_t i = 0; i < count; i++)
    check_bytes(rows[i].text, strlen(rows[i].text), rows[i].status);
}

#define CHECK_ROWS(...)                                                                            \
  check_rows((const struct row[]){__VA_ARGS__},                                                    \
             sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row))

static void one_host_is_asked_for(void **state) { /* row 1 */
  (void)state;
  CHECK_ROWS(
      {"GET / HTTP/1.1\r\n\r\n", 400}, {"GET / HTTP/1.0\r\n\r\n", 0}, {GET "\r\n", 0},
      {GET HOST "\r\n", 400}, {"GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400}, {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 400}, {"GET / HTTP/1.1\r\nHost: h/p\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400}, {"GET / HTTP/1.1\r\nHost: \t \r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h:80\r\n\r\n", 0}, {"GET / HTTP/1.1\r\nHost: h:\r\n\r\n", 0},
      {"GET / HTTP/1.1\r\nHost: h:8x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h:65536\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400}, {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0},
      {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400}, {"GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: [:]\r\n\r\n", 400}, {"GET / HTTP/1.1\r\nHost: [x]:80\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400}, {"GET / HTTP/1.1\r\nHost: a%2eb\r\n\r\n", 0},
      {"GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", 400}, {"GET / HTTP/1.1\r\nHost: h\xe9\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400});
}

static void check_slice(struct rl_slice slice, const char *text) {
  assert_int_equal(slice.size, strlen(text));
  assert_memory_equal(slice.bytes, text, slice.size);
}

static void check_target(const char *text, enum rl_form form, const char *path, const char *query,
                         const char *authority) {
  struct rl_request request;
  rl_heap_init(&heap);
  assert_int_equal(feed_all_ways(&request, text, strlen(text)).step, RL_REQUEST_HEAD);
  assert_int_equal(request.head.form, form);
  check_slice(rl_head_path(&request.head), path);
  check_slice(rl_head_slice(&request.head, request.head.query), query);
  check_slice(rl_head_slice(&request.head, request.head.authority), authority);
  rl_request_free(&request);
}

static void the_authority_of_the_target_wins(void **state) { /* row 2 */
  (void)state;
  check_target("GET http://a:81/p?q HTTP/1.1\r\nHost: b\r\n\r\n", RL_FORM_ABSOLUTE, "/p", "q",
               "a:81");
  check_target("GET HTTPS://a?q HTTP/1.1\r\nHost: b\r\n\r\n", RL_FORM_ABSOLUTE, "/", "q", "a");
  check_target("GET http://a HTTP/1.1\r\nHost: b\r\n\r\n", RL_FORM_ABSOLUTE, "/", "", "a");
  check_target("GET /p?q?r HTTP/1.1\r\nHost: b\r\n\r\n", RL_FORM_ORIGIN, "/p", "q?r", "b");
  check_target("GET //a/p? HTTP/1.1\r\nHost: b\r\n\r\n", RL_FORM_ORIGIN, "//a/p", "", "b");
  check_target("GET / HTTP/1.0\r\n\r\n", RL_FORM_ORIGIN, "/", "", "");
  check_target("OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n", RL_FORM_ASTERISK, "*", "", "b");
  CHECK_ROWS({"GET http://a/ HTTP/1.1\r\n\r\n", 400},
             {"GET http:///p HTTP/1.1\r\n" HOST "\r\n", 400},
             {"GET http://u@a/ HTTP/1.1\r\n" HOST "\r\n", 400},
             {"GET http://a/ HTTP/1.1\r\nHost: b c\r\n\r\n", 400},
             {"GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n", 400});
}

static void the_request_line_has_single_spaces(void **state) { /* rows 3, 4 */
  (void)state;
  CHECK_ROWS({"GET  / HTTP/1.1\r\n" HOST "\r\n", 400}, {"GET /  HTTP/1.1\r\n" HOST "\r\n", 400},
             {"GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400}, {"GET /\tHTTP/1.1\r\n" HOST "\r\n", 400},
             {"GET /a b HTTP/1.1\r\n" HOST "\r\n", 400}, {"GET HTTP/1.1\r\n" HOST "\r\n", 400},
             {"GET  HTTP/1.1\r\n" HOST "\r\n", 400}, {" GET / HTTP/1.1\r\n" HOST "\r\n", 400},
             {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400}, {"GET /\r\n\r\n", 400},
             {"GET /\r\n" HOST "\r\n", 400}, {"GET \r\n" HOST "\r\n", 400},
             {"GET\r\n" HOST "\r\n", 400}, {"GET / http/1.1\r\n" HOST "\r\n", 400},
             {"GET / HTTP/1\r\n" HOST "\r\n", 400}, {"GET / HTTP/01.1\r\n" HOST "\r\n", 400},
             {"GET / HTTP/1.10\r\n" HOST "\r\n", 400}, {"GET / HTTP/1.\r\n" HOST "\r\n", 400},
             {"GET / HTTP/ 1.1\r\n" HOST "\r\n", 400}, {"GET / HTTPS/1.1\r\n" HOST "\r\n", 400});
}

static void only_version_1_is_served(void **state) { /* row 5 */
  (void)state;
  CHECK_ROWS({"GET / HTTP/9.9\r\n" HOST "\r\n", 505}, {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
             {"GET / HTTP/0.9\r\n" HOST "\r\n", 505}, {"GET / HTTP/1.2\r\n" HOST "\r\n", 0},
             {"GET / HTTP/1.9\r\n" HOST "\r\n", 0}, {"GET / HTTP/1.2\r\n\r\n", 400});
}

static void unknown_methods_are_told_from_garbage(void **state) { /* rows 6, 7, 18 */
  (void)state;
  CHECK_ROWS(
      {"FOO / HTTP/1.1\r\n" HOST "\r\n", 501}, {"get / HTTP/1.1\r\n" HOST "\r\n", 501},
      {"GETS / HTTP/1.1\r\n" HOST "\r\n", 501}, {"FOO ", 501}, {"GE", -1},
      {"CONNECT x:80 HTTP/1.1\r\n" HOST "\r\n", 501}, {"TRACE / HTTP/1.1\r\n" HOST "\r\n", 501},
      {"DESCRIBE / HTTP/1.1\r\n" HOST "\r\n", 501}, {"SOURCE / HTTP/1.1\r\n" HOST "\r\n", 501},
      {"PROPFIND / HTTP/1.1\r\n" HOST "\r\n", 0}, {"M-SEARCH / HTTP/1.1\r\n" HOST "\r\n", 0},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400}, {"\x16\x03\x01\x02", 400}, {"G(T / ", 400},
      {"\x80\xff", 400}, {"{\"json\":true}", 400}, {"-----", -1}, {"ABCDEFGHIJKLMNOPQRSTUVWX", -1},
      {"ABCDEFGHIJKLMNOPQRSTUVWXY", 501});
  check_bytes("\0", 1, 400);
}

static char *repeat(const char *before, char byte, size_t count, const char *after) {
  size_t head = strlen(before), tail = strlen(after);
  char *text = malloc(head + count + tail + 1);
  memcpy(text, before, head);
  memset(text + head, byte, count);
  memcpy(text + head + count, after, tail + 1);
  return text;
}

static void check_repeat(const char *before, char byte, size_t count, const char *after,
                         int status) {
  char *text = repeat(before, byte, count, after);
  check_bytes(text, strlen(text), status);
  free(text);
}

static void long_lines_are_refused(void **state) { /* rows 8, 17 */
  (void)state;
  check_repeat("", 'G', 100000, " / HTTP/1.1\r\n\r\n", 501);
  check_repeat("GET /", 'a', 7999, " HTTP/1.1\r\n" HOST "\r\n", 0);
  check_repeat("GET /", 'a', 100000, " HTTP/1.1\r\n" HOST "\r\n", 414);
  check_repeat("GET /", 'a', 100000, "", 414);
  check_repeat(GET "A: ", 'a', 16000, "\r\n\r\n", 0);
  check_repeat(GET "A: ", 'a', 17000, "\r\n\r\n", 431);
  check_repeat(GET, 'a', 17000, "", 431);
}

static char *many_fields(int count, const char *field) {
  size_t size = strlen(field);
  char *text = malloc(sizeof GET + (size_t)count * size + 3), *at = text + sizeof GET - 1;
  memcpy(text, GET, sizeof GET);
  for (int i = 0; i < count; i++, at += size)
    memcpy(at, field, size);
  strcpy(at, "\r\n");
  return text;
}

static void check_many(int count, const char *field, int status) {
  char *text = many_fields(count, field);
  check_bytes(text, strlen(text), status);
  free(text);
}

static void many_fields_are_refused(void **state) { /* row 17 */
  (void)state;
  check_many(99, "A: b\r\n", 0);
  check_many(100, "A: b\r\n", 431);
  check_many(100000, "A: b\r\n", 431);
  char *field = repeat("A: ", 'b', 10000, "\r\n");
  check_many(6, field, 0);
  check_many(7, field, 431);
  free(field);
}

static void targets_hold_visible_ascii(void **state) { /* row 9 */
  (void)state;
  CHECK_ROWS(
      {"GET /\x01 HTTP/1.1\r\n" HOST "\r\n", 400}, {"GET /\x7f HTTP/1.1\r\n" HOST "\r\n", 400},
      {"GET /\xe9 HTTP/1.1\r\n" HOST "\r\n", 400}, {"GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400},
      {"GET /a?#b HTTP/1.1\r\n" HOST "\r\n", 400}, {"GET /%00%0d%0a HTTP/1.1\r\n" HOST "\r\n", 0});
  check_bytes("GET /\0 HTTP/1.1\r\n" HOST "\r\n", sizeof "GET /\0 HTTP/1.1\r\n" HOST "\r\n" - 1,
              400);
}

static void forms_belong_to_methods(void **state) { /* row 11 */
  (void)state;
  CHECK_ROWS({"GET * HTTP/1.1\r\n" HOST "\r\n", 400}, {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0},
             {"OPTIONS ** HTTP/1.1\r\n" HOST "\r\n", 400},
             {"GET x:80 HTTP/1.1\r\n" HOST "\r\n", 400}, {"GET x HTTP/1.1\r\n" HOST "\r\n", 400},
             {"GET ?q HTTP/1.1\r\n" HOST "\r\n", 400});
}

static void one_empty_line_is_ignored(void **state) { /* row 12 */
  (void)state;
  CHECK_ROWS({"\r\n" GET "\r\n", 0}, {"\r\n\r\n" GET "\r\n", 400}, {"\n" GET "\r\n", 400},
             {"\r" GET "\r\n", 400}, {"\r", -1}, {"\r\n", -1});
  check_repeat("", '\n', 10000, GET "\r\n", 400);
}

static void lines_do_not_begin_with_white_space(void **state) { /* row 13 */
  (void)state;
  CHECK_ROWS({"GET / HTTP/1.1\r\n " HOST "\r\n", 400}, {"GET / HTTP/1.1\r\n\t" HOST "\r\n", 400},
             {GET "A: b\r\n c\r\n\r\n", 400}, {GET "A: b\r\n\tc\r\n\r\n", 400},
             {GET "A:\r\n c\r\n\r\n", 400}, {GET " \r\n\r\n", 400},
             {POST "Content-Length: \r\n 5\r\n\r\n", 400});
}

static void lines_end_in_crlf(void **state) { /* row 14 */
  (void)state;
  CHECK_ROWS({"GET / HTTP/1.1\n" HOST "\r\n", 400}, {GET "\n", 400}, {GET "A: b\n\r\n", 400},
             {GET "A: b\n\n", 400}, {GET "A: b\rB: c\r\n\r\n", 400}, {GET "A:\rB: c\r\n\r\n", 400},
             {GET "A\r: c\r\n\r\n", 400}, {GET "A: b\r\r\n\r\n", 400}, {GET "\rA: b\r\n\r\n", 400},
             {"GET /\r HTTP/1.1\r\n" HOST "\r\n", 400}, {"GET / HTTP/1.1\r\r\n" HOST "\r\n", 400},
             {GET "\r\r\n", 400}, {"GET / HTTP/1.1\r" HOST "\r\n", 400});
}

static void names_are_tokens(void **state) { /* row 15 */
  (void)state;
  CHECK_ROWS({GET "Name : v\r\n\r\n", 400}, {GET ": v\r\n\r\n", 400}, {GET "Name\r\n\r\n", 400},
             {GET "Na me: v\r\n\r\n", 400}, {GET "N(me: v\r\n\r\n", 400},
             {GET "N\xe9: v\r\n\r\n", 400}, {GET "N\x01: v\r\n\r\n", 400},
             {GET "Host : y\r\n\r\n", 400}, {GET ":\r\n\r\n", 400},
             {GET "Content-Length : 5\r\n\r\n", 400}, {GET "!#$%&'*+-.^_`|~: v\r\n\r\n", 0});
  check_bytes(GET "N\0: v\r\n\r\n", sizeof GET "N\0: v\r\n\r\n" - 1, 400);
}

static void values_hold_no_control_characters(void **state) { /* row 16 */
  (void)state;
  static const char *const names[] = {"A", "Connection", "Upgrade", "Cookie", "Expect"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    for (int byte = 0; byte < 256; byte++) {
      char text[100];
      int size = snprintf(text, sizeof text, GET "%s: a%cb\r\n\r\n", names[i], byte);
      bool good = byte == '\t' || (byte >= ' ' && byte != 127);
      int status = !good ? 400 : i == 4 ? 417 : 0;
      check_bytes(text, (size_t)size, status);
    }
  }
}

static void every_prefix_waits(void **state) { /* row 19 */
  (void)state;
  static const char text[] = "\r\nPOST /a?b HTTP/1.1\r\nHost: x:1\r\nContent-Length: 5\r\n"
                             "Connection: close\r\nEmpty:\r\nLast: \t v \t\r\n\r\n";
  for (size_t size = 0; size < sizeof text - 1; size++) {
    struct rl_request request;
    size_t used;
    rl_heap_init(&heap);
    rl_request_init(&request, &heap, &limits);
    assert_int_equal(rl_request_feed(&request, text, size, &used), RL_REQUEST_MORE);
    assert_int_equal(used, size);
    assert_int_equal(rl_request_begun(&request), size > 2);
    rl_request_free(&request);
  }
  check_bytes(text, sizeof text - 1, 0);
}

static void a_length_is_one_number(void **state) { /* rows 20 to 22 */
  (void)state;
  CHECK_ROWS({POST "Content-Length: 5\r\n\r\n", 0}, {POST "Content-Length: 5 \r\n\r\n", 0},
             {POST "Content-Length: 005\r\n\r\n", 0}, {POST "Content-Length: 0\r\n\r\n", 0},
             {POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
             {POST "Content-Length: 5\r\ncontent-length: 5\r\n\r\n", 400},
             {POST "Content-Length: 5, 10\r\n\r\n", 400},
             {POST "Content-Length: 5, 5\r\n\r\n", 400}, {POST "Content-Length: -1\r\n\r\n", 400},
             {POST "Content-Length: +5\r\n\r\n", 400}, {POST "Content-Length: 0x5\r\n\r\n", 400},
             {POST "Content-Length: 5 5\r\n\r\n", 400}, {POST "Content-Length: 1_0\r\n\r\n", 400},
             {POST "Content-Length: \r\n\r\n", 400}, {POST "Content-Length:\r\n\r\n", 400},
             {POST "Content-Length: 5.0\r\n\r\n", 400},
             {POST "Content-Length: 9223372036854775807\r\n\r\n", 0},
             {POST "Content-Length: 9223372036854775808\r\n\r\n", 400},
             {POST "Content-Length: 18446744073709551616\r\n\r\n", 400},
             {POST "Content-Length: 18446744073709551621\r\n\r\n", 400},
             {POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
             {POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
             {POST "transfer-encoding: CHUNKED\r\nA: b\r\ncontent-length: 0\r\n\r\n", 400},
             {POST "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\n", 400});
}

static void a_body_has_to_say_where_it_ends(void **state) {
  (void)state;
  CHECK_ROWS({"POST / HTTP/1.0\r\n\r\n", 411}, {"PUT / HTTP/1.0\r\n\r\n", 411},
             {"PATCH / HTTP/1.0\r\n\r\n", 411}, {"DELETE / HTTP/1.0\r\n\r\n", 0},
             {"PATCH / HTTP/1.0\r\nContent-Length: 0\r\n\r\n", 0}, {POST "\r\n", 0},
             {POST "Expect: 100-continue\r\n\r\n", 411}, {GET "Expect: 100-continue\r\n\r\n", 0});
}

static void the_only_coding_is_chunked(void **state) { /* rows 24, 25 */
  (void)state;
  CHECK_ROWS({POST "Transfer-Encoding: chunked\r\n\r\n", 0},
             {POST "Transfer-Encoding: \t CHUNKED \r\n\r\n", 0},
             {POST "Transfer-Encoding: xchunked\r\n\r\n", 501},
             {POST "Transfer-Encoding: identity\r\n\r\n", 501},
             {POST "Transfer-Encoding: gzip\r\n\r\n", 501},
             {POST "Transfer-Encoding: gzip;q=1\r\n\r\n", 501},
             {POST "Transfer-Encoding: gzip ; a=\"b\" ;c=d\r\n\r\n", 501},
             {POST "Transfer-Encoding: chunked;q\r\n\r\n", 400},
             {POST "Transfer-Encoding: gzip;=1\r\n\r\n", 400},
             {POST "Transfer-Encoding: gzip zip\r\n\r\n", 400},
             {POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
             {POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
             {POST "Transfer-Encoding: chunked, gzip\r\n\r\n", 400},
             {POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
             {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
             {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
             {POST "Transfer-Encoding: \r\n\r\n", 400}, {POST "Transfer-Encoding:\r\n\r\n", 400},
             {POST "Transfer-Encoding: chunked,\r\n\r\n", 400},
             {POST "Transfer-Encoding: ,chunked\r\n\r\n", 400},
             {POST "Transfer-Encoding: \"chunked\"\r\n\r\n", 400},
             {POST "Transfer-Encoding: ch unked\r\n\r\n", 400},
             {POST "Transfer-Encoding: \x0b"
                   "chunked\r\n\r\n",
              400},
             {POST "Transfer-Encoding: chunked\x0c\r\n\r\n", 400},
             {"POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400},
             {"POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 400});
  check_bytes(POST "Transfer-Encoding: chunked\0\r\n\r\n",
              sizeof POST "Transfer-Encoding: chunked\0\r\n\r\n" - 1, 400);
}

/* What a good head says, as letters: n, l, c for the body; k: the connection goes on; e: 100 is
 * awaited; u: upgrade. */
static void check_meaning(const char *text, const char *meaning) {
  struct rl_request request;
  rl_heap_init(&heap);
  if (feed_all_ways(&request, text, strlen(text)).step != RL_REQUEST_HEAD)
    fail_msg("refused: %s", request.refusal.why);
  const struct rl_head *head = &request.head;
  char found[5] = {"nlc"[head->body]}, *at = found + 1;
  if (head->keep_alive)
    *at++ = 'k';
  if (head->expect_continue)
    *at++ = 'e';
  if (head->upgrade)
    *at++ = 'u';
  assert_string_equal(found, meaning);
  rl_request_free(&request);
}

static void heads_say_how_the_connection_goes_on(void **state) { /* rows 35 to 37 */
  (void)state;
  check_meaning(GET "\r\n", "nk");
  check_meaning(GET "Connection: close\r\n\r\n", "n");
  check_meaning(GET "Connection: keep-alive, Close\r\n\r\n", "n");
  check_meaning(GET "Connection: foo\r\nConnection: ,close\r\n\r\n", "n");
  check_meaning(GET "Connection: closed\r\n\r\n", "nk");
  check_meaning("GET / HTTP/1.0\r\n\r\n", "n");
  check_meaning("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "nk");
  check_meaning("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "n");
  check_meaning(POST "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n", "lke");
  check_meaning(POST "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n", "cke");
  check_meaning(GET "Expect: 100-continue\r\n\r\n", "nk");
  check_meaning("POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", "l");
  check_meaning("POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: else\r\n\r\n", "l");
  check_meaning(GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "nku");
  check_meaning(GET "Upgrade: websocket\r\n\r\n", "nk");
  check_meaning(GET "Connection: Upgrade\r\n\r\n", "nk");
  check_meaning("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n", "n");
  CHECK_ROWS({POST "Content-Length: 5\r\nExpect: 100-continue, x\r\n\r\n", 417},
             {GET "Expect: x\r\n\r\n", 417});
}

static void fields_are_found_in_their_order(void **state) {
  (void)state;
  static const char text[] =
      GET "Cookie: a\r\nx-own: 1\r\nCOOKIE:b  \r\nX-Own:\r\nContent-type: t\r\n\r\n";
  struct rl_request request;
  rl_heap_init(&heap);
  assert_int_equal(feed_all_ways(&request, text, sizeof text - 1).step, RL_REQUEST_HEAD);
  const struct rl_head *head = &request.head;
  const struct rl_field_list *fields = &head->fields;
  const struct rl_field *field = rl_field_known(fields, RL_HEADER_COOKIE, NULL);
  check_slice(rl_field_value(head->bytes, field), "a");
  check_slice(rl_field_name(head->bytes, field), "Cookie");
  field = rl_field_known(fields, RL_HEADER_COOKIE, field);
  check_slice(rl_field_value(head->bytes, field), "b");
  assert_null(rl_field_known(fields, RL_HEADER_COOKIE, field));
  assert_null(rl_field_known(fields, RL_HEADER_ORIGIN, NULL));
  field = rl_field_find(fields, head->bytes, (struct rl_slice){"X-OWN", 5}, NULL);
  check_slice(rl_field_value(head->bytes, field), "1");
  field = rl_field_find(fields, head->bytes, (struct rl_slice){"X-OWN", 5}, field);
  check_slice(rl_field_value(head->bytes, field), "");
  assert_null(rl_field_find(fields, head->bytes, (struct rl_slice){"X-OWN", 5}, field));
  field = rl_field_find(fields, head->bytes, (struct rl_slice){"content-type", 12}, NULL);
  assert_int_equal(field->header, RL_HEADER_CONTENT_TYPE);
  rl_request_free(&request);
}

static void every_header_is_known_by_its_name(void **state) {
  (void)state;
  for (unsigned i = 1; i < RL_HEADER_COUNT; i++) {
    char name[64];
    size_t size = strlen(rl_header_name((enum rl_header)i));
    memcpy(name, rl_header_name((enum rl_header)i), size);
    assert_int_equal(rl_header_of(name, size), i);
    assert_int_equal(rl_header_of(name, size - 1), RL_HEADER_OTHER);
    name[0] = (char)(name[0] & ~0x20);
    assert_int_equal(rl_header_of(name, size), i);
    name[size - 1] = '~';
    assert_int_equal(rl_header_of(name, size), RL_HEADER_OTHER);
  }
  assert_null(rl_header_name(RL_HEADER_OTHER));
  assert_int_equal(rl_header_of("", 0), RL_HEADER_OTHER);
}

static void a_whole_head_needs_no_memory(void **state) {
  (void)state;
  static const char text[] = GET "A: b\r\n\r\n" GET "\r\n";
  struct rl_request request;
  size_t used;
  rl_heap_init(&heap);
  rl_request_init(&request, &heap, &limits);
  assert_int_equal(rl_request_feed(&request, text, sizeof text - 1, &used), RL_REQUEST_HEAD);
  assert_ptr_equal(request.head.bytes, text);
  assert_int_equal(used, strlen(GET "A: b\r\n\r\n"));
  assert_int_equal(atomic_load(&heap.blocks), 0);
  rl_request_reset(&request);
  assert_int_equal(rl_request_feed(&request, text + used, sizeof text - 1 - used, &used),
                   RL_REQUEST_HEAD);
  assert_int_equal(request.head.fields.count, 1);
  assert_int_equal(atomic_load(&heap.blocks), 0);
  assert_int_equal(rl_request_keep(&request), 0);
  assert_ptr_not_equal(request.head.bytes, text + sizeof GET "A: b\r\n\r\n" - 1);
  rl_request_free(&request);
  assert_int_equal(atomic_load(&heap.blocks), 0);
}

#ifdef RILLE_FAULTS
static void every_failed_allocation_is_a_refusal(void **state) {
  (void)state;
  char *text = many_fields(99, "Name: value\r\n");
  for (long n = 1;; n++) {
    struct rl_request request;
    rl_heap_init(&heap);
    rl_request_init(&request, &heap, &limits);
    atomic_store(&heap.fail_in, n);
    struct answer answer = {0};
    size_t used = 0;
    answer.step = rl_request_feed(&request, text, 40, &used);
    if (answer.step == RL_REQUEST_MORE)
      answer.step = rl_request_feed(&request, text + 40, strlen(text) - 40, &used);
    bool reached = atomic_load(&heap.fail_in) == 0;
    assert_int_equal(answer.step, reached ? RL_REQUEST_BAD : RL_REQUEST_HEAD);
    assert_int_equal(request.refusal.status, reached ? 503 : 0);
    rl_request_reset(&request);
    atomic_store(&heap.fail_in, 0);
    assert_int_equal(rl_request_feed(&request, GET "\r\n", sizeof GET "\r\n" - 1, &used),
                     RL_REQUEST_HEAD);
    rl_request_free(&request);
    assert_int_equal(atomic_load(&heap.blocks), 0);
    if (!reached)
      break;
  }
  free(text);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_host_is_asked_for),
      cmocka_unit_test(the_authority_of_the_target_wins),
      cmocka_unit_test(the_request_line_has_single_spaces),
      cmocka_unit_test(only_version_1_is_served),
      cmocka_unit_test(unknown_methods_are_told_from_garbage),
      cmocka_unit_test(long_lines_are_refused),
      cmocka_unit_test(many_fields_are_refused),
      cmocka_unit_test(targets_hold_visible_ascii),
      cmocka_unit_test(forms_belong_to_methods),
      cmocka_unit_test(one_empty_line_is_ignored),
      cmocka_unit_test(lines_do_not_begin_with_white_space),
      cmocka_unit_test(lines_end_in_crlf),
      cmocka_unit_test(names_are_tokens),
      cmocka_unit_test(values_hold_no_control_characters),
      cmocka_unit_test(every_prefix_waits),
      cmocka_unit_test(a_length_is_one_number),
      cmocka_unit_test(a_body_has_to_say_where_it_ends),
      cmocka_unit_test(the_only_coding_is_chunked),
      cmocka_unit_test(heads_say_how_the_connection_goes_on),
      cmocka_unit_test(fields_are_found_in_their_order),
      cmocka_unit_test(every_header_is_known_by_its_name),
      cmocka_unit_test(a_whole_head_needs_no_memory),
#ifdef RILLE_FAULTS
      cmocka_unit_test(every_failed_allocation_is_a_refusal),
#endif
  };
  return cmocka_run_group_tests_name("http request", tests, NULL, NULL);
}
