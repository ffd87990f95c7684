/* serve/static.h: from the head of a request to an answer that has only to be written. */
#include "folder.h"

#include <uv.h>

#include "http/request.h"
#include "http/scan.h"
#include "serve/static.h"

static struct rl_heap heap;
static struct folder folder;
static struct rl_files *files;
static struct rl_buffer fields, text;
static struct rl_static_answer answer;
static long fail_in; /* the allocation of an answer that fails; 0: none */
static const struct rl_http_limits limits = RL_HTTP_LIMITS_DEFAULT;

enum { TODAY = 1700000000 };

static int make(void **state) {
  (void)state;
  rl_heap_init(&heap);
  rl_buffer_init(&fields, &heap);
  rl_buffer_init(&text, &heap);
  folder_make(&folder);
  folder_folder(&folder, "docs");
  folder_write(&folder, "docs/index.html", "<p>index");
  folder_write(&folder, "plain.txt", "0123456789");
  folder_write(&folder, "plain.txt.gz", "compressed");
  folder_write(&folder, "unknown.zzz", "?");
  folder_write(&folder, "empty.txt", "");
  folder_date(&folder, "plain.txt", 784111777);
  folder_date(&folder, "plain.txt.gz", 784111777);
  return rl_files_new(&heap, folder.path, &rl_files_defaults, &files);
}

static int clean(void **state) {
  (void)state;
  rl_files_free(files);
  rl_buffer_free(&fields);
  rl_buffer_free(&text);
  folder_remove(&folder);
  return atomic_load(&heap.blocks) == 0 ? 0 : -1;
}

/* Asks for /s/ and a path, with lines of fields that each end in CRLF. */
static void ask(const char *method, const char *target, const char *lines) {
  char bytes[4096];
  struct rl_request request;
  size_t used;
  int size = snprintf(bytes, sizeof bytes, "%s /s/%s HTTP/1.1\r\nHost: h\r\n%s\r\n", method, target,
                      lines);
  fields.size = text.size = 0;
  rl_request_init(&request, &heap, &limits);
  assert_int_equal(rl_request_feed(&request, bytes, (size_t)size, &used), RL_REQUEST_HEAD);
  struct rl_static_ask wanted = {.path = rl_head_path(&request.head), .now = 1, .today = TODAY};
  wanted.rest = (struct rl_slice){wanted.path.bytes + 3, wanted.path.size - 3};
  atomic_store(&heap.fail_in, fail_in);
  rl_static_answer(files, &request.head, &wanted, &fields, &text, &answer);
  atomic_store(&heap.fail_in, 0);
  rl_request_free(&request);
  rl_buffer_byte(&fields, 0);
}

static bool has(const char *line) {
  return strstr((const char *)fields.bytes, line) != NULL;
}

static void check(int status, uint64_t length) {
  assert_int_equal(answer.status, status);
  assert_true(answer.length == length);
  assert_true((answer.file != NULL) == (status < 300 && length > 0));
}

static void a_file_is_answered_with(void **state) {
  (void)state;
  ask("GET", "plain.txt", "");
  check(200, 10);
  assert_memory_equal(answer.file->bytes, "0123456789", 10);
  assert_true(has("Content-Type: text/plain; charset=utf-8\r\n"));
  assert_true(has("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
  assert_true(has("Vary: Accept-Encoding\r\n"));
  assert_true(has("ETag: \""));
  rl_file_release(answer.file);
  ask("GET", "plain.txt", "Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n");
  check(200, 10);
  assert_memory_equal(answer.file->bytes, "compressed", 10);
  assert_true(has("Content-Encoding: gzip\r\n"));
  rl_file_release(answer.file);
  ask("HEAD", "plain.txt", "");
  assert_int_equal(answer.status, 200);
  assert_true(answer.length == 10);
  assert_null(answer.file);
  ask("GET", "empty.txt", "Range: bytes=0-\r\n");
  check(200, 0);
}

static void what_is_not_known_is_bytes(void **state) {
  (void)state;
  ask("GET", "unknown.zzz", "");
  check(200, 1);
  assert_true(has("Content-Type: application/octet-stream\r\n"));
  rl_file_release(answer.file);
}

static void a_time_to_come_is_not_told(void **state) {
  (void)state;
  ask("GET", "docs/", "If-Modified-Since: Sun, 06 Nov 2044 08:49:37 GMT\r\n");
  check(200, 8);
  assert_false(has("Last-Modified")); /* the file is younger than this test's today */
  rl_file_release(answer.file);
}

static void conditions_may_stand_on_several_lines(void **state) {
  (void)state;
  char lines[512], tag[128];
  ask("GET", "plain.txt", "");
  rl_file_release(answer.file);
  const char *begin = strstr((const char *)fields.bytes, "ETag: ") + 6;
  snprintf(tag, sizeof tag, "%.*s", (int)strcspn(begin, "\r"), begin);
  snprintf(lines, sizeof lines, "If-None-Match: \"a\"\r\nIf-None-Match: %s\r\n", tag);
  ask("GET", "plain.txt", lines);
  check(304, 0);
  assert_true(has(tag));
  snprintf(lines, sizeof lines,
           "If-Match: \"a\"\r\nIf-Match: \"b\"\r\nAccept-Encoding: br\r\n"
           "Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n",
           tag);
  ask("GET", "plain.txt", lines);
  check(412, 0);
  ask("GET", "plain.txt", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  check(304, 0);
  ask("GET", "plain.txt",
      "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
      "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  check(200, 10);
  rl_file_release(answer.file);
}

static void ranges_are_cut_out(void **state) {
  (void)state;
  ask("GET", "plain.txt", "Range: bytes=2-3\r\n");
  check(206, 2);
  assert_true(has("Content-Range: bytes 2-3/10\r\n"));
  rl_file_release(answer.file);
  ask("GET", "plain.txt", "Range: bytes=0-0,-1\r\n");
  assert_int_equal(answer.status, 206);
  assert_int_equal(answer.plan.count, 2);
  assert_true(answer.length == text.size + 2);
  assert_true(has("Content-Type: multipart/byteranges; boundary="));
  rl_file_release(answer.file);
  ask("GET", "plain.txt", "Range: bytes=10-\r\n");
  check(416, 0);
  assert_true(has("Content-Range: bytes */10\r\n"));
  ask("GET", "plain.txt", "Range: bytes=0-1\r\nRange: bytes=2-3\r\n");
  check(200, 10);
  rl_file_release(answer.file);
  ask("GET", "plain.txt", "Range: bytes=0-1\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  check(206, 2);
  rl_file_release(answer.file);
  ask("GET", "plain.txt", "Range: bytes=0-1\r\nIf-Range: \"old\"\r\n");
  check(200, 10);
  rl_file_release(answer.file);
}

static void a_directory_gets_its_slash(void **state) {
  (void)state;
  ask("GET", "docs", "");
  check(301, 0);
  assert_string_equal((const char *)fields.bytes, "Location: /s/docs/\r\n");
  ask("GET", "docs?a=b&c=%0d%0a", "");
  check(301, 0);
  assert_string_equal((const char *)fields.bytes, "Location: /s/docs/?a=b&c=%0d%0a\r\n");
  ask("GET", "docs/", "");
  check(200, 8);
  rl_file_release(answer.file);
}

static void so_does_the_prefix(void **state) {
  (void)state;
  struct rl_request request;
  static const char bytes[] = "GET /s HTTP/1.1\r\nHost: h\r\n\r\n";
  size_t used;
  fields.size = text.size = 0;
  rl_request_init(&request, &heap, &limits);
  assert_int_equal(rl_request_feed(&request, bytes, sizeof bytes - 1, &used), RL_REQUEST_HEAD);
  struct rl_static_ask wanted = {rl_head_path(&request.head), {"", 0}, 1, TODAY};
  rl_static_answer(files, &request.head, &wanted, &fields, &text, &answer);
  check(301, 0);
  assert_memory_equal(fields.bytes, "Location: /s/\r\n", 15);
  rl_request_free(&request);
}

/* One file, for a request with these lines: the status. */
static int ask_file(const char *method, bool whole, const char *lines) {
  char bytes[512];
  struct rl_request request;
  struct rl_file *file;
  size_t used;
  int size = snprintf(bytes, sizeof bytes, "%s /x HTTP/1.1\r\nHost: h\r\n%s\r\n", method, lines);
  int fd = open(folder_at(&folder, "plain.txt"), O_RDONLY | O_CLOEXEC);
  fields.size = text.size = 0;
  rl_request_init(&request, &heap, &limits);
  assert_int_equal(rl_request_feed(&request, bytes, (size_t)size, &used), RL_REQUEST_HEAD);
  assert_int_equal(rl_file_open(&heap, fd, 100, TODAY, NULL, &file), 0);
  rl_static_answer_file(file, "a/b", whole, &request.head, TODAY, &fields, &text, &answer);
  rl_request_free(&request);
  rl_file_release(answer.file);
  rl_buffer_byte(&fields, 0);
  return answer.status;
}

static void one_file_is_answered_with(void **state) {
  (void)state;
  assert_int_equal(ask_file("GET", false, "Range: bytes=2-3\r\n"), 206);
  assert_true(has("Content-Type: a/b\r\n"));
  assert_int_equal(answer.length, 2);
  assert_int_equal(ask_file("GET", true, "Range: bytes=2-3\r\n"), 200);
  assert_int_equal(answer.length, 10);
  assert_int_equal(ask_file("POST", false, "Content-Length: 0\r\nRange: bytes=2-3\r\n"), 200);
  assert_int_equal(answer.length, 10);
  assert_int_equal(ask_file("HEAD", true, ""), 200);
  assert_null(answer.file);
  assert_int_equal(ask_file("HEAD", false, "If-Match: \"a\"\r\n"), 412);
}

static void what_cannot_be_had_is_said(void **state) {
  (void)state;
  ask("GET", "none", "");
  check(404, 0);
  ask("GET", "../etc/passwd", "");
  check(404, 0);
  ask("GET", "%2e%2e%2fetc/passwd", "");
  check(404, 0);
  ask("GET", "docs/%", "");
  check(400, 0);
  ask("POST", "plain.txt", "Content-Length: 1\r\n");
  check(405, 0);
  assert_true(has("Allow: GET, HEAD\r\n"));
}

static void without_memory_it_says_so(void **state) {
  (void)state;
  for (fail_in = 1; fail_in < 16; fail_in++) {
    rl_files_free(files);
    rl_buffer_free(&fields);
    rl_buffer_free(&text);
    assert_int_equal(rl_files_new(&heap, folder.path, &rl_files_defaults, &files), 0);
    ask("GET", "plain%2etxt",
        "Range: bytes=0-0,-1\r\nAccept-Encoding: br\r\nAccept-Encoding: gzip\r\n");
    bool failed = fields.failed || text.failed || answer.status == 503;
    if (!failed)
      assert_int_equal(answer.status, 206);
    rl_file_release(answer.file);
    fields.failed = text.failed = false;
  }
  fail_in = 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_is_answered_with),
      cmocka_unit_test(what_is_not_known_is_bytes),
      cmocka_unit_test(a_time_to_come_is_not_told),
      cmocka_unit_test(conditions_may_stand_on_several_lines),
      cmocka_unit_test(ranges_are_cut_out),
      cmocka_unit_test(a_directory_gets_its_slash),
      cmocka_unit_test(so_does_the_prefix),
      cmocka_unit_test(one_file_is_answered_with),
      cmocka_unit_test(what_cannot_be_had_is_said),
      cmocka_unit_test(without_memory_it_says_so),
  };
  return cmocka_run_group_tests(tests, make, clean);
}
