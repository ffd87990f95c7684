/* Source: reading and compiling. */
#include "host/source.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "host/search.h"

void rl_source_init(struct rl_source *source, struct rl_heap *heap) {
  *source = (struct rl_source){.script = {.argc = 0}};
  rl_buffer_init(&source->file, heap);
}

void rl_source_free(struct rl_source *source) {
  rl_buffer_free(&source->file);
}

static int read_all(struct rl_buffer *into, FILE *file) {
  enum { PIECE = 64 * 1024 };
  size_t count = PIECE;
  while (count == PIECE) {
    unsigned char *room = rl_buffer_extend(into, PIECE);
    if (!room) {
      errno = ENOMEM;
      return -1;
    }
    errno = 0;
    count = fread(room, 1, PIECE, file);
    into->size -= PIECE - count;
  }
  return ferror(file) ? -1 : 0;
}

int rl_source_read(struct rl_source *source, const struct rille_script *script) {
  source->script = *script;
  if (script->text)
    return 0;
  source->read = true;
  FILE *file = script->path ? fopen(script->path, "re") : stdin;
  if (!file)
    return -1;
  int status = read_all(&source->file, file), error = errno;
  if (file != stdin)
    fclose(file);
  source->script.text = source->file.bytes ? (const char *)source->file.bytes : "";
  source->script.size = source->file.size;
  errno = error;
  return status;
}

/* What Lua's own loader passes over in files: a byte order mark, then a line that begins with "#",
 * up to its end, so that lines keep their numbers. */
static void skip_comment(const char **text, size_t *size) {
  static const char mark[] = "\xEF\xBB\xBF";
  size_t skipped = 0;
  if (*size >= 3 && memcmp(*text, mark, 3) == 0)
    skipped = 3;
  if (*size > skipped && (*text)[skipped] == '#') {
    const char *end = memchr(*text + skipped, '\n', *size - skipped);
    skipped = end ? (size_t)(end - *text) : *size;
  }
  *text += skipped;
  *size -= skipped;
}

/* [] -> [function] */
static void compile(lua_State *L, const struct rille_script *script, bool is_file) {
  const char *text = script->text;
  size_t size = script->size;
  if (is_file)
    skip_comment(&text, &size);
  if (!is_file)
    lua_pushstring(L, script->name);
  else if (script->path)
    lua_pushfstring(L, "@%s", script->path);
  else
    lua_pushliteral(L, "=stdin");
  if (luaL_loadbufferx(L, text, size, lua_tostring(L, -1), "t") != LUA_OK)
    lua_error(L);
  lua_remove(L, -2);
}

static void set_arg(lua_State *L, const struct rille_script *script) {
  lua_createtable(L, script->argc, script->script_at + 1);
  for (int i = 0; i < script->argc; i++) {
    lua_pushstring(L, script->argv[i]);
    lua_rawseti(L, -2, i - script->script_at);
  }
  lua_setglobal(L, "arg");
}

void rl_source_load(const struct rl_source *source, lua_State *L) {
  const struct rille_script *script = &source->script;
  if (script->path)
    rl_search_beside(L, script->path);
  set_arg(L, script);
  int nargs = script->argc - script->script_at - 1;
  luaL_checkstack(L, nargs + LUA_MINSTACK, "too many arguments");
  compile(L, script, source->read);
  for (int i = 1; i <= nargs; i++)
    lua_pushstring(L, script->argv[script->script_at + i]);
}
