/* rille.command.editor: a line that somebody types, by libedit. Not for scripts: it may change at
 * any time.
 *
 * libedit's unbuffered mode takes what one key means and returns; in between the fiber waits until
 * there is more to read, and the loop goes on. What needs Lua (a completion) is an event that is
 * returned as well, so that no Lua runs inside of libedit. Ctrl-C stays a signal: it has to reach
 * what computes, too.
 *
 * The block has two holders: the userdata, and libuv's handle. Main domain only; one at a time,
 * since the terminal is one. */
#include <histedit.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "io/ready.h"
#include "lib/modules.h"

#define EDITOR "editor"

enum { MOST_LINES = 1000, MOST_PROMPT = 64 };

enum event { NOTHING, COMPLETE, END };

struct editor {
  struct rl_ready ready; /* the terminal */
  struct rl_heap *heap;
  struct rl_wait wait;
  unsigned holders;
  bool waits; /* it is open */
  EditLine *line;
  History *history;
  enum event event; /* what the last key was, besides a part of the line */
  char prompt[MOST_PROMPT];
};

/* -- within libedit ------------------------------------------------------------------------ */

static struct editor *owner_of(EditLine *line) {
  struct editor *editor;
  el_get(line, EL_CLIENTDATA, &editor);
  return editor;
}

static const char *show_prompt(EditLine *line) {
  return owner_of(line)->prompt;
}

static unsigned char on_complete(EditLine *line, wint_t key) {
  (void)key;
  owner_of(line)->event = COMPLETE;
  return CC_NORM;
}

/* Ctrl-D: the end, or what stands at the cursor goes. */
static unsigned char on_delete(EditLine *edit, wint_t key) {
  const LineInfo *line = el_line(edit);
  (void)key;
  if (line->buffer == line->lastchar)
    owner_of(edit)->event = END;
  if (line->cursor == line->lastchar)
    return CC_NORM;
  el_cursor(edit, 1);
  el_deletestr(edit, 1);
  return CC_REFRESH;
}

/* -- life ---------------------------------------------------------------------------------- */

static void let_go(struct editor *editor) {
  if (--editor->holders == 0)
    rl_free(editor->heap, editor, sizeof *editor);
}

static void on_closed(struct rl_ready *ready) {
  let_go(RL_OF(ready, struct editor, ready));
}

static void on_readable(struct rl_ready *ready) {
  rl_wake(&RL_OF(ready, struct editor, ready)->wait, 0);
}

static void undo(struct rl_wait *wait) {
  rl_ready_stop(&RL_OF(wait, struct editor, wait)->ready);
}

/* Gives the terminal back as it was. */
static int collect(lua_State *L) {
  struct editor **box = luaL_checkudata(L, 1, EDITOR);
  struct editor *editor = *box;
  *box = NULL;
  if (!editor)
    return 0;
  if (editor->line)
    el_end(editor->line);
  if (editor->history)
    history_end(editor->history);
  if (editor->waits)
    rl_ready_close(&editor->ready);
  let_go(editor);
  return 0;
}

/* As wide strings, for of others libedit makes copies that it loses. */
static void add_keys(EditLine *line) {
  el_wset(line, EL_ADDFN, L"rille-complete", L"Complete a name", on_complete);
  el_wset(line, EL_ADDFN, L"rille-delete", L"Delete, or the end of the input", on_delete);
  el_set(line, EL_BIND, "^D", "rille-delete", NULL);
  el_set(line, EL_BIND, "^I", "rille-complete", NULL);
  el_set(line, EL_BIND, "^R", "em-inc-search-prev", NULL);
}

static bool open_line(struct editor *editor) {
  HistEvent event;
  editor->line = el_init("rille", stdin, stdout, stderr);
  editor->history = history_init();
  if (!editor->line || !editor->history)
    return false;
  EditLine *line = editor->line;
  history(editor->history, &event, H_SETSIZE, MOST_LINES);
  history(editor->history, &event, H_SETUNIQUE, 1);
  el_set(line, EL_CLIENTDATA, editor);
  el_set(line, EL_PROMPT, show_prompt);
  el_set(line, EL_HIST, history, editor->history);
  el_set(line, EL_EDITOR, "emacs");
  add_keys(line);
  return true;
}

static struct editor *check(lua_State *L) {
  return *(struct editor **)luaL_checkudata(L, 1, EDITOR);
}

/* editor.open() -> editor | nil, message: takes the terminal over, for lines that are to come. */
static int editor_open(lua_State *L) {
  struct rl_domain *domain = rl_domain_of(L);
  struct editor **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, EDITOR);
  struct editor *editor = *box = rl_zalloc(domain->settings->heap, sizeof *editor);
  if (!editor)
    return luaL_error(L, "not enough memory");
  editor->heap = domain->settings->heap;
  editor->holders = 1;
  editor->ready.readable = on_readable;
  editor->ready.closed = on_closed;
  if (open_line(editor) && rl_ready_open(&editor->ready, domain->loop, STDIN_FILENO) == 0) {
    editor->waits = true;
    editor->holders++;
    return 1;
  }
  luaL_pushfail(L);
  lua_pushliteral(L, "there is no terminal to type at");
  return 2;
}

/* -- a line -------------------------------------------------------------------------------- */

/* editor:begin(prompt): shows it, and keys count from now on. */
static int editor_begin(lua_State *L) {
  struct editor *editor = check(L);
  size_t size;
  const char *prompt = luaL_checklstring(L, 2, &size);
  luaL_argcheck(L, size < MOST_PROMPT, 2, "too long");
  memcpy(editor->prompt, prompt, size + 1);
  el_set(editor->line, EL_UNBUFFERED, 1);
  return 0;
}

/* editor:finish(): the terminal is as it was before. */
static int editor_finish(lua_State *L) {
  el_set(check(L)->line, EL_UNBUFFERED, 0);
  return 0;
}

static int complete(lua_State *L, struct editor *editor) {
  const LineInfo *line = el_line(editor->line);
  lua_pushliteral(L, "complete");
  lua_pushlstring(L, line->buffer, (size_t)(line->cursor - line->buffer));
  return 2;
}

/* Takes a key, for which there is something to read. */
static int take_key(lua_State *L, int status, lua_KContext context) {
  struct editor *editor = (struct editor *)context;
  int count = -1;
  (void)status;
  editor->event = NOTHING;
  const char *text = el_gets(editor->line, &count);
  if (editor->event == COMPLETE)
    return complete(L, editor);
  if (editor->event != NOTHING || (!text && count == 0)) { /* the terminal is gone */
    lua_pushliteral(L, "end");
    return 1;
  }
  if (!text || count <= 0 || text[count - 1] != '\n')
    return 0;
  lua_pushliteral(L, "line");
  lua_pushlstring(L, text, (size_t)count - 1);
  return 2;
}

/* editor:step() -> nothing | "line", text | "end" | "complete", text
 *
 * Waits for a key, and takes it. A line is complete; it is the end of the input; or what stands
 * before the cursor is to be completed. May suspend. */
static int editor_step(lua_State *L) {
  struct editor *editor = check(L);
  rl_wait_check(L, "editor:step");
  if (rl_ready_start(&editor->ready) != 0)
    return luaL_error(L, "the terminal cannot be waited for");
  return rl_park(L, &editor->wait, undo, take_key, (lua_KContext)editor);
}

/* editor:text() -> string: what has been typed of the line. */
static int editor_text(lua_State *L) {
  const LineInfo *line = el_line(check(L)->line);
  lua_pushlstring(L, line->buffer, (size_t)(line->lastchar - line->buffer));
  return 1;
}

/* editor:insert(text): as if it had been typed. */
static int editor_insert(lua_State *L) {
  struct editor *editor = check(L);
  el_insertstr(editor->line, luaL_checkstring(L, 2));
  el_set(editor->line, EL_REFRESH);
  return 0;
}

/* editor:refresh(): shows prompt and line again, behind something that was printed. */
static int editor_refresh(lua_State *L) {
  el_set(check(L)->line, EL_REFRESH);
  return 0;
}

/* -- history ------------------------------------------------------------------------------- */

/* editor:remember(text) */
static int editor_remember(lua_State *L) {
  HistEvent event;
  history(check(L)->history, &event, H_ENTER, luaL_checkstring(L, 2));
  return 0;
}

/* editor:load(path), editor:save(path): what was remembered; a file that is not there is an empty
 * one, and one that cannot be written is none. */
static int editor_load(lua_State *L) {
  HistEvent event;
  history(check(L)->history, &event, H_LOAD, luaL_checkstring(L, 2));
  return 0;
}

static int editor_save(lua_State *L) {
  HistEvent event;
  history(check(L)->history, &event, H_SAVE, luaL_checkstring(L, 2));
  return 0;
}

int luaopen_rille_command_editor(lua_State *L) {
  static const luaL_Reg functions[] = {{"open", editor_open}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"begin", editor_begin},     {"finish", editor_finish},
                                     {"step", editor_step},       {"insert", editor_insert},
                                     {"refresh", editor_refresh}, {"load", editor_load},
                                     {"save", editor_save},       {"remember", editor_remember},
                                     {"text", editor_text},       {NULL, NULL}};
  luaL_newmetatable(L, EDITOR);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
