/* rille.compress: the codings "gzip", "br" (Brotli) and "zstd", whole strings and streams.
 *
 * None of these functions suspends; all may be called on any domain. They keep a core busy: large
 * texts are better compressed by rille.detach(compress.encode, text, "br"). What a client sent is
 * decoded with a limit, for a kilobyte may stand for gigabytes. A coding whose library was not
 * there when Rille was configured is an error that says so. */
#include <lauxlib.h>
#include <string.h>

#include "codec/coder.h"
#include "domain/domain.h"
#include "lib/modules.h"

#define ENCODER "rille.compress.encoder"
#define DECODER "rille.compress.decoder"

enum { USUAL_LIMIT = 8 * 1024 * 1024 };

struct stream {
  struct rl_coder coder;
  struct rl_buffer out;
  bool over; /* finished or failed */
};

/* -- arguments ------------------------------------------------------------------------------ */

static const struct rl_coding *find_coding(const char *name) {
  static const struct rl_coding *const codings[] = {&rl_coding_gzip, &rl_coding_brotli,
                                                    &rl_coding_zstd};
  for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
    if (strcmp(codings[i]->name, name) == 0)
      return codings[i];
  return NULL;
}

static const struct rl_coding *check_coding(lua_State *L, int arg) {
  const char *name = luaL_checkstring(L, arg);
  const struct rl_coding *coding = find_coding(name);
  if (!coding)
    luaL_argerror(L, arg,
                  lua_pushfstring(L, "unknown coding \"%s\" (there are gzip, br and zstd)", name));
  if (coding->package)
    luaL_error(L, "the coding \"%s\" is not in this build: %s was not found when it was configured",
               name, coding->package);
  return coding;
}

static int check_level(lua_State *L, int arg, const struct rl_coding *coding) {
  lua_Integer level = luaL_optinteger(L, arg, coding->usual);
  if (level < coding->least || level > coding->most)
    luaL_argerror(L, arg,
                  lua_pushfstring(L, "the level of %s is from %d to %d", coding->name,
                                  coding->least, coding->most));
  return (int)level;
}

static uint64_t check_limit(lua_State *L, int arg) {
  lua_Integer limit = luaL_optinteger(L, arg, USUAL_LIMIT);
  luaL_argcheck(L, limit >= 0, arg, "the limit must not be negative");
  return (uint64_t)limit;
}

static struct rl_slice check_slice(lua_State *L, int arg) {
  struct rl_slice slice;
  slice.bytes = luaL_checklstring(L, arg, &slice.size);
  return slice;
}

/* -- streams -------------------------------------------------------------------------------- */

static struct stream *push_stream(lua_State *L, const char *type) {
  struct stream *stream = lua_newuserdatauv(L, sizeof *stream, 0);
  *stream = (struct stream){.over = false};
  rl_buffer_init(&stream->out, rl_domain_of(L)->settings->heap);
  luaL_setmetatable(L, type);
  return stream;
}

static void end_stream(struct stream *stream) {
  rl_coder_end(&stream->coder);
  rl_buffer_free(&stream->out);
  stream->over = true;
}

static void begin_encoder(lua_State *L, struct stream *stream, const struct rl_coding *coding,
                          int level, size_t hint) {
  if (rl_coder_begin_encoder(&stream->coder, coding, stream->out.heap, level, hint) != 0)
    luaL_error(L, "not enough memory");
}

static void begin_decoder(lua_State *L, struct stream *stream, const struct rl_coding *coding,
                          uint64_t limit) {
  if (rl_coder_begin_decoder(&stream->coder, coding, stream->out.heap, limit) != 0)
    luaL_error(L, "not enough memory");
}

/* Pushes what a feed gave, and empties the buffer. */
static int push_out(lua_State *L, struct stream *stream) {
  lua_pushlstring(L, stream->out.size ? (const char *)stream->out.bytes : "", stream->out.size);
  stream->out.size = 0;
  return 1;
}

static int push_failure(lua_State *L, struct stream *stream, enum rl_coder_status status) {
  end_stream(stream);
  if (status == RL_CODER_NO_MEMORY)
    return luaL_error(L, "not enough memory");
  luaL_pushfail(L);
  lua_pushstring(L, status == RL_CODER_TOO_LARGE ? "too large" : "malformed");
  return 2;
}

static struct stream *check_stream(lua_State *L, const char *type) {
  struct stream *stream = luaL_checkudata(L, 1, type);
  luaL_argcheck(L, !stream->over, 1, "the stream is over");
  return stream;
}

static int feed(lua_State *L, struct stream *stream, struct rl_slice text,
                enum rl_coder_step step) {
  enum rl_coder_status status = rl_coder_feed(&stream->coder, text, step, &stream->out);
  if (status != RL_CODER_WENT && status != RL_CODER_ENDED)
    return push_failure(L, stream, status);
  return push_out(L, stream);
}

/* The type encoder of rille.compress: compresses what comes piece by piece. It stays in its domain;
 * nothing of it suspends. */

/* The type decoder of rille.compress: the other way round, with a limit. It stays in its domain;
 * nothing of it suspends. */

/* compress.encoder(coding [, level]) -> encoder: levels are those of compress.encode. */
static int new_encoder(lua_State *L) {
  const struct rl_coding *coding = check_coding(L, 1);
  int level = check_level(L, 2, coding);
  begin_encoder(L, push_stream(L, ENCODER), coding, level, 0);
  return 1;
}

/* encoder:feed(text [, flush]) -> bytes
 *
 * What there is to send so far, perhaps nothing; with `flush`, all that the receiver needs to read
 * the text, at some cost in size. */
static int encoder_feed(lua_State *L) {
  struct stream *stream = check_stream(L, ENCODER);
  struct rl_slice text = check_slice(L, 2);
  return feed(L, stream, text, lua_toboolean(L, 3) ? RL_CODER_FLUSH : RL_CODER_GO);
}

/* encoder:finish([text]) -> bytes: the last ones. Nothing can be done with it afterwards. */
static int encoder_finish(lua_State *L) {
  struct stream *stream = check_stream(L, ENCODER);
  struct rl_slice text = {"", 0};
  if (!lua_isnoneornil(L, 2))
    text = check_slice(L, 2);
  int count = feed(L, stream, text, RL_CODER_FINISH);
  end_stream(stream);
  return count;
}

/* compress.decoder(coding [, limit]) -> decoder: gives `limit` bytes in all (8 MiB). */
static int new_decoder(lua_State *L) {
  const struct rl_coding *coding = check_coding(L, 1);
  uint64_t limit = check_limit(L, 2);
  begin_decoder(L, push_stream(L, DECODER), coding, limit);
  return 1;
}

/* decoder:feed(bytes) -> text | nil, "malformed" | nil, "too large": what they stand for so far,
 * perhaps nothing. */
static int decoder_feed(lua_State *L) {
  struct stream *stream = check_stream(L, DECODER);
  return feed(L, stream, check_slice(L, 2), RL_CODER_GO);
}

/* decoder:finish() -> true | nil, "truncated": whether the stream has come to its end. */
static int decoder_finish(lua_State *L) {
  struct stream *stream = check_stream(L, DECODER);
  bool ended = stream->coder.ended;
  end_stream(stream);
  if (ended) {
    lua_pushboolean(L, true);
    return 1;
  }
  luaL_pushfail(L);
  lua_pushliteral(L, "truncated");
  return 2;
}

static int stream_collect(lua_State *L) {
  struct stream *stream = luaL_testudata(L, 1, ENCODER);
  end_stream(stream ? stream : luaL_checkudata(L, 1, DECODER));
  return 0;
}

/* -- whole strings -------------------------------------------------------------------------- */

/* compress.encode(text, coding [, level]) -> bytes
 *
 * Levels: gzip 1 to 9 (6), br 0 to 11 (4), zstd 1 to 19 (3). */
static int encode(lua_State *L) {
  struct rl_slice text = check_slice(L, 1);
  const struct rl_coding *coding = check_coding(L, 2);
  int level = check_level(L, 3, coding);
  struct stream *stream = push_stream(L, ENCODER);
  begin_encoder(L, stream, coding, level, text.size);
  int count = feed(L, stream, text, RL_CODER_FINISH);
  end_stream(stream);
  return count;
}

/* compress.decode(bytes, coding [, limit]) -> text | nil, message
 *
 * The message is "malformed", "truncated" or, when the text has more than `limit` bytes (8 MiB),
 * "too large". */
static int decode(lua_State *L) {
  struct rl_slice bytes = check_slice(L, 1);
  const struct rl_coding *coding = check_coding(L, 2);
  uint64_t limit = check_limit(L, 3);
  struct stream *stream = push_stream(L, DECODER);
  begin_decoder(L, stream, coding, limit);
  int count = feed(L, stream, bytes, RL_CODER_GO);
  bool truncated = count == 1 && !stream->coder.ended;
  end_stream(stream);
  if (!truncated)
    return count;
  luaL_pushfail(L);
  lua_pushliteral(L, "truncated");
  return 2;
}

/* compress.has(coding) -> boolean: whether it is a coding that this build has. */
static int has(lua_State *L) {
  const struct rl_coding *coding = find_coding(luaL_checkstring(L, 1));
  lua_pushboolean(L, coding && !coding->package);
  return 1;
}

/* -- the module ---------------------------------------------------------------------------- */

static const luaL_Reg encoder_methods[] = {
    {"feed", encoder_feed}, {"finish", encoder_finish}, {NULL, NULL}};

static const luaL_Reg decoder_methods[] = {
    {"feed", decoder_feed}, {"finish", decoder_finish}, {NULL, NULL}};

static const luaL_Reg functions[] = {
    {"encode", encode},       {"decode", decode}, {"encoder", new_encoder},
    {"decoder", new_decoder}, {"has", has},       {NULL, NULL},
};

static void new_type(lua_State *L, const char *name, const luaL_Reg *methods) {
  if (luaL_newmetatable(L, name)) {
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, stream_collect);
    lua_setfield(L, -2, "__gc");
  }
  lua_pop(L, 1);
}

int luaopen_rille_compress(lua_State *L) {
  new_type(L, ENCODER, encoder_methods);
  new_type(L, DECODER, decoder_methods);
  luaL_newlib(L, functions);
  return 1;
}
