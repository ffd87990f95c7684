/* What lua/rille/http/sse.lua stands on: server-sent events written in C. Not for scripts. */
#include <lauxlib.h>
#include <math.h>

#include "http/sse.h"
#include "lib/modules.h"
#include "serve/http_events.h"
#include "serve/http_handle.h"
#include "serve/http_output.h"
#include "vm/json.h"

/* core.begin_events(res, heartbeat): the answer, whose head is out, is a stream of events, with a
 * comment after each `heartbeat` seconds of silence; math.huge: none. */
static int begin_events(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, RL_HTTP_RESPONSE);
  lua_Number seconds = luaL_checknumber(L, 2);
  luaL_argcheck(L, seconds > 0, 2, "seconds above 0 expected");
  return rl_http_events_begin(exchange, seconds) == 0 ? 0 : luaL_error(L, "not enough memory");
}

/* The value at `index` as text; bytes NULL for nil. */
static struct rl_slice check_text(lua_State *L, int index, const char *what) {
  struct rl_slice text = {NULL, 0};
  if (lua_isnil(L, index))
    return text;
  text.bytes = lua_tolstring(L, index, &text.size);
  if (!text.bytes)
    luaL_error(L, "events:send: %s must be a string, not a %s", what, luaL_typename(L, index));
  return text;
}

static void check_retry(lua_State *L, int index, struct rl_sse_event *event) {
  if (lua_isnil(L, index))
    return;
  lua_Number seconds = lua_tonumber(L, index);
  if (lua_type(L, index) != LUA_TNUMBER || !(seconds >= 0 && seconds <= UINT32_MAX / 1000))
    luaL_error(L, "events:send: retry must be a number of seconds");
  event->has_retry = true;
  event->retry = (uint32_t)ceil(seconds * 1000);
}

/* core.send_event(res, data, event, id, retry): a table as data becomes JSON. Waits while the
 * client takes nothing. */
static int send_event(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, RL_HTTP_RESPONSE);
  struct rl_sse_event event = {.has_retry = false};
  lua_settop(L, 5);
  if (!exchange->events || !exchange->streaming)
    return luaL_error(L, "events:send: the stream is over");
  if (lua_istable(L, 2)) {
    rl_json_encode(L, 2, &rl_json_plain);
    lua_replace(L, 2);
  }
  event.data = check_text(L, 2, "data");
  event.event = check_text(L, 3, "event");
  event.id = check_text(L, 4, "id");
  check_retry(L, 5, &event);
  const char *fault = rl_http_events_put(exchange, &event);
  if (fault)
    return luaL_error(L, "events:send: %s", fault);
  return rl_http_output_push(L, exchange);
}

/* [module] */
void rl_lib_http_events(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"begin_events", begin_events}, {"send_event", send_event}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
