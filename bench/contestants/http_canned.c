/* http_canned: the limit that libuv sets. Answers each read with as many canned bytes as it ends
 * requests, in one write, and looks at nothing else of them: requests have no body here. Listens on
 * 127.0.0.1. Usage: http_canned PORT */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define ANSWER                                                                                     \
  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!"
#define END "\r\n\r\n"

enum {
  ANSWERS_MOST = 4096,
  ANSWER_SIZE = sizeof ANSWER - 1,
  END_SIZE = sizeof END - 1,
  TAIL = END_SIZE - 1,
  READ_MOST = 64 * 1024
};

struct connection {
  uv_tcp_t tcp;
  char tail[TAIL]; /* the last bytes of the read before: an end may begin there */
};

static char answers[ANSWERS_MOST * ANSWER_SIZE];
static char input[TAIL + READ_MOST]; /* of all connections: each read is done with at once */

static void check(int status, const char *what) {
  if (status >= 0)
    return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(status));
  exit(1);
}

static void release(uv_handle_t *handle) {
  free(handle);
}

static void lend(uv_handle_t *handle, size_t size, uv_buf_t *buffer) {
  (void)handle;
  (void)size;
  *buffer = uv_buf_init(input + TAIL, READ_MOST);
}

static size_t count_ends(const char *bytes, size_t size) {
  size_t count = 0;
  const char *limit = bytes + size, *end = bytes;
  while ((end = memmem(end, (size_t)(limit - end), END, END_SIZE)) != NULL) {
    count++;
    end += END_SIZE;
  }
  return count;
}

static void after_write(uv_write_t *write, int status) {
  (void)status;
  free(write);
}

/* What a full socket leaves of the answers goes out as a request of its own. */
static void answer(uv_stream_t *stream, size_t count) {
  size_t size = count * ANSWER_SIZE;
  uv_buf_t buffer = uv_buf_init(answers, (unsigned)size);
  int written = uv_try_write(stream, &buffer, 1);
  if (written == (int)size || (written < 0 && written != UV_EAGAIN))
    return;
  size_t gone = written > 0 ? (size_t)written : 0;
  buffer = uv_buf_init(answers + gone, (unsigned)(size - gone));
  uv_write_t *write = malloc(sizeof *write);
  if (!write || uv_write(write, stream, &buffer, 1, after_write) != 0)
    free(write);
}

static void receive(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer) {
  struct connection *connection = (struct connection *)stream;
  (void)buffer;
  if (got < 0) {
    uv_close((uv_handle_t *)stream, release);
    return;
  }
  memcpy(input, connection->tail, TAIL);
  size_t count = count_ends(input, TAIL + (size_t)got);
  memcpy(connection->tail, input + got, TAIL);
  if (count > ANSWERS_MOST)
    abort();
  if (count > 0)
    answer(stream, count);
}

static void accept_one(uv_stream_t *listener, int status) {
  check(status, "listen");
  struct connection *connection = calloc(1, sizeof *connection);
  if (!connection)
    abort();
  uv_tcp_init(listener->loop, &connection->tcp);
  check(uv_accept(listener, (uv_stream_t *)&connection->tcp), "accept");
  uv_tcp_nodelay(&connection->tcp, 1);
  uv_read_start((uv_stream_t *)&connection->tcp, lend, receive);
}

int main(int argc, char **argv) {
  struct sockaddr_in address;
  uv_tcp_t listener;
  uv_loop_t *loop = uv_default_loop();
  if (argc != 2)
    return 1;
  signal(SIGPIPE, SIG_IGN);
  for (size_t i = 0; i < ANSWERS_MOST; i++)
    memcpy(answers + i * ANSWER_SIZE, ANSWER, ANSWER_SIZE);
  check(uv_ip4_addr("127.0.0.1", atoi(argv[1]), &address), "address");
  check(uv_tcp_init(loop, &listener), "init");
  check(uv_tcp_bind(&listener, (struct sockaddr *)&address, 0), "bind");
  check(uv_listen((uv_stream_t *)&listener, 512, accept_one), "listen");
  return uv_run(loop, UV_RUN_DEFAULT);
}
