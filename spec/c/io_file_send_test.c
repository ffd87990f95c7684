/* io/file_send.h: a file into a socket. */
#include "folder.h"

#include <sys/socket.h>

#include "base/list.h"
#include "io/file_send.h"

enum { SIZE = 3 * 1024 * 1024 + 17 };

static struct rl_heap heap;
static struct folder folder;
static char *content;
static uv_loop_t loop;
static struct rl_errands errands = {.loop = &loop};
static struct rl_file *file;
static int ends[2]; /* what is written into, what is read from */
static int descriptors;

static int make(void **state) {
  (void)state;
  rl_heap_init(&heap);
  folder_make(&folder);
  content = malloc(SIZE);
  uint32_t value = 1;
  for (size_t i = 0; i < SIZE; i++) {
    value = value * 1664525 + 1013904223;
    content[i] = (char)(value >> 24);
  }
  folder_fill(&folder, "file", content, SIZE);
  return uv_loop_init(&loop);
}

static int clean(void **state) {
  (void)state;
  free(content);
  folder_remove(&folder);
  assert_int_equal(errands.out, 0);
  return uv_loop_close(&loop);
}

static void begin(void) {
  descriptors = folder_descriptors();
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  int fd = open(folder_at(&folder, "file"), O_RDWR | O_CLOEXEC);
  assert_int_equal(rl_file_open(&heap, fd, 0, time(NULL), NULL, &file), 0);
  assert_int_equal(file->fd, fd);
}

static void end(void) {
  rl_file_release(file);
  close(ends[0]);
  close(ends[1]);
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(atomic_load(&heap.blocks), 0);
  assert_int_equal(folder_descriptors(), descriptors);
}

/* Lets the pages go from memory, where the file system has such. */
static void cool(void) {
  assert_int_equal(fsync(file->fd), 0);
  posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED);
}

struct sending {
  struct rl_file_send send;
  int warmed, cold;
  size_t got; /* bytes that came out */
};

static void on_warmed(struct rl_file_send *send) {
  RL_OF(send, struct sending, send)->warmed++;
}

static void read_some(struct sending *sending, uint64_t at) {
  char bytes[50000];
  ssize_t count = recv(ends[1], bytes, sizeof bytes, 0);
  assert_true(count > 0);
  assert_memory_equal(bytes, content + at + sending->got, (size_t)count);
  sending->got += (size_t)count;
}

/* Sends all of it to a reader that takes a little whenever the socket is full. */
static void send_all(struct sending *sending, uint64_t at, uint64_t size) {
  int status;
  *sending = (struct sending){.got = 0};
  rl_file_send_begin(&sending->send, &errands, file, at, size, on_warmed);
  while ((status = rl_file_send_some(&sending->send, ends[0])) != RL_FILE_SENT) {
    assert_true(status >= 0);
    if (status == RL_FILE_SEND_COLD) {
      sending->cold++;
      uv_run(&loop, UV_RUN_DEFAULT);
      assert_int_equal(sending->warmed, sending->cold);
    } else {
      read_some(sending, at);
    }
  }
  while (sending->got < size)
    read_some(sending, at);
  rl_file_send_end(&sending->send);
}

static void all_of_it_arrives(void **state) {
  (void)state;
  struct sending sending;
  begin();
  send_all(&sending, 0, SIZE);
  assert_int_equal(sending.got, SIZE);
  end();
}

static void so_does_a_stretch(void **state) {
  (void)state;
  static const uint64_t stretches[][2] = {{0, 1}, {SIZE - 1, 1}, {4095, 2}, {1000001, 1000003}};
  struct sending sending;
  begin();
  for (size_t i = 0; i < sizeof stretches / sizeof *stretches; i++) {
    send_all(&sending, stretches[i][0], stretches[i][1]);
    assert_int_equal(sending.got, stretches[i][1]);
  }
  end();
}

static void cold_pages_are_read_on_the_pool(void **state) {
  (void)state;
  struct sending sending;
  begin();
  cool();
  send_all(&sending, 0, SIZE);
  assert_int_equal(sending.got, SIZE);
  end();
}

static void reading_ahead_survives_the_answer(void **state) {
  (void)state;
  struct sending sending = {.got = 0};
  begin();
  cool();
  rl_file_send_begin(&sending.send, &errands, file, 0, SIZE, on_warmed);
  rl_file_send_some(&sending.send, ends[0]);
  rl_file_send_end(&sending.send);
  rl_file_release(file);
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(sending.warmed, 0);
  file = NULL;
  end();
}

static void a_file_that_is_gone_is_still_sent(void **state) {
  (void)state;
  struct sending sending;
  begin();
  assert_int_equal(unlink(folder_at(&folder, "file")), 0);
  send_all(&sending, 0, SIZE);
  assert_int_equal(sending.got, SIZE);
  end();
  folder_fill(&folder, "file", content, SIZE);
}

/* Sends until it is over: the last result. */
static int send_until_it_fails(struct sending *sending) {
  int status;
  for (;;) {
    status = rl_file_send_some(&sending->send, ends[0]);
    if (status < 0 || status == RL_FILE_SENT)
      return status;
    if (status == RL_FILE_SEND_COLD)
      uv_run(&loop, UV_RUN_DEFAULT);
    else
      read_some(sending, 0);
  }
}

static void one_that_was_cut_is_an_error(void **state) {
  (void)state;
  struct sending sending = {.got = 0};
  begin();
  rl_file_send_begin(&sending.send, &errands, file, 0, SIZE, on_warmed);
  assert_int_equal(ftruncate(file->fd, 1000000), 0);
  assert_int_equal(send_until_it_fails(&sending), UV_EOF);
  rl_file_send_end(&sending.send);
  end();
  folder_fill(&folder, "file", content, SIZE);
}

static void so_is_a_reader_that_left(void **state) {
  (void)state;
  struct sending sending = {.got = 0};
  begin();
  shutdown(ends[1], SHUT_RD);
  rl_file_send_begin(&sending.send, &errands, file, 0, SIZE, on_warmed);
  assert_int_equal(send_until_it_fails(&sending), UV_EPIPE);
  rl_file_send_end(&sending.send);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_of_it_arrives),
      cmocka_unit_test(so_does_a_stretch),
      cmocka_unit_test(cold_pages_are_read_on_the_pool),
      cmocka_unit_test(reading_ahead_survives_the_answer),
      cmocka_unit_test(a_file_that_is_gone_is_still_sent),
      cmocka_unit_test(one_that_was_cut_is_an_error),
      cmocka_unit_test(so_is_a_reader_that_left),
  };
  return cmocka_run_group_tests(tests, make, clean);
}
