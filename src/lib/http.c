/* rille.http.core: what lua/rille/http.lua stands on: sites, servers, and the types of requests and
 * responses (http_request.c, http_response.c). Not for scripts. */
#include <lauxlib.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "domain/simulation.h"
#include "http/method.h"
#include "io/address.h"
#include "io/networks.h"
#include "lib/modules.h"
#include "serve/http_pool.h"
#include "serve/http_server.h"
#include "serve/http_site.h"
#include "vm/call.h"
#include "vm/require.h"

/* -- options ------------------------------------------------------------------------------- */

enum kind { SECONDS, COUNT, BYTES, SWITCH };

/* Options of app:listen, and where they go. */
static const struct {
  const char *name;
  enum kind kind;
  size_t at;
} options[] = {
    {"idle_timeout", SECONDS, offsetof(struct rl_http_options, time[RL_HTTP_IDLE])},
    {"head_timeout", SECONDS, offsetof(struct rl_http_options, time[RL_HTTP_HEAD])},
    {"body_timeout", SECONDS, offsetof(struct rl_http_options, time[RL_HTTP_BODY])},
    {"handler_timeout", SECONDS, offsetof(struct rl_http_options, time[RL_HTTP_RUNNING])},
    {"compute_timeout", SECONDS, offsetof(struct rl_http_options, compute)},
    {"send_timeout", SECONDS, offsetof(struct rl_http_options, time[RL_HTTP_SENDING])},
    {"max_line", COUNT, offsetof(struct rl_http_options, limits.line)},
    {"max_header", COUNT, offsetof(struct rl_http_options, limits.field)},
    {"max_headers", COUNT, offsetof(struct rl_http_options, limits.fields)},
    {"max_head", COUNT, offsetof(struct rl_http_options, limits.head)},
    {"max_body", BYTES, offsetof(struct rl_http_options, limits.body)},
    {"max_upload", BYTES, offsetof(struct rl_http_options, upload)},
    {"max_requests", COUNT, offsetof(struct rl_http_options, requests)},
    {"max_connections", COUNT, offsetof(struct rl_http_options, connections)},
    {"connections_per_address", COUNT, offsetof(struct rl_http_options, per_address)},
    {"backlog", COUNT, offsetof(struct rl_http_options, backlog)},
    {"shared", SWITCH, offsetof(struct rl_http_options, shared)},
    {"cancel", SWITCH, offsetof(struct rl_http_options, cancel)},
    {"development", SWITCH, offsetof(struct rl_http_options, development)},
};

static void set_number(lua_State *L, enum kind kind, const char *name, void *to) {
  lua_Number value = lua_tonumber(L, -1);
  bool valid = lua_type(L, -1) == LUA_TNUMBER && value > 0;
  if (!valid)
    luaL_error(L, "option %s: a number above 0 expected", name);
  if (kind == SECONDS)
    *(uint32_t *)to = isinf(value) ? 0 : (uint32_t)fmin(ceil(value * 1000), 4e9);
  else if (kind == COUNT)
    *(uint32_t *)to = (uint32_t)fmin(value, 1 << 30);
  else
    *(uint64_t *)to = (uint64_t)fmin(value, 1e15);
}

/* [.., list] -> [.., networks]: what option trust holds, a list or a single one. */
static struct rl_networks *read_networks(lua_State *L) {
  size_t size, count;
  if (lua_type(L, -1) == LUA_TSTRING) {
    lua_createtable(L, 1, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
  }
  luaL_checktype(L, -1, LUA_TTABLE);
  count = lua_rawlen(L, -1);
  struct rl_networks *networks = lua_newuserdatauv(L, rl_networks_size(count), 0);
  memset(networks, 0, rl_networks_size(count));
  for (size_t i = 1; i <= count; i++) {
    lua_rawgeti(L, -2, (lua_Integer)i); // [list, networks, text]
    const char *text = lua_tolstring(L, -1, &size), *wrong = "it is no string";
    if (text)
      wrong = rl_networks_add(networks, text, size);
    if (wrong)
      luaL_error(L, "option \"trust\": %s: %s", luaL_tolstring(L, -1, NULL), wrong);
    lua_pop(L, 1);
  }
  lua_remove(L, -2);
  return networks;
}

/* [] -> [networks or nil]: of the table at `index`, which proxies are trusted, and how they speak.
 */
static void read_trust(lua_State *L, int index, struct rl_http_options *to) {
  bool says = lua_getfield(L, index, "trust_header") != LUA_TNIL;
  const char *header = says ? luaL_tolstring(L, -1, NULL) : "X-Forwarded-For";
  to->forwarded = strcmp(header, "Forwarded") == 0;
  if (!to->forwarded && strcmp(header, "X-Forwarded-For") != 0)
    luaL_error(L,
               "option \"trust_header\": \"X-Forwarded-For\" or \"Forwarded\" expected, got \"%s\"",
               header);
  lua_pop(L, says ? 2 : 1);
  if (lua_getfield(L, index, "trust") != LUA_TNIL)
    to->trust = read_networks(L);
}

/* [] -> [what keeps them]: the options in the table at `index` */
static void read_options(lua_State *L, int index, struct rl_http_options *to) {
  rl_http_server_defaults(to);
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    void *at = (char *)to + options[i].at;
    if (lua_getfield(L, index, options[i].name) == LUA_TNIL)
      ;
    else if (options[i].kind == SWITCH)
      *(bool *)at = lua_toboolean(L, -1);
    else
      set_number(L, options[i].kind, options[i].name, at);
    lua_pop(L, 1);
  }
  read_trust(L, index, to);
}

/* core.options: their kinds by name */
static void push_kinds(lua_State *L) {
  static const char *const kinds[] = {"seconds", "count", "bytes", "switch"};
  lua_newtable(L);
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    lua_pushstring(L, kinds[options[i].kind]);
    lua_setfield(L, -2, options[i].name);
  }
}

/* [] -> [value] of an option; none is infinite */
static void push_value(lua_State *L, enum kind kind, const void *from) {
  if (kind == SWITCH)
    lua_pushboolean(L, *(const bool *)from);
  else if (kind == BYTES)
    lua_pushinteger(L, (lua_Integer) * (const uint64_t *)from);
  else if (*(const uint32_t *)from == 0)
    lua_pushnumber(L, HUGE_VAL);
  else
    lua_pushinteger(L, *(const uint32_t *)from / (kind == SECONDS ? 1000 : 1));
}

/* core.defaults: what options are when they are not given */
static void push_defaults(lua_State *L) {
  struct rl_http_options usual;
  rl_http_server_defaults(&usual);
  lua_newtable(L);
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    push_value(L, options[i].kind, (const char *)&usual + options[i].at);
    lua_setfield(L, -2, options[i].name);
  }
}

/* -- sites --------------------------------------------------------------------------------- */

static int site_new(lua_State *L) {
  rl_http_site_new(L);
  return 1;
}

static struct rl_slice check_text(lua_State *L, int index) {
  struct rl_slice text;
  text.bytes = luaL_checklstring(L, index, &text.size);
  return text;
}

/* "get" or "any", as bits. */
static uint64_t check_method(lua_State *L, int index) {
  struct rl_slice name = check_text(L, index);
  if (strcmp(name.bytes, "ANY") == 0)
    return RL_ROUTE_ANY;
  enum rl_method method = rl_method_of(name.bytes, name.size);
  luaL_argcheck(L, method != RL_METHOD_UNKNOWN && method != RL_METHOD_OTHER, index,
                "unknown method");
  return (uint64_t)1 << method;
}

/* site:add(host, method, pattern, function | files, arguments) */
static int site_add(lua_State *L) {
  struct rl_http_site *site = rl_http_site_check(L, 1);
  struct rl_slice host = check_text(L, 2), pattern = check_text(L, 4);
  uint64_t methods = check_method(L, 3);
  luaL_argexpected(L, lua_isfunction(L, 5) || luaL_testudata(L, 5, RL_HTTP_STATIC), 5,
                   "function or files");
  rl_http_site_add(L, site, host, pattern, methods, 5, (int)luaL_checkinteger(L, 6));
  return 0;
}

/* core.fault_of(pattern) -> what is wrong with it, or nil */
static int fault_of(lua_State *L) {
  char message[RL_ROUTE_MESSAGE];
  if (rl_route_check(check_text(L, 1), message) == 0)
    return 0;
  lua_pushstring(L, message);
  return 1;
}

/* site:catch(function) */
static int site_catch(lua_State *L) {
  struct rl_http_site *site = rl_http_site_check(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  rl_http_site_catch(L, site, 2);
  return 0;
}

/* -- servers ------------------------------------------------------------------------------- */

static void check_url(lua_State *L, int index, struct rl_address *address) {
  struct rl_slice url = check_text(L, index);
  const char *wrong = rl_address_parse(address, url.bytes, url.size);
  if (wrong)
    luaL_error(L, "address \"%s\": %s", url.bytes, wrong);
}

/* core.listen(site, url, options) -> server | nil, message */
static int listen_at(lua_State *L) {
  struct rl_http_options wanted;
  struct rl_address address;
  rl_http_site_check(L, 1);
  check_url(L, 2, &address);
  luaL_checktype(L, 3, LUA_TTABLE);
  read_options(L, 3, &wanted);
  rl_simulation_refuse(L, NULL);
  return rl_http_server_listen(L, 1, &address, &wanted);
}

/* core.unlisted(site, url, options) -> server | nil: takes only what server:connect() brings, which
 * seems to come from that address; nil: it is not one of IP. Of the options only those about
 * proxies. */
static int unlisted(lua_State *L) {
  struct rl_http_options wanted;
  struct rl_address guest;
  rl_http_site_check(L, 1);
  struct rl_slice url = check_text(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  if (rl_address_parse(&guest, url.bytes, url.size) || guest.kind != RL_ADDRESS_IP)
    return 0;
  rl_simulation_refuse(L, NULL);
  rl_http_server_defaults(&wanted);
  read_trust(L, 3, &wanted);
  rl_http_server_listen(L, 1, NULL, &wanted);
  rl_http_server_check(L, -1)->guest = guest.where.ip;
  return 1;
}

/* The type server of rille.http: what app:listen returns. It belongs to its domain, and goes on
 * until it is closed, whoever holds it. Nothing of it suspends. */

/* server:address() -> string: the URL where it really listens. */
static int server_address(lua_State *L) {
  char url[RL_ADDRESS_TEXT];
  rl_address_url(&rl_http_server_check(L, 1)->listener.address, url, sizeof url);
  lua_pushstring(L, url);
  return 1;
}

/* server:port() -> integer | nil: nil for a Unix socket. */
static int server_port(lua_State *L) {
  const struct rl_address *address = &rl_http_server_check(L, 1)->listener.address;
  if (address->kind == RL_ADDRESS_UNIX)
    lua_pushnil(L);
  else
    lua_pushinteger(L, address->port);
  return 1;
}

/* server:connections() -> integer: how many are open. */
static int server_connections(lua_State *L) {
  lua_pushinteger(L, rl_http_server_check(L, 1)->open);
  return 1;
}

/* server:close(): stops listening. Connections that wait for a request are closed, others when
 * theirs is answered. May be called again. */
static int server_close(lua_State *L) {
  rl_http_server_close(rl_http_server_check(L, 1));
  return 0;
}

/* server:connect() -> conn: the client's end of a new connection to it, without a network. */
static int server_connect(lua_State *L) {
  struct rl_http_server *server = rl_http_server_check(L, 1);
  rl_require_push(L);
  lua_pushliteral(L, "rille.net"); /* the type of conn */
  lua_call(L, 1, 0);
  return rl_http_server_inject(L, server);
}

/* -- the module ---------------------------------------------------------------------------- */

static void new_type(lua_State *L, const char *name, const luaL_Reg *methods,
                     lua_CFunction collect) {
  luaL_newmetatable(L, name);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

int luaopen_rille_http_core(lua_State *L) {
  static const luaL_Reg functions[] = {{"site", site_new},     {"listen", listen_at},
                                       {"unlisted", unlisted}, {"traceback", rl_traceback},
                                       {"fault_of", fault_of}, {NULL, NULL}};
  static const luaL_Reg site[] = {{"add", site_add}, {"catch", site_catch}, {NULL, NULL}};
  static const luaL_Reg server[] = {
      {"address", server_address}, {"port", server_port},   {"connections", server_connections},
      {"connect", server_connect}, {"close", server_close}, {NULL, NULL}};
  new_type(L, RL_HTTP_SITE, site, rl_http_site_collect);
  new_type(L, RL_HTTP_SERVER, server, rl_http_server_collect);
  luaL_newlib(L, functions);
  push_kinds(L);
  lua_setfield(L, -2, "options");
  push_defaults(L);
  lua_setfield(L, -2, "defaults");
  rl_lib_http_events(L);
  rl_lib_http_multipart(L);
  rl_lib_http_request(L);
  rl_lib_http_views(L);
  rl_lib_http_response(L);
  rl_lib_http_stream(L);
  rl_lib_http_files(L);
  luaL_newmetatable(L, RL_HTTP_ERROR);
  lua_setfield(L, -2, "answer");
  return 1;
}
