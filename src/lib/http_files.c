/* Files as answers: core.files for app:static, core.send_file for res:file; what is around them is
 * in lua/rille/http/files.lua. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <string.h>
#include <uv.h>

#include "domain/domain.h"
#include "http/media.h"
#include "http/response.h"
#include "http/status.h"
#include "io/beneath.h"
#include "io/file.h"
#include "lib/modules.h"
#include "serve/http_handle.h"
#include "serve/http_pool.h"
#include "serve/http_static.h"
#include "serve/static.h"

/* A path for the kernel; NULL if it has a NUL. */
static const char *check_path(lua_State *L, int index, struct rl_slice *path) {
  path->bytes = luaL_checklstring(L, index, &path->size);
  return strlen(path->bytes) == path->size ? path->bytes : NULL;
}

/* [] -> [number, text]: a status of 400 or above, and the body that says it. */
static int push_status(lua_State *L, int status) {
  lua_pushinteger(L, status);
  lua_pushfstring(L, "%s\n", rl_status_reason(status));
  return 2;
}

/* -- directories --------------------------------------------------------------------------- */

static void read_switch(lua_State *L, const char *name, bool *to) {
  if (lua_getfield(L, 2, name) != LUA_TNIL)
    *to = lua_toboolean(L, -1);
  lua_pop(L, 1);
}

static lua_Number read_number(lua_State *L, const char *name, lua_Number usual) {
  lua_getfield(L, 2, name);
  lua_Number number = luaL_optnumber(L, -1, usual);
  lua_pop(L, 1);
  return number;
}

/* The table at 2; its texts stay there. */
static struct rl_files_options read_options(lua_State *L) {
  struct rl_files_options to = rl_files_defaults;
  if (lua_getfield(L, 2, "index") != LUA_TNIL)
    to.index = lua_tostring(L, -1);
  lua_pop(L, 1);
  read_switch(L, "hidden", &to.hidden);
  read_switch(L, "links", &to.links);
  read_switch(L, "compressed", &to.compressed);
  to.small = (size_t)read_number(L, "small", (lua_Number)to.small);
  to.bytes = (size_t)read_number(L, "bytes", (lua_Number)to.bytes);
  to.entries = (unsigned)read_number(L, "entries", to.entries);
  to.descriptors = (unsigned)read_number(L, "descriptors", to.descriptors);
  to.fresh = (uint32_t)(read_number(L, "fresh", to.fresh / 1000.0) * 1000);
  return to;
}

/* [.., name, value]: one more line for every answer. */
static void add_field(lua_State *L, struct rl_http_static *files) {
  struct rl_slice name, value;
  lua_pushvalue(L, -2); /* a number would become a string in the table, and confuse the traversal */
  name.bytes = lua_tolstring(L, -1, &name.size);
  value.bytes = luaL_tolstring(L, -2, &value.size);
  const char *fault = name.bytes ? rl_response_field_fault(name, value) : "its name is no string";
  if (fault)
    luaL_error(L, "bad header \"%s\": %s", name.bytes ? name.bytes : "?", fault);
  rl_response_field(&files->fields, name, value);
  lua_pop(L, 2);
}

static void read_fields(lua_State *L, struct rl_http_static *files) {
  if (lua_getfield(L, 2, "headers") == LUA_TTABLE)
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
      add_field(L, files);
  if (files->fields.failed)
    luaL_error(L, "not enough memory");
  lua_pop(L, 1);
}

/* core.files(directory, options) -> files | nil, message
 *
 * Options are those of app:static, whose types were checked. */
static int files_new(lua_State *L) {
  struct rl_slice directory;
  const char *name = check_path(L, 1, &directory);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  struct rl_http_static *files = rl_http_static_new(L);
  read_fields(L, files);
  struct rl_files_options options = read_options(L);
  struct rl_heap *heap = rl_domain_of(L)->settings->heap;
  int error = name ? rl_files_new(heap, name, &options, &files->files) : UV_ENOENT;
  if (error == 0)
    return 1;
  luaL_pushfail(L);
  lua_pushfstring(L, "cannot open the directory \"%s\": %s", directory.bytes, uv_strerror(error));
  return 2;
}

/* files:answer(req) -> nothing, when the answer stands in the response; or status, text */
static int files_answer(lua_State *L) {
  struct rl_http_static *files = luaL_checkudata(L, 1, RL_HTTP_STATIC);
  struct rl_http_exchange *exchange = rl_http_handle_check(L, 2, RL_HTTP_REQUEST);
  if (exchange->began)
    return luaL_error(L, "app:static: the head of the answer is already sent");
  int status = rl_http_static_choose(exchange, files);
  return status < 400 ? 0 : push_status(L, status);
}

/* -- single files -------------------------------------------------------------------------- */

/* A descriptor, or an error of libuv. */
static int open_in(const char *root, const char *path) {
  struct rl_beneath beneath;
  int error = rl_beneath_open(&beneath, root, true);
  if (error)
    return error;
  int fd = rl_beneath_find(&beneath, path);
  rl_beneath_close(&beneath);
  return fd == UV_EXDEV || fd == UV_ELOOP ? UV_ENOENT : fd;
}

static int open_path(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  return fd >= 0 ? fd : uv_translate_sys_error(errno);
}

/* Arguments 2 (path), 3 (root or nil), 5 (hidden): the file, held; or an error of libuv. */
static int open_file(lua_State *L, struct rl_file **file) {
  struct rl_slice path, root;
  const char *name = check_path(L, 2, &path), *below = NULL;
  if (!lua_isnoneornil(L, 3)) {
    below = check_path(L, 3, &root);
    if (!below || !rl_files_allow(path, lua_toboolean(L, 5)))
      return UV_ENOENT;
  }
  if (!name)
    return UV_ENOENT;
  int fd = below ? open_in(below, name) : open_path(name);
  if (fd < 0)
    return fd == UV_ENOTDIR || fd == UV_ENAMETOOLONG || fd == UV_ENXIO ? UV_ENOENT : fd;
  return rl_file_open(rl_domain_of(L)->settings->heap, fd, RL_HTTP_SPARE, rl_http_pool_seconds(),
                      NULL, file);
}

static const char *type_of(lua_State *L) {
  static const char name[] = "Content-Type";
  struct rl_slice path, type;
  path.bytes = luaL_checklstring(L, 2, &path.size);
  if (lua_isnoneornil(L, 4))
    return rl_media_of(path);
  type.bytes = luaL_checklstring(L, 4, &type.size);
  const char *fault = rl_response_field_fault((struct rl_slice){name, sizeof name - 1}, type);
  if (fault)
    luaL_error(L, "res:file: bad type \"%s\": %s", type.bytes, fault);
  return type.bytes;
}

/* core.send_file(res, path, root | nil, type | nil, hidden)
 *
 * -> nothing, when the answer stands in the response; status, text when the request's conditions
 * forbid it; status, text, message when there is no such file. */
static int send_file(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, RL_HTTP_RESPONSE);
  const char *type = type_of(L);
  struct rl_file *file = NULL;
  if (exchange->began)
    return luaL_error(L, "res:file: the head of the answer is already sent");
  int error = open_file(L, &file);
  if (error) {
    push_status(L, rl_static_status(error));
    lua_pushstring(L, uv_strerror(error));
    return 3;
  }
  luaL_unref(L, LUA_REGISTRYINDEX, exchange->body_text);
  exchange->body_text = LUA_NOREF;
  int status = rl_http_static_choose_file(exchange, file, type);
  return status < 400 ? 0 : push_status(L, status);
}

/* [module]: adds `files` and `send_file`. */
void rl_lib_http_files(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"files", files_new}, {"send_file", send_file}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"answer", files_answer}, {NULL, NULL}};
  luaL_newmetatable(L, RL_HTTP_STATIC);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, rl_http_static_collect);
  lua_setfield(L, -2, "__gc");
  lua_pushliteral(L, RL_HTTP_STATIC);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
