/* HTTP static: serve/static.h decides; what it decided goes into the exchange, and the file behind
 * it. */
#include "serve/http_static.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "domain/domain.h"
#include "http/lines.h"
#include "http/scan.h"
#include "http/status.h"
#include "serve/http_answer.h"
#include "serve/http_file.h"
#include "serve/http_pool.h"
#include "serve/http_site.h"
#include "serve/static.h"

enum { QUIET = 1000 /* ms between two lines in the log */ };

/* -- the userdata -------------------------------------------------------------------------- */

struct rl_http_static *rl_http_static_new(lua_State *L) {
  struct rl_http_static *files = lua_newuserdatauv(L, sizeof *files, 0);
  files->files = NULL;
  files->logged = 0;
  rl_buffer_init(&files->fields, rl_domain_of(L)->settings->heap);
  luaL_setmetatable(L, RL_HTTP_STATIC);
  return files;
}

int rl_http_static_collect(lua_State *L) {
  struct rl_http_static *files = luaL_checkudata(L, 1, RL_HTTP_STATIC);
  if (files->files)
    rl_files_free(files->files);
  files->files = NULL;
  rl_buffer_free(&files->fields);
  return 0;
}

/* -- deciding ------------------------------------------------------------------------------ */

/* Why a request could not be served, if it is not the client's fault; not every time when
 * descriptors are exhausted. */
static void log_error(const struct rl_http_exchange *exchange, struct rl_http_static *files,
                      int error) {
  struct rl_domain *domain = exchange->http->domain;
  struct rl_slice path = exchange->path;
  uint64_t now = uv_now(domain->loop);
  if (files->logged && now - files->logged < QUIET)
    return;
  files->logged = now;
  rl_log_line(&domain->settings->log, RL_LOG_ERROR, "cannot open the file for %.*s: %s",
              path.size < 150 ? (int)path.size : 150, path.bytes, uv_strerror(error));
}

/* An answer of which a part found no memory. */
static void check_memory(struct rl_static_answer *answer, struct rl_buffer *fields,
                         struct rl_buffer *text) {
  if (!fields->failed && !text->failed)
    return;
  rl_file_release(answer->file);
  rl_buffer_free(fields);
  rl_buffer_free(text);
  *answer = (struct rl_static_answer){.status = 503, .error = UV_ENOMEM};
}

static void find(struct rl_http_exchange *exchange, struct rl_http_static *files,
                 struct rl_buffer *fields, struct rl_buffer *text,
                 struct rl_static_answer *answer) {
  const struct rl_http_handler *handler = &exchange->server->site->handlers[exchange->handler];
  bool integer;
  struct rl_static_ask ask = {.path = exchange->path,
                              .rest = {"", 0},
                              .now = uv_now(exchange->http->domain->loop),
                              .today = rl_http_pool_seconds()};
  rl_http_site_param(handler, &exchange->match, rl_scan_text("rest"), &ask.rest, &integer);
  rl_static_answer(files->files, &exchange->request.head, &ask, fields, text, answer);
  if (answer->status < 400 && answer->status != 301)
    rl_buffer_append(fields, files->fields.bytes, files->fields.size);
  check_memory(answer, fields, text);
  if (answer->status >= 500)
    log_error(exchange, files, answer->error);
}

/* -- without Lua --------------------------------------------------------------------------- */

static void answer_plainly(struct rl_http_exchange *exchange, int status) {
  char line[64];
  snprintf(line, sizeof line, "%s\n", rl_status_reason(status));
  rl_http_answer_status(exchange, status, line);
}

bool rl_http_static_serve(struct rl_http_exchange *exchange, struct rl_http_static *files) {
  struct rl_static_answer answer;
  struct rl_buffer text;
  rl_buffer_init(&text, exchange->http->heap);
  find(exchange, files, &exchange->headers, &text, &answer);
  if (answer.status == 404)
    return false;
  int status = answer.status;
  if (status < 400 && rl_http_file_choose(exchange, &answer, &text) != 0) {
    exchange->headers.size = 0;
    status = 503;
  }
  if (status < 400)
    rl_http_answer_file(exchange, status);
  else
    answer_plainly(exchange, status);
  return true;
}

/* -- for scripts --------------------------------------------------------------------------- */

/* These lines take the place of the headers of their names, but for Vary, which adds up. */
static void merge(struct rl_http_exchange *exchange, const struct rl_buffer *fields) {
  if (fields->size == 0)
    return;
  const char *at = (const char *)fields->bytes, *end = at + fields->size;
  while (at < end) {
    struct rl_slice name = {at, (size_t)((const char *)memchr(at, ':', (size_t)(end - at)) - at)};
    if (!rl_scan_is(name, "vary"))
      rl_lines_remove(&exchange->headers, name);
    at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
  }
  rl_buffer_append(&exchange->headers, fields->bytes, fields->size);
}

/* What was decided is kept in the exchange: the status. */
static int choose(struct rl_http_exchange *exchange, struct rl_static_answer *answer,
                  struct rl_buffer *fields, struct rl_buffer *text) {
  check_memory(answer, fields, text);
  int status = answer->status;
  merge(exchange, fields);
  rl_buffer_free(fields);
  if (status < 400 && rl_http_file_choose(exchange, answer, text) != 0)
    status = 503;
  rl_buffer_free(text);
  return exchange->headers.failed ? 503 : status;
}

int rl_http_static_choose(struct rl_http_exchange *exchange, struct rl_http_static *files) {
  struct rl_static_answer answer;
  struct rl_buffer fields, text;
  rl_buffer_init(&fields, exchange->http->heap);
  rl_buffer_init(&text, exchange->http->heap);
  rl_http_answer_replace_file(exchange, true);
  find(exchange, files, &fields, &text, &answer);
  int status = choose(exchange, &answer, &fields, &text);
  if (status < 400)
    exchange->status = status;
  return status;
}

int rl_http_static_choose_file(struct rl_http_exchange *exchange, struct rl_file *file,
                               const char *type) {
  struct rl_static_answer answer;
  struct rl_buffer fields, text;
  rl_http_answer_replace_file(exchange, true);
  bool whole = exchange->status != 0 && exchange->status != 200;
  rl_buffer_init(&fields, exchange->http->heap);
  rl_buffer_init(&text, exchange->http->heap);
  rl_static_answer_file(file, type, whole, &exchange->request.head, rl_http_pool_seconds(), &fields,
                        &text, &answer);
  int status = choose(exchange, &answer, &fields, &text);
  if (status < 400 && !whole)
    exchange->status = status;
  return status;
}
