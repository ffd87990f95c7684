/* serve/static_body.h: answers from files as they come out of a socket. */
#include "folder.h"

#include <sys/socket.h>

#include "base/list.h"
#include "http/scan.h"
#include "serve/static_body.h"

enum { SIZE = 1000003 };

static struct rl_heap heap;
static struct folder folder;
static uv_loop_t loop;
static struct rl_errands errands = {.loop = &loop};
static char *content;
static char *wanted; /* what must come out */
static size_t size;
static int warmed;

static int make(void **state) {
  (void)state;
  rl_heap_init(&heap);
  folder_make(&folder);
  content = malloc(SIZE);
  wanted = malloc(2 * SIZE);
  for (size_t i = 0; i < SIZE; i++)
    content[i] = (char)(i * i >> 7);
  folder_fill(&folder, "file", content, SIZE);
  return uv_loop_init(&loop);
}

static int clean(void **state) {
  (void)state;
  free(content);
  free(wanted);
  folder_remove(&folder);
  assert_int_equal(errands.out, 0);
  return uv_loop_close(&loop);
}

static void expect(struct rl_slice bytes) {
  memcpy(wanted + size, bytes.bytes, bytes.size);
  size += bytes.size;
}

/* An answer to a request for these ranges, in memory or from the descriptor. */
static void begin(struct rl_static_body *body, const char *ranges, bool in_memory,
                  void (*on_warmed)(struct rl_static_body *body)) {
  static const char boundary[] = "0123456789abcdef0123456789abcdef";
  struct rl_static_answer answer = {.status = 200};
  struct rl_buffer fields, text;
  struct rl_file_ask ask = {.method = RL_METHOD_GET, .if_range_date = RL_CONDITION_UNSAID};
  ask.condition.if_modified_since = ask.condition.if_unmodified_since = RL_CONDITION_UNSAID;
  if (ranges)
    ask.range = rl_scan_text(ranges);
  rl_buffer_init(&fields, &heap);
  rl_buffer_init(&text, &heap);
  int fd = open(folder_at(&folder, "file"), O_RDONLY | O_CLOEXEC);
  assert_int_equal(rl_file_open(&heap, fd, in_memory ? SIZE : 0, 0, NULL, &answer.file), 0);
  assert_true((answer.file->fd < 0) == in_memory);
  struct rl_file_facts facts = {.size = SIZE, .boundary = boundary};
  rl_file_plan_make(&answer.plan, &ask, &facts, &fields, &text);
  for (int i = 0; i <= answer.plan.count; i++) {
    expect(rl_file_plan_text(&answer.plan, &text, i));
    struct rl_range piece = answer.plan.pieces[i % RL_RANGE_LIMIT];
    if (i < answer.plan.count)
      expect((struct rl_slice){content + piece.first, piece.last - piece.first + 1});
  }
  rl_static_body_begin(body, &errands, &answer, &text, on_warmed);
  assert_null(answer.file);
  rl_buffer_free(&fields);
}

static void on_warmed(struct rl_static_body *body) {
  (void)body;
  warmed++;
}

static size_t read_some(int socket, size_t at) {
  static char bytes[60000];
  ssize_t count = recv(socket, bytes, sizeof bytes, 0);
  assert_true(count > 0 && at + (size_t)count <= size);
  assert_memory_equal(bytes, wanted + at, (size_t)count);
  return (size_t)count;
}

static void sends(const char *ranges, bool in_memory) {
  struct rl_static_body body;
  struct rl_slice head = {"head and nothing else", 21};
  size_t got = 0;
  int ends[2], status, cold = 0;
  size = 0;
  warmed = 0;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  expect(head);
  begin(&body, ranges, in_memory, on_warmed);
  while ((status = rl_static_body_some(&body, ends[0], &head)) != RL_FILE_SENT) {
    assert_true(status >= 0);
    if (status == RL_FILE_SEND_FULL) {
      got += read_some(ends[1], got);
      continue;
    }
    cold++;
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(warmed, cold);
  }
  while (got < size)
    got += read_some(ends[1], got);
  rl_static_body_end(&body);
  char more;
  assert_int_equal(recv(ends[1], &more, 1, 0), -1);
  close(ends[0]);
  close(ends[1]);
  assert_int_equal(atomic_load(&heap.blocks), 0);
}

static void all_of_it_comes_after_the_head(void **state) {
  (void)state;
  sends(NULL, true);
  sends(NULL, false);
}

static void so_do_ranges(void **state) {
  (void)state;
  for (int in_memory = 0; in_memory < 2; in_memory++) {
    sends("bytes=5-5", in_memory);
    sends("bytes=-400000", in_memory);
    sends("bytes=0-0,-1", in_memory);
    sends("bytes=900000-,10-20,100000-500000", in_memory);
    sends("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,28-28,"
          "30-900000",
          in_memory);
  }
}

static void it_may_end_at_any_time(void **state) {
  (void)state;
  for (int in_memory = 0; in_memory < 2; in_memory++) {
    struct rl_static_body body;
    struct rl_slice head = {"head", 4};
    int ends[2];
    size = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    begin(&body, "bytes=0-9,100-", in_memory, on_warmed);
    rl_static_body_end(&body);
    size = 0;
    begin(&body, "bytes=0-9,100-", in_memory, on_warmed);
    assert_true(rl_static_body_some(&body, ends[0], &head) >= 0);
    close(ends[1]);
    int status = rl_static_body_some(&body, ends[0], &head);
    assert_true(status == UV_EPIPE || status == UV_ECONNRESET || status == RL_FILE_SEND_COLD);
    rl_static_body_end(&body);
    close(ends[0]);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(atomic_load(&heap.blocks), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_of_it_comes_after_the_head),
      cmocka_unit_test(so_do_ranges),
      cmocka_unit_test(it_may_end_at_any_time),
  };
  return cmocka_run_group_tests(tests, make, clean);
}
