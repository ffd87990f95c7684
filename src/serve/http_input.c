/* HTTP input: see the header. A body that is whole in one read goes from the scratch into a Lua
 * string without a stop. */
#include "serve/http_input.h"

#include <lauxlib.h>

#include "domain/domain.h"
#include "serve/http_output.h"
#include "serve/http_wire.h"

enum {
  DRAINED = 256 * 1024, /* what is passed over of a body that nobody reads */
  CUT_SHORT = 400,
};

int rl_http_input_keep(struct rl_http_exchange *exchange) {
  struct rl_buffer *input = &exchange->input;
  const char *own = (const char *)input->bytes;
  struct rl_slice *in = &exchange->in;
  if (in->size == 0) {
    input->size = 0;
  } else if (own && in->bytes >= own && in->bytes < own + input->size) {
    rl_buffer_drop(input, (size_t)(in->bytes - own));
  } else {
    input->size = 0;
    rl_buffer_append(input, in->bytes, in->size);
  }
  if (input->failed)
    return -1;
  *in = (struct rl_slice){(const char *)input->bytes, input->size};
  return 0;
}

int rl_http_input_append(struct rl_http_exchange *exchange, const char *bytes, size_t size) {
  if (rl_http_input_keep(exchange) != 0)
    return -1;
  rl_buffer_append(&exchange->input, bytes, size);
  if (exchange->input.failed)
    return -1;
  exchange->in = (struct rl_slice){(const char *)exchange->input.bytes, exchange->input.size};
  return 0;
}

/* The first call decides how long the body may be. */
static void begin(struct rl_http_exchange *exchange, uint64_t limit) {
  const struct rl_http_limits *limits = &exchange->server->options.limits;
  if (exchange->body_begun)
    return;
  exchange->body_begun = true;
  if (rl_body_init(&exchange->body, &exchange->request.head, limits, limit, exchange->http->heap) !=
      0)
    exchange->trouble = exchange->body.refusal.status;
}

/* Takes one run of data from what is there; false when there is none, or the body is over. */
static bool take(struct rl_http_exchange *exchange, struct rl_slice *data) {
  struct rl_slice *in = &exchange->in;
  while (!exchange->body.done && in->size && !exchange->trouble) {
    size_t used;
    if (rl_body_feed(&exchange->body, in->bytes, in->size, &used, data) != 0) {
      exchange->trouble = exchange->body.refusal.status;
      return false;
    }
    in->bytes += used;
    in->size -= used;
    if (data->size)
      return true;
  }
  return false;
}

/* Decodes what is there into `text`, up to `wanted` bytes in all. */
static void pump(struct rl_http_exchange *exchange, size_t wanted) {
  struct rl_slice data;
  while (exchange->text.size < wanted && take(exchange, &data))
    rl_buffer_append(&exchange->text, data.bytes, data.size);
  struct rl_http_connection *connection = exchange->connection;
  if (connection && exchange->in.size < RL_HTTP_AHEAD)
    rl_http_wire_watch(connection, connection->watched | UV_READABLE);
}

static int fail(lua_State *L, struct rl_http_exchange *exchange) {
  switch (exchange->trouble) {
  case 413: return luaL_error(L, "the body of the request is over the limit");
  case 408: return luaL_error(L, "the body of the request did not arrive in time");
  default:
    if (exchange->body.refusal.why)
      return luaL_error(L, "the body of the request is malformed: %s", exchange->body.refusal.why);
    return luaL_error(L, "the body of the request was cut short");
  }
}

static void push_text(lua_State *L, struct rl_http_exchange *exchange) {
  struct rl_buffer *text = &exchange->text;
  if (text->failed)
    luaL_error(L, "not enough memory");
  lua_pushlstring(L, text->size ? (const char *)text->bytes : "", text->size);
  if (text->capacity > RL_HTTP_SPARE)
    rl_buffer_free(text);
  text->size = 0;
}

/* [.., body]: whoever asks again gets it again. */
static int keep_whole(lua_State *L, struct rl_http_exchange *exchange) {
  lua_pushvalue(L, -1);
  exchange->whole = luaL_ref(L, LUA_REGISTRYINDEX);
  return 1;
}

/* The client waits for a word before it sends the body. */
static void encourage(lua_State *L, struct rl_http_exchange *exchange) {
  static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
  bool sends = exchange->text.size > 0 || exchange->continued; /* it has not waited */
  exchange->continued = true;
  if (sends || !exchange->request.head.expect_continue || exchange->began)
    return;
  rl_buffer_append(&exchange->out, line, sizeof line - 1);
  if (rl_http_output_flush(exchange) < 0)
    luaL_error(L, "the client has closed the connection");
}

/* -- its time: a phase is over with each piece, the client's time is not ---------------------- */

void rl_http_input_progress(struct rl_http_exchange *exchange, size_t size) {
  exchange->arrived += size;
  if (exchange->arrived < RL_HTTP_PROGRESS)
    return;
  exchange->arrived = exchange->awaited = 0;
  if (exchange->connection->phase == RL_HTTP_BODY)
    rl_http_wire_enter(exchange->connection, RL_HTTP_BODY);
}

/* False when the client has been too slow. */
static bool begin_wait(struct rl_http_exchange *exchange) {
  uint32_t time = exchange->server->options.time[RL_HTTP_BODY];
  if (exchange->connection->phase == RL_HTTP_BODY)
    return true;
  if (time && exchange->awaited >= time)
    return false;
  rl_http_wire_enter(exchange->connection, RL_HTTP_BODY);
  return true;
}

static void end_wait(struct rl_http_exchange *exchange) {
  struct rl_http_connection *connection = exchange->connection;
  if (!connection || connection->phase != RL_HTTP_BODY)
    return;
  exchange->awaited += uv_now(exchange->http->domain->loop) - connection->since;
  rl_http_wire_run(connection);
}

/* -- reading ------------------------------------------------------------------------------- */

static int read_on(lua_State *L, int status, lua_KContext whole);

static int wait_for_more(lua_State *L, struct rl_http_exchange *exchange, lua_KContext whole) {
  if (!exchange->connection || exchange->connection->ended)
    exchange->trouble = CUT_SHORT;
  if (exchange->trouble)
    return fail(L, exchange);
  rl_wait_check(L, whole ? "req:body" : "req:read");
  if (rl_wait_pending(&exchange->reader))
    return luaL_error(L, "another fiber reads the body of this request");
  encourage(L, exchange);
  if (!begin_wait(exchange)) {
    exchange->trouble = 408;
    return fail(L, exchange);
  }
  return rl_park(L, &exchange->reader, NULL, read_on, whole);
}

/* Inside the fiber again: the request may have ended meanwhile, if the fiber is not its own. */
static int read_on(lua_State *L, int status, lua_KContext whole) {
  struct rl_http_exchange *exchange = rl_http_handle_peek(lua_touserdata(L, 1));
  (void)status;
  if (!exchange)
    return luaL_error(L, "the request has ended");
  pump(exchange, whole ? SIZE_MAX : 1);
  if (exchange->body.done || (!whole && exchange->text.size)) {
    end_wait(exchange);
    if (!whole && !exchange->text.size) {
      lua_pushnil(L);
      return 1;
    }
    push_text(L, exchange);
    return whole ? keep_whole(L, exchange) : 1;
  }
  return wait_for_more(L, exchange, whole);
}

/* What was begun with another limit has this one from now on. */
static void bound(struct rl_http_exchange *exchange, uint64_t limit) {
  size_t there = exchange->text.size;
  if (there > limit || rl_body_bound(&exchange->body, limit - there) != 0)
    exchange->trouble = 413;
}

int rl_http_input_all(lua_State *L, struct rl_http_exchange *exchange, uint64_t limit) {
  struct rl_slice data = {"", 0};
  if (exchange->whole != LUA_NOREF) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, exchange->whole);
    return 1;
  }
  if (exchange->body_begun && !exchange->trouble)
    bound(exchange, limit);
  begin(exchange, limit);
  if (exchange->trouble)
    return fail(L, exchange);
  if (exchange->text.size == 0 && take(exchange, &data)) {
    if (exchange->body.done) {
      lua_pushlstring(L, data.bytes, data.size);
      return keep_whole(L, exchange);
    }
    rl_buffer_append(&exchange->text, data.bytes, data.size);
  }
  return read_on(L, LUA_OK, true);
}

void rl_http_input_replace(lua_State *L, struct rl_http_exchange *exchange) {
  luaL_unref(L, LUA_REGISTRYINDEX, exchange->whole);
  exchange->whole = luaL_ref(L, LUA_REGISTRYINDEX);
}

int rl_http_input_some(lua_State *L, struct rl_http_exchange *exchange) {
  begin(exchange, exchange->server->options.upload);
  if (exchange->trouble)
    return fail(L, exchange);
  return read_on(L, LUA_OK, false);
}

void rl_http_input_arrived(struct rl_http_exchange *exchange, int trouble) {
  if (trouble && !exchange->trouble)
    exchange->trouble = trouble;
  rl_wake(&exchange->reader, 0);
}

int rl_http_input_drain(struct rl_http_exchange *exchange) {
  struct rl_slice data;
  begin(exchange, exchange->server->options.upload);
  while (take(exchange, &data)) {
    exchange->drained += data.size;
    if (exchange->drained > DRAINED)
      return -1;
  }
  if (exchange->trouble)
    return -1;
  return exchange->body.done ? 1 : 0;
}
