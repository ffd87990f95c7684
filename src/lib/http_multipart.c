/* What the modules about bodies, lua/rille/http/multipart.lua and decompress.lua, stand on: the
 * parser of multipart/form-data, fed with pieces of the body, and the files that parts are saved
 * in. Not for scripts. */
#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "domain/domain.h"
#include "http/media.h"
#include "http/multipart.h"
#include "lib/modules.h"
#include "serve/http_handle.h"
#include "serve/http_input.h"
#include "serve/http_upload.h"

#define PARSER "rille.http.multipart"

/* Its user value is the string that `input` is in. */
struct parser {
  struct rl_multipart multipart;
  struct rl_slice input;
};

static struct parser *check(lua_State *L) {
  return luaL_checkudata(L, 1, PARSER);
}

static struct rl_slice check_slice(lua_State *L, int index) {
  struct rl_slice slice;
  slice.bytes = luaL_checklstring(L, index, &slice.size);
  return slice;
}

static void push(lua_State *L, struct rl_slice text) {
  lua_pushlstring(L, text.size ? text.bytes : "", text.size);
}

static int refuse(lua_State *L, int status, const char *message) {
  luaL_pushfail(L);
  lua_pushinteger(L, status);
  lua_pushstring(L, message);
  return 3;
}

/* core.multipart(content_type, max_head) -> parser; or nil, status, message. For bodies with that
 * Content-Type, whose parts have heads of so many bytes. */
static int parser_new(lua_State *L) {
  struct rl_slice type = check_slice(L, 1);
  lua_Integer limit = luaL_checkinteger(L, 2);
  struct rl_media media;
  luaL_argcheck(L, limit > 0, 2, "a number of bytes expected");
  if (rl_media_parse(type, &media) != 0)
    return refuse(L, 400, "the Content-Type is malformed");
  if (!rl_media_is(&media, "multipart/form-data"))
    return refuse(L, 415, "the body is not multipart/form-data");
  struct parser *parser = lua_newuserdatauv(L, sizeof *parser, 1);
  memset(parser, 0, sizeof *parser);
  struct rl_heap *heap = rl_domain_of(L)->settings->heap;
  if (rl_multipart_init(&parser->multipart, heap, media.boundary, (size_t)limit, UINT_MAX) != 0)
    return refuse(L, 400, "the Content-Type has no boundary");
  luaL_setmetatable(L, PARSER);
  return 1;
}

static int parser_collect(lua_State *L) {
  rl_multipart_free(&check(L)->multipart);
  return 0;
}

/* parser:feed(bytes), when the last ones are used up. */
static int parser_feed(lua_State *L) {
  struct parser *parser = check(L);
  parser->input = check_slice(L, 2);
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, 1);
  return 0;
}

static int push_part(lua_State *L, const struct rl_multipart_part *part) {
  lua_pushliteral(L, "part");
  push(L, part->name);
  if (part->has_filename)
    push(L, part->filename);
  else
    lua_pushnil(L);
  if (part->type.size)
    push(L, part->type);
  else
    lua_pushnil(L);
  push(L, part->headers);
  return 5;
}

/* parser:next() -> nil                                      all is used up: feed
 *                | "part", name, filename, type, headers    one begins; the headers as lines
 *                | "data", bytes
 *                | "over"                                    it is whole
 *                | "end"
 *                | "failed", message */
static int parser_next(lua_State *L) {
  struct parser *parser = check(L);
  struct rl_slice data;
  switch (rl_multipart_next(&parser->multipart, &parser->input, &data)) {
  case RL_MULTIPART_MORE: lua_pushnil(L); return 1;
  case RL_MULTIPART_PART: return push_part(L, &parser->multipart.part);
  case RL_MULTIPART_DATA:
    lua_pushliteral(L, "data");
    push(L, data);
    return 2;
  case RL_MULTIPART_PART_END: lua_pushliteral(L, "over"); return 1;
  case RL_MULTIPART_END: lua_pushliteral(L, "end"); return 1;
  case RL_MULTIPART_FAILED: break;
  }
  lua_pushliteral(L, "failed");
  lua_pushstring(L, parser->multipart.wrong);
  return 2;
}

/* core.upload(req, prefix, private) -> upload | nil, message
 *
 * A file that is written as its bytes arrive, and removed when the request ends: upload:write(s) ->
 * true | nil, message; upload:finish([path]) -> path, size | nil, message: to stay, at that path.
 * All of them wait for the disk. */
static int upload_open(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, RL_HTTP_REQUEST);
  return rl_http_upload_open(L, exchange, check_slice(L, 2), lua_toboolean(L, 3) ? 0600 : 0666);
}

/* core.replace_body(req, text): what req:body() gives from now on. */
static int replace_body(lua_State *L) {
  struct rl_http_exchange *exchange = rl_http_handle_check(L, 1, RL_HTTP_REQUEST);
  luaL_checktype(L, 2, LUA_TSTRING);
  lua_settop(L, 2);
  rl_http_input_replace(L, exchange);
  return 0;
}

static void new_type(lua_State *L, const char *name, const luaL_Reg *meta,
                     const luaL_Reg *methods) {
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, meta, 0);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

/* [module] */
void rl_lib_http_multipart(lua_State *L) {
  static const luaL_Reg functions[] = {{"multipart", parser_new},
                                       {"upload", upload_open},
                                       {"replace_body", replace_body},
                                       {NULL, NULL}};
  static const luaL_Reg parser_meta[] = {{"__gc", parser_collect}, {NULL, NULL}};
  static const luaL_Reg parser[] = {{"feed", parser_feed}, {"next", parser_next}, {NULL, NULL}};
  static const luaL_Reg upload_meta[] = {
      {"__gc", rl_http_upload_collect}, {"__close", rl_http_upload_collect}, {NULL, NULL}};
  static const luaL_Reg upload[] = {
      {"write", rl_http_upload_write}, {"finish", rl_http_upload_finish}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  new_type(L, PARSER, parser_meta, parser);
  new_type(L, RL_HTTP_UPLOAD, upload_meta, upload);
}
