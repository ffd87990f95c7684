/* What handlers get as `req`. Nothing is read from the head of a request before a script asks.
 *
 * Fields: method; path (as it was sent, in canonical form); target; query, params, headers, cookies
 * (see below); host; version ("1.1"); remote ("127.0.0.1:51234"); id.
 *
 * req.query.name is the first value of that name, or nil; req.query("name") a list of all of them;
 * pairs(req.query) goes over all in their order. The same goes for params, headers and cookies;
 * headers.name joins several values with a comma, as HTTP means it, and takes the name in any case.
 * params.name is an integer where the route says {int}.
 *
 * req.trailers is the same for what a client sends behind a chunked body: to be asked when that has
 * been read to its end, an error before. What means something in a head never stands among them.
 *
 * Any other field may be set by a script, to hand something on to the next middleware. */
#include <lauxlib.h>

#include "http/cookie.h"
#include "http/pattern.h"
#include "http/percent.h"
#include "http/query.h"
#include "http/scan.h"
#include "io/address.h"
#include "lib/modules.h"
#include "serve/http_exchange.h"
#include "serve/http_handle.h"
#include "serve/http_input.h"
#include "serve/http_pool.h"
#include "serve/http_site.h"

enum { PAIRS = 1000 }; /* in a query, in the cookies */

enum field {
  METHOD = 1,
  PATH,
  TARGET,
  QUERY_STRING,
  HOST,
  VERSION,
  REMOTE,
  ID,
  QUERY,
  PARAMS,
  HEADERS,
  COOKIES,
  TRAILERS
};

static const char *const fields[] = {"method",  "path",    "target",  "query_string", "host",
                                     "version", "remote",  "id",      "query",        "params",
                                     "headers", "cookies", "trailers"};

static const char *const views[] = {"query", "params", "headers", "cookies", "trailers"};

static void push(lua_State *L, struct rl_slice text) {
  lua_pushlstring(L, text.bytes, text.size);
}

/* What the client sent is wrong in a part that the script asks for: the answer is 400, unless the
 * script takes the error for something else. */
static int malformed(lua_State *L, struct rl_http_exchange *exchange, const char *what) {
  if (!exchange->trouble)
    exchange->trouble = 400;
  return luaL_error(L, "the %s of the request is malformed", what);
}

/* -- pairs, one after the other ------------------------------------------------------------ */

/* Goes over the pairs of a view: calls `on` with those that have the name, or with all if its bytes
 * are NULL; until it returns false. */
struct visit {
  lua_State *L;
  struct rl_http_exchange *exchange;
  struct rl_slice name;
  bool (*on)(struct visit *visit, struct rl_slice name, struct rl_slice value);
  bool integer; /* the value is one */
  int count;
  struct rl_buffer room; /* for what has to be decoded, which makes nothing longer */
};

static bool offer(struct visit *visit, struct rl_slice name, struct rl_slice value) {
  if (visit->name.bytes && !rl_scan_equal(visit->name, name))
    return true;
  visit->count++;
  return visit->on(visit, name, value);
}

static void visit_query(struct visit *visit) {
  const struct rl_head *head = &visit->exchange->request.head;
  struct rl_query query;
  struct rl_query_pair pair;
  int more;
  rl_query_init(&query, rl_head_slice(head, head->query), PAIRS, &visit->room);
  while ((more = rl_query_next(&query, &pair)) == 1 && offer(visit, pair.name, pair.value))
    ;
  if (more < 0)
    malformed(visit->L, visit->exchange, "query");
}

static void visit_cookies(struct visit *visit) {
  const struct rl_head *head = &visit->exchange->request.head;
  const struct rl_field *field = NULL;
  while ((field = rl_field_known(&head->fields, RL_HEADER_COOKIE, field))) {
    struct rl_cookies cookies;
    struct rl_cookie_pair pair;
    rl_cookies_init(&cookies, rl_field_value(head->bytes, field), PAIRS);
    while (rl_cookies_next(&cookies, &pair) == 1)
      if (!offer(visit, pair.name, pair.value))
        return;
  }
}

/* The same for names of headers, which are equal in any case. */
static bool offer_header(struct visit *visit, struct rl_slice name, struct rl_slice value) {
  bool same = visit->name.bytes && name.size == visit->name.size &&
              rl_header_same(name.bytes, visit->name.bytes, name.size);
  if (visit->name.bytes && !same)
    return true;
  visit->count++;
  return visit->on(visit, name, value);
}

static void visit_headers(struct visit *visit) {
  const struct rl_head *head = &visit->exchange->request.head;
  bool more = true;
  for (uint32_t i = 0; more && i < head->fields.count; i++) {
    const struct rl_field *field = &head->fields.list[i];
    more =
        offer_header(visit, rl_field_name(head->bytes, field), rl_field_value(head->bytes, field));
  }
}

static void visit_trailers(struct visit *visit) {
  const struct rl_http_exchange *exchange = visit->exchange;
  struct rl_slice name, value;
  if (exchange->request.head.body == RL_BODY_NONE)
    return;
  if (!exchange->body_begun || !exchange->body.done)
    luaL_error(visit->L, "req.trailers: they follow the body, which was not read to its end");
  for (size_t at = 0; rl_body_trailer(&exchange->body, &at, &name, &value);)
    if (!offer_header(visit, name, value))
      return;
}

static void offer_param(struct visit *visit, struct rl_slice name, struct rl_slice value) {
  struct rl_slice text;
  size_t where;
  visit->room.size = 0;
  if (rl_percent_decode(value, RL_PERCENT_TEXT, &visit->room, &text, &where) != 0)
    malformed(visit->L, visit->exchange, "path");
  offer(visit, name, text);
}

static void visit_params(struct visit *visit) {
  struct rl_http_exchange *exchange = visit->exchange;
  const struct rl_http_handler *handler = &exchange->server->site->handlers[exchange->handler];
  struct rl_pattern pattern;
  struct rl_pattern_part part;
  rl_pattern_init(&pattern, handler->pattern);
  for (unsigned i = 0; rl_pattern_next(&pattern, &part) == 1;) {
    if (part.kind == RL_PATTERN_TEXT || i >= exchange->match.captured)
      continue;
    visit->integer = part.kind == RL_PATTERN_INTEGER;
    if (!visit->name.bytes || rl_scan_equal(visit->name, part.text))
      offer_param(visit, part.text, exchange->match.captures[i]);
    i++;
  }
}

static void visit_all(struct visit *visit, enum field view) {
  switch (view) {
  case QUERY: visit_query(visit); return;
  case PARAMS: visit_params(visit); return;
  case HEADERS: visit_headers(visit); return;
  case TRAILERS: visit_trailers(visit); return;
  default: visit_cookies(visit); return;
  }
}

/* -- views --------------------------------------------------------------------------------- */

static void push_value(struct visit *visit, struct rl_slice value) {
  push(visit->L, value);
  if (visit->integer && lua_stringtonumber(visit->L, lua_tostring(visit->L, -1)))
    lua_remove(visit->L, -2);
}

static bool push_first(struct visit *visit, struct rl_slice name, struct rl_slice value) {
  (void)name;
  push_value(visit, value);
  return false;
}

/* [.., value so far] */
static bool join(struct visit *visit, struct rl_slice name, struct rl_slice value) {
  bool cookie = name.size == 6 && rl_header_same(name.bytes, "cookie", 6);
  if (visit->count == 1) {
    push(visit->L, value);
    return true;
  }
  lua_pushstring(visit->L, cookie ? "; " : ", ");
  push(visit->L, value);
  lua_concat(visit->L, 3);
  return true;
}

/* [.., list] */
static bool add_value(struct visit *visit, struct rl_slice name, struct rl_slice value) {
  (void)name;
  push_value(visit, value);
  lua_rawseti(visit->L, -2, visit->count);
  return true;
}

/* [.., list] */
static bool add_pair(struct visit *visit, struct rl_slice name, struct rl_slice value) {
  push(visit->L, name);
  lua_rawseti(visit->L, -2, 2 * visit->count - 1);
  push_value(visit, value);
  lua_rawseti(visit->L, -2, 2 * visit->count);
  return true;
}

/* Only metamethods call it, whose metatable is out of reach for scripts. [] -> [room], which is the
 * state's, since a push may raise. */
static struct visit begin(lua_State *L, enum field view) {
  struct visit visit = {.L = L, .exchange = rl_http_handle_get(L, 1)};
  const struct rl_http_exchange *exchange = visit.exchange;
  const struct rl_head *head = &exchange->request.head;
  struct rl_slice coded = view == PARAMS ? exchange->path : rl_head_slice(head, head->query);
  if (view > PARAMS || rl_percent_is_plain(coded, RL_PERCENT_FORM))
    return visit; /* as most are */
  visit.room.bytes = lua_newuserdatauv(L, coded.size, 0);
  visit.room.capacity = coded.size;
  return visit;
}

static enum field view_of(lua_State *L) {
  return (enum field)lua_tointeger(L, lua_upvalueindex(1));
}

static struct rl_slice check_key(lua_State *L, enum field view) {
  struct rl_slice key;
  if (lua_type(L, 2) != LUA_TSTRING)
    luaL_error(L, "req.%s is looked up by name, not by a %s (pairs goes over all)",
               views[view - QUERY], luaL_typename(L, 2));
  key.bytes = lua_tolstring(L, 2, &key.size);
  return key;
}

static int view_index(lua_State *L) {
  enum field view = view_of(L);
  struct rl_slice key = check_key(L, view);
  struct visit visit = begin(L, view);
  visit.name = key;
  visit.on = view == HEADERS || view == TRAILERS ? join : push_first;
  visit_all(&visit, view);
  return visit.count > 0;
}

static int view_call(lua_State *L) {
  enum field view = view_of(L);
  struct rl_slice key = check_key(L, view);
  struct visit visit = begin(L, view);
  visit.name = key;
  visit.on = add_value;
  lua_newtable(L);
  visit_all(&visit, view);
  return 1;
}

/* upvalues: the list, the place */
static int next_pair(lua_State *L) {
  lua_Integer at = lua_tointeger(L, lua_upvalueindex(2));
  lua_pushinteger(L, at + 2);
  lua_replace(L, lua_upvalueindex(2));
  lua_rawgeti(L, lua_upvalueindex(1), at + 1);
  lua_rawgeti(L, lua_upvalueindex(1), at + 2);
  return 2;
}

static int view_pairs(lua_State *L) {
  enum field view = view_of(L);
  struct visit visit = begin(L, view);
  visit.on = add_pair;
  lua_newtable(L);
  visit_all(&visit, view);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, next_pair, 2);
  return 1;
}

static int view_newindex(lua_State *L) {
  return luaL_error(L, "what the client sent cannot be changed");
}

static void make_view(lua_State *L, enum field view) {
  static const luaL_Reg functions[] = {{"__index", view_index},
                                       {"__call", view_call},
                                       {"__pairs", view_pairs},
                                       {"__newindex", view_newindex},
                                       {NULL, NULL}};
  luaL_newmetatable(L, views[view - QUERY]);
  lua_pushinteger(L, view);
  luaL_setfuncs(L, functions, 1);
  lua_pushstring(L, views[view - QUERY]);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

/* -- the request --------------------------------------------------------------------------- */

static void push_remote(lua_State *L, const struct rl_http_exchange *exchange) {
  union rl_endpoint peer = {.any.sa_family = AF_UNSPEC};
  socklen_t size = sizeof peer;
  char text[RL_ADDRESS_TEXT];
  if (exchange->connection)
    getpeername(rl_thin_fd(&exchange->connection->thin), &peer.any, &size);
  if (peer.any.sa_family == AF_UNIX)
    peer = exchange->server->guest;
  rl_address_format(&peer, text);
  lua_pushstring(L, text);
}

static void push_id(lua_State *L, const struct rl_http_exchange *exchange) {
  char id[RL_HTTP_ID];
  rl_http_pool_id(exchange, id);
  lua_pushstring(L, id);
}

static int push_field(lua_State *L, struct rl_http_exchange *exchange, enum field field) {
  const struct rl_head *head = &exchange->request.head;
  switch (field) {
  case METHOD: push(L, rl_head_slice(head, head->method_text)); break;
  case PATH: push(L, exchange->path); break;
  case TARGET: push(L, rl_head_slice(head, head->target)); break;
  case QUERY_STRING: push(L, rl_head_slice(head, head->query)); break;
  case HOST: push(L, rl_head_slice(head, head->authority)); break;
  case VERSION: lua_pushstring(L, head->minor ? "1.1" : "1.0"); break;
  case REMOTE: push_remote(L, exchange); break;
  case ID: push_id(L, exchange); break;
  default: rl_http_handle_push(L, exchange, views[field - QUERY]);
  }
  return 1;
}

/* upvalue: name -> number of a field, or method */
static int request_index(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_get(L, 1);
  lua_pushvalue(L, 2);
  switch (lua_rawget(L, lua_upvalueindex(1))) {
  case LUA_TNUMBER: return push_field(L, exchange, (enum field)lua_tointeger(L, -1));
  case LUA_TNIL: break;
  default: return 1;
  }
  if (exchange->fields == LUA_NOREF)
    return 1;
  lua_rawgeti(L, LUA_REGISTRYINDEX, exchange->fields);
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  return 1;
}

static int request_newindex(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_get(L, 1);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return luaL_error(L, "req.%s cannot be set", luaL_tolstring(L, 2, NULL));
  if (exchange->fields == LUA_NOREF) {
    lua_newtable(L);
    exchange->fields = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, exchange->fields);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_rawset(L, -3);
  return 0;
}

static int request_tostring(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_peek(luaL_checkudata(L, 1, RL_HTTP_REQUEST));
  if (!exchange) {
    lua_pushliteral(L, "request (ended)");
    return 1;
  }
  lua_pushliteral(L, "request (");
  push_field(L, exchange, METHOD);
  lua_pushliteral(L, " ");
  push_field(L, exchange, PATH);
  lua_pushliteral(L, ")");
  lua_concat(L, 5);
  return 1;
}

/* req:body([limit]) -> string
 *
 * The whole body, or what req:read() has left of it; "" if there is none; the same however often it
 * is asked for. Waits until it is there. The limit is the server's max_body, or so many bytes.
 * A body over the limit, malformed, cut short or too slow is an error, and the answer's status then
 * says so, unless the handler gives another answer. */
static int request_body(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, RL_HTTP_REQUEST);
  lua_Integer limit = luaL_optinteger(L, 2, -1);
  luaL_argcheck(L, limit >= -1, 2, "a number of bytes expected");
  uint64_t usual = exchange->server->options.limits.body;
  return rl_http_input_all(L, exchange, limit < 0 ? usual : (uint64_t)limit);
}

/* req:read() -> string | nil
 *
 * What has arrived of the body, at least one byte; nil at its end. Waits. While nothing is read the
 * client is held back. The limit is the server's max_upload; errors are as for req:body(). */
static int request_read(lua_State *L) {
  return rl_http_input_some(L, rl_http_handle_check(L, 1, RL_HTTP_REQUEST));
}

/* req:timeout(seconds): how long the handler may go on from now; then it is cancelled, and the
 * answer is 503. math.huge: for ever. */
static int request_timeout(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, RL_HTTP_REQUEST);
  lua_Number seconds = luaL_checknumber(L, 2);
  luaL_argcheck(L, seconds > 0, 2, "seconds above 0 expected");
  if (rl_http_exchange_time(exchange, seconds) != 0)
    return luaL_error(L, "not enough memory");
  return 0;
}

/* [module]: adds `request`, the table of methods, to which the Lua module adds its own. */
void rl_lib_http_request(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"body", request_body}, {"read", request_read}, {"timeout", request_timeout}, {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__index", request_index}, {"__newindex", request_newindex}, {NULL, NULL}};
  luaL_newlib(L, methods);
  for (int i = 0; i < (int)(sizeof fields / sizeof *fields); i++) {
    lua_pushinteger(L, METHOD + i);
    lua_setfield(L, -2, fields[i]);
  }
  luaL_newmetatable(L, RL_HTTP_REQUEST); // [module, methods, metatable]
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, meta, 1);
  lua_pushcfunction(L, request_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, RL_HTTP_REQUEST);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  lua_setfield(L, -2, "request");
  for (int view = QUERY; view <= TRAILERS; view++)
    make_view(L, (enum field)view);
}
