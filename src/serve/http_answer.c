/* HTTP answer: see the header. */
#include "serve/http_answer.h"

#include <stdio.h>
#include <string.h>

#include "http/lines.h"
#include "http/response.h"
#include "http/scan.h"
#include "http/status.h"
#include "serve/http_file.h"
#include "serve/http_pool.h"

/* What is left to come of a body that nobody read, and is passed over rather than ending the
 * connection. */
enum { DRAINED = 64 * 1024 };

static bool has(const struct rl_http_exchange *exchange, const char *name) {
  size_t at = 0;
  return rl_lines_find(&exchange->headers, rl_scan_text(name), &at).bytes != NULL;
}

/* Whether the next request can be found after what is left of this one's body. */
static bool can_go_on(const struct rl_http_exchange *exchange) {
  const struct rl_head *head = &exchange->request.head;
  const struct rl_http_connection *connection = exchange->connection;
  const struct rl_http_server *server = exchange->server;
  if (!connection || server->stopping || !head->keep_alive || exchange->stage == RL_HTTP_LAST)
    return false;
  if (server->options.requests && connection->requests >= server->options.requests)
    return false;
  if (head->body == RL_BODY_NONE || (exchange->body_begun && exchange->body.done))
    return true;
  if (exchange->trouble || (head->expect_continue && !exchange->continued))
    return false;
  uint64_t left = exchange->body_begun ? exchange->body.left : head->length;
  return left <= DRAINED;
}

static struct rl_slice date_of(struct rl_http *http) {
  return rl_date_line_at(&http->date, rl_http_pool_seconds());
}

static void write_head(struct rl_http_exchange *exchange, int status, const char *type,
                       int64_t length, struct rl_response_frame *frame) {
  const struct rl_head *head = &exchange->request.head;
  struct rl_response_to to = {.minor = head->minor,
                              .head = head->method == RL_METHOD_HEAD,
                              .keep_alive = can_go_on(exchange)};
  struct rl_buffer *out = &exchange->out;
  *frame = rl_response_frame(&to, status, length);
  rl_response_begin(out, status);
  if (exchange->headers.size)
    rl_buffer_append(out, exchange->headers.bytes, exchange->headers.size);
  if (*type && !(exchange->headers.size && has(exchange, "content-type")))
    rl_response_field(out, (struct rl_slice){"Content-Type", 12}, rl_scan_text(type));
  bool dated = exchange->headers.size && has(exchange, "date");
  rl_response_end(out, frame, dated ? (struct rl_slice){"", 0} : date_of(exchange->http));
  exchange->began = true;
  exchange->status = status;
  exchange->keep_alive = frame->keep_alive;
}

/* The number, and the end of the head. */
static size_t put_length(unsigned char *to, uint64_t length) {
  unsigned char digits[20];
  size_t count = 0, size = 0;
  for (; length; length /= 10)
    digits[count++] = (unsigned char)('0' + length % 10);
  while (count)
    to[size++] = digits[--count];
  memcpy(to + size, "\r\n\r\n", 4);
  return size + 4;
}

/* Up to the number of Content-Length. */
static void make_usual(struct rl_http *http, int64_t seconds, int status, const char *type) {
  struct rl_http_usual *usual = &http->usual;
  struct rl_slice date = rl_date_line_at(&http->date, seconds);
  int size = snprintf(usual->text, sizeof usual->text,
                      "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%.*sContent-Length: ", status,
                      rl_status_reason(status), type, (int)date.size, date.bytes);
  usual->size = (unsigned)size;
  usual->seconds = seconds;
  usual->status = status;
  usual->type = type;
}

/* The usual answer: one text after another, of one kind, on a connection that goes on. False if it
 * is not that; nothing is written then. */
static bool answer_as_usual(struct rl_http_exchange *exchange, int status, const char *type,
                            struct rl_slice body) {
  enum { REST = 24 };
  struct rl_http_usual *usual = &exchange->http->usual;
  const struct rl_head *head = &exchange->request.head;
  bool plain = *type && exchange->headers.size == 0 && body.size > 0 && head->minor > 0 &&
               head->method != RL_METHOD_HEAD && !rl_status_bodyless(status);
  if (!plain || !can_go_on(exchange))
    return false;
  int64_t seconds = rl_http_pool_seconds();
  if (usual->seconds != seconds || usual->status != status || usual->type != type)
    make_usual(exchange->http, seconds, status, type);
  unsigned char *at = rl_buffer_extend(&exchange->out, usual->size + REST + body.size);
  exchange->began = exchange->keep_alive = true;
  exchange->status = status;
  if (!at)
    return true; /* the output has failed */
  memcpy(at, usual->text, usual->size);
  at += usual->size;
  at += put_length(at, body.size);
  memcpy(at, body.bytes, body.size);
  exchange->out.size = (size_t)(at + body.size - exchange->out.bytes);
  return true;
}

void rl_http_answer(struct rl_http_exchange *exchange, int status, const char *type,
                    struct rl_slice body) {
  struct rl_response_frame frame;
  if (answer_as_usual(exchange, status, type, body))
    return;
  write_head(exchange, status, body.size ? type : "", (int64_t)body.size, &frame);
  if (frame.body)
    rl_buffer_append(&exchange->out, body.bytes, body.size);
}

void rl_http_answer_begin(struct rl_http_exchange *exchange, int status, const char *type) {
  struct rl_response_frame frame;
  write_head(exchange, status, type, exchange->length, &frame);
  exchange->streaming = true;
  exchange->bodyless = !frame.body;
  exchange->chunked = frame.framing == RL_FRAMING_CHUNKED;
}

void rl_http_answer_file(struct rl_http_exchange *exchange, int status) {
  struct rl_http_file *file = exchange->file;
  struct rl_response_frame frame;
  write_head(exchange, status, "", (int64_t)file->length, &frame);
  const struct rl_file *bytes = frame.body ? file->answer.file : NULL;
  if (bytes && (bytes->fd >= 0 || file->length > RL_HTTP_SPARE)) {
    rl_http_file_begin(exchange);
    return;
  }
  if (bytes)
    rl_static_body_copy(&file->answer, &file->text, &exchange->out);
  rl_http_file_drop(exchange);
}

/* Drops the headers that are about the body: those of its bytes only, or all. */
static void drop_headers(struct rl_http_exchange *exchange, bool all) {
  enum { OF_ITS_BYTES = 3 };
  static const char *const names[] = {"Content-Encoding",   "Content-Range", "Accept-Ranges",
                                      "Content-Type",       "ETag",          "Last-Modified",
                                      "Content-Disposition"};
  size_t count = all ? sizeof names / sizeof *names : OF_ITS_BYTES;
  for (size_t i = 0; i < count; i++)
    rl_lines_remove(&exchange->headers, rl_scan_text(names[i]));
}

void rl_http_answer_replace_file(struct rl_http_exchange *exchange, bool wholly) {
  if (!exchange->file)
    return;
  bool own = exchange->status != exchange->file->answer.status; /* the script's */
  if (!own && (wholly || exchange->status == 206))
    exchange->status = 0;
  rl_http_file_drop(exchange);
  drop_headers(exchange, wholly);
}

void rl_http_answer_anew(struct rl_http_exchange *exchange) {
  rl_http_file_drop(exchange);
  drop_headers(exchange, true);
  exchange->length = -1;
}

void rl_http_answer_failed(struct rl_http_exchange *exchange) {
  static const char *const names[] = {"Set-Cookie", "Location", "Cache-Control", "Expires"};
  rl_http_answer_anew(exchange);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    rl_lines_remove(&exchange->headers, rl_scan_text(names[i]));
  if (exchange->headers.failed)
    rl_buffer_free(&exchange->headers);
}

static size_t size_of(const struct rl_slice *parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; i++)
    size += parts[i].size;
  return size;
}

bool rl_http_answer_fits(const struct rl_http_exchange *exchange, const struct rl_slice *parts,
                         int count) {
  return exchange->length < 0 ||
         size_of(parts, count) <= (uint64_t)exchange->length - exchange->sent_body;
}

void rl_http_answer_write(struct rl_http_exchange *exchange, const struct rl_slice *parts,
                          int count) {
  char line[RL_RESPONSE_CHUNK_SIZE];
  size_t size = size_of(parts, count);
  exchange->sent_body += size;
  if (exchange->bodyless || size == 0)
    return;
  if (exchange->chunked)
    rl_buffer_append(&exchange->out, line, rl_response_chunk(line, size));
  for (int i = 0; i < count; i++)
    rl_buffer_append(&exchange->out, parts[i].bytes, parts[i].size);
  if (exchange->chunked)
    rl_buffer_append(&exchange->out, "\r\n", 2);
}

int rl_http_answer_end(struct rl_http_exchange *exchange) {
  exchange->streaming = false;
  if (exchange->bodyless)
    return 0;
  if (exchange->length >= 0 && exchange->sent_body < (uint64_t)exchange->length)
    return -1;
  if (exchange->chunked) {
    rl_response_last_chunk(&exchange->out);
    if (exchange->trailers.size)
      rl_buffer_append(&exchange->out, exchange->trailers.bytes, exchange->trailers.size);
    rl_buffer_append(&exchange->out, "\r\n", 2);
  }
  return 0;
}

void rl_http_answer_status(struct rl_http_exchange *exchange, int status, const char *text) {
  if (rl_status_bodyless(status))
    rl_http_answer(exchange, status, "", (struct rl_slice){"", 0});
  else
    rl_http_answer(exchange, status, "text/plain; charset=utf-8", rl_scan_text(text));
}

void rl_http_answer_allow(struct rl_http_exchange *exchange, uint64_t allowed) {
  static const char *const names[] = {
      [RL_METHOD_GET] = "GET",        [RL_METHOD_HEAD] = "HEAD",   [RL_METHOD_POST] = "POST",
      [RL_METHOD_PUT] = "PUT",        [RL_METHOD_PATCH] = "PATCH", [RL_METHOD_DELETE] = "DELETE",
      [RL_METHOD_OPTIONS] = "OPTIONS"};
  char list[64] = "";
  for (size_t i = RL_METHOD_GET; i < sizeof names / sizeof *names; i++) {
    if (!(allowed >> i & 1))
      continue;
    if (*list)
      strcat(list, ", ");
    strcat(list, names[i]);
  }
  rl_response_field(&exchange->headers, (struct rl_slice){"Allow", 5}, rl_scan_text(list));
}
