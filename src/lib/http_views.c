/* The type view of rille.http: what a client sent, by name: req.query, params, headers, cookies,
 * trailers. It ends with its request, in its domain. What is looked up is found in the head each
 * time; no table is built that nobody reads. Nothing of it suspends.
 *
 * req.query.name is the first value of that name, or nil. The same goes for params, headers and
 * cookies; headers.name joins several values with a comma, as HTTP means it, and takes the name in
 * any case. params.name is an integer where the route says {int}.
 *
 * req.trailers is the same for what a client sends behind a chunked body: to be asked when that has
 * been read to its end, an error before. What means something in a head never stands among them. */
#include <lauxlib.h>

#include "http/cookie.h"
#include "http/pattern.h"
#include "http/percent.h"
#include "http/query.h"
#include "http/scan.h"
#include "lib/modules.h"
#include "serve/http_exchange.h"
#include "serve/http_handle.h"

enum { PAIRS = 1000 }; /* in a query, in the cookies */

enum view { QUERY, PARAMS, HEADERS, COOKIES, TRAILERS, VIEWS };

static const char *const views[VIEWS] = {"query", "params", "headers", "cookies", "trailers"};

static void push(lua_State *L, struct rl_slice text) {
  lua_pushlstring(L, text.bytes, text.size);
}

/* What the client sent is wrong in a part that the script asks for: the answer is 400, unless the
 * script takes the error for something else. Its body can be read all the same. */
static int malformed(lua_State *L, struct rl_http_exchange *exchange, const char *what) {
  exchange->malformed = true;
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

static void visit_all(struct visit *visit, enum view view) {
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
static struct visit begin(lua_State *L, enum view view) {
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

static enum view view_of(lua_State *L) {
  return (enum view)lua_tointeger(L, lua_upvalueindex(1));
}

static struct rl_slice check_key(lua_State *L, enum view view) {
  struct rl_slice key;
  if (lua_type(L, 2) != LUA_TSTRING)
    luaL_error(L, "req.%s is looked up by name, not by a %s (pairs goes over all)", views[view],
               luaL_typename(L, 2));
  key.bytes = lua_tolstring(L, 2, &key.size);
  return key;
}

static int view_index(lua_State *L) {
  enum view view = view_of(L);
  struct rl_slice key = check_key(L, view);
  struct visit visit = begin(L, view);
  visit.name = key;
  visit.on = view == HEADERS || view == TRAILERS ? join : push_first;
  visit_all(&visit, view);
  return visit.count > 0;
}

/* view(name) -> table: a list of all values of that name: req.query("tag"). */
static int view_call(lua_State *L) {
  enum view view = view_of(L);
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

/* pairs(view) -> iterator: all names and values, in their order. */
static int view_pairs(lua_State *L) {
  enum view view = view_of(L);
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

static void make_view(lua_State *L, enum view view) {
  static const luaL_Reg functions[] = {{"__index", view_index},
                                       {"__call", view_call},
                                       {"__pairs", view_pairs},
                                       {"__newindex", view_newindex},
                                       {NULL, NULL}};
  luaL_newmetatable(L, views[view]);
  lua_pushinteger(L, view);
  luaL_setfuncs(L, functions, 1);
  lua_pushstring(L, views[view]);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

/* [module]: the types of the views, to which requests lead. */
void rl_lib_http_views(lua_State *L) {
  for (int view = 0; view < VIEWS; view++)
    make_view(L, (enum view)view);
}
