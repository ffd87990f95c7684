/* HTTP file: see the header. It is a block of its own, since few exchanges have one, and those for
 * no longer than they need it. */
#include "serve/http_file.h"

#include "domain/domain.h"

int rl_http_file_choose(struct rl_http_exchange *exchange, struct rl_static_answer *answer,
                        struct rl_buffer *text) {
  rl_http_file_drop(exchange);
  struct rl_http_file *file = rl_alloc(exchange->http->heap, sizeof *file);
  if (!file) {
    rl_file_release(answer->file);
    rl_buffer_free(text);
    answer->file = NULL;
    return -1;
  }
  file->exchange = exchange;
  file->length = answer->length;
  file->answer = *answer;
  file->text = *text;
  file->sending = file->cold = false;
  answer->file = NULL;
  rl_buffer_init(text, text->heap);
  exchange->file = file;
  return 0;
}

void rl_http_file_drop(struct rl_http_exchange *exchange) {
  struct rl_http_file *file = exchange->file;
  if (!file)
    return;
  if (file->sending)
    rl_static_body_end(&file->body);
  else
    rl_file_release(file->answer.file);
  rl_buffer_free(&file->text);
  rl_free(exchange->http->heap, file, sizeof *file);
  exchange->file = NULL;
}

static void on_warmed(struct rl_static_body *body) {
  struct rl_http_file *file = RL_OF(body, struct rl_http_file, body);
  file->cold = false;
  file->exchange->http->over(file->exchange);
}

void rl_http_file_begin(struct rl_http_exchange *exchange) {
  struct rl_http_file *file = exchange->file;
  rl_static_body_begin(&file->body, &exchange->http->domain->errands, &file->answer, &file->text,
                       on_warmed);
  file->sending = true;
}

/* What no client has brought about. */
static void log_failure(const struct rl_http_exchange *exchange, int error) {
  struct rl_slice path = exchange->path;
  if (error != UV_EOF && error != UV_EIO && error != UV_ENOMEM)
    return;
  rl_log_line(&exchange->http->domain->settings->log, RL_LOG_ERROR,
              "cannot send the file for %.*s: %s", path.size < 150 ? (int)path.size : 150,
              path.bytes, error == UV_EOF ? "it became shorter meanwhile" : uv_strerror(error));
}

int rl_http_file_send(struct rl_http_exchange *exchange, struct rl_slice *before) {
  struct rl_http_file *file = exchange->file;
  if (file->cold)
    return 2;
  int status = rl_static_body_some(&file->body, rl_thin_fd(&exchange->connection->thin), before);
  switch (status) {
  case RL_FILE_SENT: rl_http_file_drop(exchange); return 0;
  case RL_FILE_SEND_FULL: return 1;
  case RL_FILE_SEND_COLD: file->cold = true; return 2;
  default: log_failure(exchange, status); return status;
  }
}
