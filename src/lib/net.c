/* rille.net: TCP and Unix sockets. Any domain may use it; sockets stay in the one that made them.
 *
 * URLs: "tcp://127.0.0.1:2000", "tcp://[::1]:2000", "tcp://localhost:2000", "unix:/run/app.sock".
 * Errors that a caller is to expect (a reset, a timeout, an address in use) are returned as nil and
 * a message; misuse and cancellation are raised. */
#include <lauxlib.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "domain/simulation.h"
#include "io/address.h"
#include "lib/modules.h"
#include "serve/dialer.h"
#include "serve/reader.h"
#include "serve/socket.h"
#include "serve/tcp.h"
#include "serve/writer.h"
#include "vm/check.h"

/* -- arguments ---------------------------------------------------------------------------- */

static void check_url(lua_State *L, int index, struct rl_address *address) {
  size_t size;
  const char *text = luaL_checklstring(L, index, &size);
  const char *wrong = rl_address_parse(address, text, size);
  if (wrong)
    luaL_argerror(L, index, lua_pushfstring(L, "\"%s\": %s", text, wrong));
}

/* The length of a line in bytes. */
static size_t check_max(lua_State *L, int index, size_t otherwise) {
  if (lua_isnoneornil(L, index))
    return otherwise;
  lua_Integer max = luaL_checkinteger(L, index);
  luaL_argcheck(L, max >= 1 && max <= INT32_MAX, index, "maximum length out of range");
  return (size_t)max;
}

/* Pushes the option `name`; false if it is not given. */
static bool get_option(lua_State *L, int index, const char *name) {
  return lua_getfield(L, index, name) != LUA_TNIL;
}

static lua_Integer integer_option(lua_State *L, int index, const char *name,
                                  lua_Integer otherwise) {
  lua_Integer value = otherwise;
  if (get_option(L, index, name)) {
    int whole;
    value = lua_tointegerx(L, -1, &whole);
    if (!whole || value < 1 || value > INT32_MAX)
      luaL_argerror(L, index, lua_pushfstring(L, "%s must be a whole number above 0", name));
  }
  lua_pop(L, 1);
  return value;
}

/* A duration in seconds; 0 if it is not given. */
static double duration_option(lua_State *L, int index, const char *name) {
  double value = 0;
  if (get_option(L, index, name)) {
    value = lua_tonumber(L, -1);
    if (lua_type(L, -1) != LUA_TNUMBER || !(value > 0))
      luaL_argerror(L, index, lua_pushfstring(L, "%s must be a number of seconds above 0", name));
  }
  lua_pop(L, 1);
  return isinf(value) ? 0 : value;
}

/* [.., name, value]: an option that is not in `names`. */
static void unknown_option(lua_State *L, int index, const char *const *names) {
  luaL_Buffer list;
  const char *name = luaL_tolstring(L, -2, NULL);
  luaL_buffinit(L, &list);
  for (const char *const *at = names; *at; at++) {
    luaL_addstring(&list, at == names ? "" : ", ");
    luaL_addstring(&list, *at);
  }
  luaL_pushresult(&list);
  luaL_argerror(
      L, index,
      lua_pushfstring(L, "unknown option \"%s\"; there are %s", name, lua_tostring(L, -1)));
}

/* Raises at an option that is not in `names`, which ends with NULL. */
static void check_names(lua_State *L, int index, const char *const *names) {
  luaL_checktype(L, index, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    const char *const *at = names;
    while (*at && strcmp(*at, name) != 0)
      at++;
    if (!*at)
      unknown_option(L, index, names);
  }
}

static void check_options(lua_State *L, int index, const char *const *names,
                          struct rl_tcp_options *options) {
  *options = (struct rl_tcp_options){
      .backlog = RL_LISTENER_BACKLOG, .max_line = RL_SOCKET_MAX_LINE, .shared = true};
  if (lua_isnoneornil(L, index))
    return;
  check_names(L, index, names);
  options->backlog = (int)integer_option(L, index, "backlog", RL_LISTENER_BACKLOG);
  options->max_line = (size_t)integer_option(L, index, "max_line", RL_SOCKET_MAX_LINE);
  options->timeout = duration_option(L, index, "timeout");
  options->shared = get_option(L, index, "shared") ? lua_toboolean(L, -1) : true;
  lua_pop(L, 1);
}

static int closed(lua_State *L) {
  luaL_pushfail(L);
  lua_pushliteral(L, "connection is closed");
  return 2;
}

/* -- connections -------------------------------------------------------------------------- */

/* What to read, from the argument at index 2. */
static struct rl_read check_format(lua_State *L, const struct rl_socket *socket) {
  static const char *const names[] = {"line", "all", "some", NULL};
  static const enum rl_read_kind kinds[] = {RL_READ_LINE, RL_READ_ALL, RL_READ_SOME};
  struct rl_read read = {.what = "conn:read"};
  if (lua_type(L, 2) == LUA_TNUMBER) {
    lua_Integer count = luaL_checkinteger(L, 2);
    luaL_argcheck(L, count >= 0, 2, "number of bytes below 0");
    read.size = (size_t)count;
    return read;
  }
  read.kind = kinds[rl_check_choice(L, 2, "line", names)];
  if (read.kind == RL_READ_LINE)
    read.size = check_max(L, 3, socket->max_line);
  return read;
}

/* The type conn of rille.net: a connection. It belongs to its domain; it is closed by the end of
 * the handler that got it, by a to-be-closed variable, or when nobody holds it any more. */

/* conn:read([format [, max]]) -> string | nil | nil, message
 *
 * Formats: a number n: n bytes, fewer only if the stream ends before; "line" (the default): the
 * next line without its LF or CRLF, the last one also without either; "some": what has arrived, at
 * least one byte; "all": everything up to the end, "" if there is nothing more. At the end: nil
 * alone. A line longer than `max` bytes (the connection's max_line, 65,536 unless set) is an error,
 * after which nothing more can be read. What has arrived before an error or a timeout is not lost:
 * another read may get at it. May suspend; one fiber reads at a time. */
static int conn_read(lua_State *L) {
  struct rl_socket *socket = rl_socket_check(L, 1);
  struct rl_read read = check_format(L, socket);
  return rl_reader_read(L, &socket->reader, &read, socket->timeout);
}

static int next_line(lua_State *L) {
  struct rl_socket *socket = rl_socket_check(L, lua_upvalueindex(1));
  struct rl_read read = {.kind = RL_READ_LINE, .raises = true, .what = "conn:lines"};
  read.size = (size_t)lua_tointeger(L, lua_upvalueindex(2));
  return rl_reader_read(L, &socket->reader, &read, socket->timeout);
}

/* conn:lines([max]) -> iterator
 *
 * For `for line in conn:lines() do`: each step is a conn:read("line", max), which may suspend. As
 * with io.lines, an error (a reset, a timeout, a line too long) is raised. */
static int conn_lines(lua_State *L) {
  struct rl_socket *socket = rl_socket_check(L, 1);
  size_t max = check_max(L, 2, socket->max_line);
  lua_settop(L, 1);
  lua_pushinteger(L, (lua_Integer)max);
  lua_pushcclosure(L, next_line, 2);
  return 1;
}

/* conn:write(...) -> conn | nil, message
 *
 * Writes strings and numbers, all as one. Returns as soon as they are on their way: what the kernel
 * does not take is queued, up to 64 KiB; above that the fiber waits until it is written. If such a
 * wait times out or is cancelled, the connection is closed, since half of the data may be out. May
 * suspend. */
static int conn_write(lua_State *L) {
  struct rl_socket *socket = rl_socket_check(L, 1);
  return rl_writer_write(L, socket->serving->domain, &socket->stream, 2, socket->timeout);
}

/* conn:shutdown() -> conn | nil, message
 *
 * Tells the peer that nothing more will be written, once what is queued has been; reading goes on.
 * Does not suspend. */
static int conn_shutdown(lua_State *L) {
  struct rl_socket *socket = rl_socket_check(L, 1);
  struct rl_stream *stream = &socket->stream;
  int status = stream->failed;
  if (status == 0 && (socket->closed || !stream->open))
    return closed(L);
  if (status == 0 && !stream->shut)
    status = rl_stream_shutdown(stream);
  if (status != 0)
    return rl_serving_fail(L, status);
  lua_settop(L, 1);
  return 1;
}

/* conn:close()
 *
 * Does not suspend: what is queued is still written in the background, for 5 seconds at most.
 * Whoever waits to read gets nil, "connection is closed". May be called again; also called when the
 * handler of the connection ends, by `local conn <close>`, and by the garbage collector. */
static int conn_close(lua_State *L) {
  rl_socket_close(rl_socket_check(L, 1));
  return 0;
}

/* conn:peer() -> string
 *
 * The other side's address, "127.0.0.1:51234" or "[::1]:51234", also after the end; "" for Unix
 * sockets. Does not suspend. */
static int conn_peer(lua_State *L) {
  char text[RL_ADDRESS_TEXT];
  rl_address_format(&rl_socket_check(L, 1)->peer, text);
  lua_pushstring(L, text);
  return 1;
}

/* conn:set_timeout([seconds])
 *
 * Bounds how long each later read or write may wait (not how long all of them take); then they
 * return nil, "timeout". nil: no bound. Does not suspend. */
static int conn_set_timeout(lua_State *L) {
  struct rl_socket *socket = rl_socket_check(L, 1);
  double timeout = luaL_optnumber(L, 2, 0);
  luaL_argcheck(L, lua_isnoneornil(L, 2) || timeout > 0, 2, "seconds above 0, or nil");
  socket->timeout = isinf(timeout) ? 0 : timeout;
  return 0;
}

static int conn_tostring(lua_State *L) {
  const struct rl_socket *socket = rl_socket_check(L, 1);
  char text[RL_ADDRESS_TEXT];
  rl_address_format(&socket->peer, text);
  lua_pushfstring(L, "socket (%s%s)", text, socket->closed ? ", closed" : "");
  return 1;
}

/* -- listeners ---------------------------------------------------------------------------- */

/* The type listener of rille.net: what takes connections. It belongs to its domain, and goes on
 * until it is closed, whoever holds it. Nothing of it suspends. */

/* listener:address() -> string
 *
 * The URL where it really listens: of port 0 the port that was given, "tcp://127.0.0.1:43817". */
static int listener_address(lua_State *L) {
  char url[RL_ADDRESS_TEXT];
  rl_address_url(&rl_tcp_check(L)->listener.address, url, sizeof url);
  lua_pushstring(L, url);
  return 1;
}

/* listener:port() -> integer | nil: nil for a Unix socket. */
static int listener_port(lua_State *L) {
  const struct rl_address *address = &rl_tcp_check(L)->listener.address;
  if (address->kind == RL_ADDRESS_UNIX)
    lua_pushnil(L);
  else
    lua_pushinteger(L, address->port);
  return 1;
}

/* listener:close()
 *
 * Stops listening (and removes the file of a Unix socket); running connections go on. May be called
 * again; also called by `local listener <close>`, but not by the garbage collector: a listener that
 * nobody holds goes on. */
static int listener_close(lua_State *L) {
  rl_tcp_close(rl_tcp_check(L));
  return 0;
}

static int listener_tostring(lua_State *L) {
  struct rl_server *server = rl_tcp_check(L);
  char url[RL_ADDRESS_TEXT];
  rl_address_url(&server->listener.address, url, sizeof url);
  lua_pushfstring(L, "listener (%s%s)", url, server->listener.closing ? ", closed" : "");
  return 1;
}

/* -- the module --------------------------------------------------------------------------- */

static void check_callable(lua_State *L, int index) {
  if (luaL_getmetafield(L, index, "__call") == LUA_TNIL)
    luaL_checktype(L, index, LUA_TFUNCTION);
  else
    lua_pop(L, 1);
}

/* net.listen(url, handler [, options]) -> listener | nil, message
 *
 * Listens at once, without waiting; each connection is a fiber that runs handler(conn) and is
 * closed when that returns or fails (an error is logged with its traceback and touches no other
 * connection). The program does not end while it listens. The host is an address or "localhost"
 * (127.0.0.1); port 0 takes a free one, see listener:port(). A file that a dead server left at a
 * Unix path is replaced.
 *
 * When descriptors run out, accepting pauses until there are some again; a line in the log says so.
 * Does not suspend.
 *
 * Options:
 *
 *     backlog    connections that may wait to be accepted, 4096
 *     max_line   bytes of a line that a connection reads, 65536
 *     timeout    seconds, as of conn:set_timeout; none
 *     shared     true: with several loops, the ones that listen at the same address share its
 *                clients, and the k-th listener at a port 0 is the same port in each; false: the
 * port is this loop's alone */
static int net_listen(lua_State *L) {
  static const char *const names[] = {"backlog", "max_line", "timeout", "shared", NULL};
  struct rl_address address;
  struct rl_tcp_options options;
  check_url(L, 1, &address);
  check_callable(L, 2);
  check_options(L, 3, names, &options);
  rl_simulation_refuse(L, "rille.net.listen");
  lua_settop(L, 2);
  return rl_tcp_listen(L, &address, &options);
}

/* net.connect(url [, options]) -> conn | nil, message
 *
 * Waits until the connection stands; a name is looked up, and its addresses are tried in order. May
 * suspend.
 *
 * Options:
 *
 *     timeout    seconds, for connecting and as of conn:set_timeout; none
 *     max_line   bytes of a line that it reads, 65536 */
static int net_connect(lua_State *L) {
  static const char *const names[] = {"max_line", "timeout", NULL};
  struct rl_address address;
  struct rl_tcp_options options;
  check_url(L, 1, &address);
  check_options(L, 2, names, &options);
  rl_simulation_refuse(L, "rille.net.connect");
  struct rl_socket *socket = rl_socket_new(L, rl_serving_of(L));
  socket->max_line = options.max_line;
  socket->timeout = options.timeout;
  return rl_dialer_connect(L, socket, &address, options.timeout);
}

static void new_type(lua_State *L, const char *name, const luaL_Reg *metamethods,
                     const luaL_Reg *methods, int count) {
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, metamethods, 0);
  lua_createtable(L, 0, count);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

int luaopen_rille_net(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"listen", net_listen}, {"connect", net_connect}, {NULL, NULL}};
  static const luaL_Reg socket_meta[] = {{"__gc", rl_socket_collect},
                                         {"__close", conn_close},
                                         {"__tostring", conn_tostring},
                                         {NULL, NULL}};
  static const luaL_Reg socket_methods[] = {{"read", conn_read},
                                            {"lines", conn_lines},
                                            {"write", conn_write},
                                            {"shutdown", conn_shutdown},
                                            {"close", conn_close},
                                            {"peer", conn_peer},
                                            {"set_timeout", conn_set_timeout},
                                            {NULL, NULL}};
  static const luaL_Reg listener_meta[] = {{"__gc", rl_tcp_collect},
                                           {"__close", listener_close},
                                           {"__tostring", listener_tostring},
                                           {NULL, NULL}};
  static const luaL_Reg listener_methods[] = {{"address", listener_address},
                                              {"port", listener_port},
                                              {"close", listener_close},
                                              {NULL, NULL}};
  new_type(L, RL_SOCKET_TYPE, socket_meta, socket_methods, 7);
  new_type(L, RL_SERVER_TYPE, listener_meta, listener_methods, 3);
  luaL_newlib(L, functions);
  return 1;
}
