/* rille.log: what a program has to tell those who run it. None of its functions
 * suspends, or waits for a disk; all may be called on any domain, and what is set holds for all.
 *
 *     rille.log.info("served", { route = "/x", ms = 3 })
 *
 * A line has the time (UTC), the level, the message, the domain; then what rille.context carries,
 * the request's id among it; then the fields, by name. On a terminal it is text, else a JSON
 * object. See docs/logging.md. */
#include <lauxlib.h>
#include <string.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/report.h"
#include "io/log_writer.h"
#include "lib/modules.h"
#include "vm/check.h"

enum { MOST_FIELDS = 64 };

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const forms[] = {"auto", "plain", "text", "json", NULL};

static struct rl_log *log_of(lua_State *L) {
  return &rl_domain_of(L)->settings->log;
}

/* -- fields ---------------------------------------------------------------------------------- */

struct fields {
  struct rl_log_field of[RL_REPORT_FIELDS + MOST_FIELDS];
  size_t count;
};

static struct rl_slice slice_at(lua_State *L, int index) {
  struct rl_slice slice;
  slice.bytes = lua_tolstring(L, index, &slice.size);
  return slice;
}

static bool is_same(struct rl_slice one, struct rl_slice other) {
  return one.size == other.size && memcmp(one.bytes, other.bytes, one.size) == 0;
}

/* [.., key, value]: what stands there must stay until the line is written. */
static void read_value(lua_State *L, struct rl_log_field *field) {
  switch (lua_type(L, -1)) {
  case LUA_TBOOLEAN:
    field->kind = RL_LOG_BOOLEAN;
    field->truth = lua_toboolean(L, -1);
    return;
  case LUA_TNUMBER:
    field->kind = lua_isinteger(L, -1) ? RL_LOG_INTEGER : RL_LOG_NUMBER;
    if (field->kind == RL_LOG_INTEGER)
      field->integer = lua_tointeger(L, -1);
    else
      field->number = lua_tonumber(L, -1);
    return;
  case LUA_TSTRING: break;
  default: luaL_tolstring(L, -1, NULL); lua_replace(L, -2);
  }
  field->kind = RL_LOG_STRING;
  field->text = slice_at(L, -1);
}

static void check_name(lua_State *L, const char *level, int index) {
  if (lua_type(L, index) != LUA_TSTRING)
    luaL_error(L, "log.%s: the names of fields are strings, got a %s", level,
               luaL_typename(L, index));
}

/* By name, so that lines of one kind look alike. */
static void insert(struct fields *fields, struct rl_log_field field) {
  size_t at = fields->count++;
  for (; at > 0; at--) {
    struct rl_slice before = fields->of[at - 1].name;
    size_t common = before.size < field.name.size ? before.size : field.name.size;
    int order = memcmp(before.bytes, field.name.bytes, common);
    if (order < 0 || (order == 0 && before.size <= field.name.size))
      break;
    fields->of[at] = fields->of[at - 1];
  }
  fields->of[at] = field;
}

/* [message, table] -> [.., keys and values..] */
static void read_fields(lua_State *L, const char *level, struct fields *fields) {
  fields->count = 0;
  if (lua_isnoneornil(L, 2))
    return;
  if (!lua_istable(L, 2))
    luaL_error(L, "log.%s: fields are given in a table, got a %s", level, luaL_typename(L, 2));
  luaL_checkstack(L, 2 * MOST_FIELDS + LUA_MINSTACK, "fields");
  for (lua_pushnil(L); lua_next(L, 2); lua_pushvalue(L, -2)) { // [.., key, value]
    struct rl_log_field field = {.own = false};
    check_name(L, level, -2);
    if (fields->count == MOST_FIELDS)
      luaL_error(L, "log.%s: a line has room for %d fields", level, MOST_FIELDS);
    field.name = slice_at(L, -2);
    read_value(L, &field);
    insert(fields, field);
  }
}

static bool is_given(const struct fields *fields, struct rl_slice name) {
  for (size_t i = 0; i < fields->count; i++)
    if (is_same(fields->of[i].name, name))
      return true;
  return false;
}

/* What the line bears by itself goes before the fields that were given, unless these say more. */
static void join(struct fields *fields, const struct rl_report *report) {
  struct rl_log_field own[RL_REPORT_FIELDS];
  size_t count = 0;
  for (size_t i = 0; i < report->count; i++)
    if (report->fields[i].own || !is_given(fields, report->fields[i].name))
      own[count++] = report->fields[i];
  memmove(fields->of + count, fields->of, fields->count * sizeof *fields->of);
  memcpy(fields->of, own, count * sizeof *own);
  fields->count += count;
}

/* -- logging --------------------------------------------------------------------------------- */

/* Nothing of Lua's is called any more, so that all that the entry points to stays. */
static void enter(lua_State *L, enum rl_log_level level, struct fields *fields, int message) {
  struct rl_domain *domain = rl_domain_of(L);
  struct rl_report report;
  rl_report_init(&report, domain, rl_report_context(rl_fiber_running(L)));
  join(fields, &report);
  rl_log_enter(&domain->settings->log, &(struct rl_log_entry){.level = level,
                                                              .message = slice_at(L, message),
                                                              .fields = fields->of,
                                                              .count = fields->count});
}

static int log_at(lua_State *L, enum rl_log_level level) { // [message, fields]
  struct fields fields;
  if (!rl_log_wants(log_of(L), level))
    return 0;
  luaL_checkany(L, 1);
  lua_settop(L, 2);
  luaL_tolstring(L, 1, NULL);
  lua_replace(L, 1);
  read_fields(L, levels[level], &fields);
  enter(L, level, &fields, 1);
  return 0;
}

/* log.debug(message [, fields])
 * log.info(message [, fields])
 * log.warn(message [, fields])
 * log.error(message [, fields])
 *
 * A line, unless the level of the log is above that. `fields` is a table: names, and strings,
 * numbers or booleans; of other values what tostring makes. A name that every line has already
 * (time, level, message, domain, trace, cut) becomes "fields.time" and so on, so that no line has a
 * name twice. When lines come faster than they can be written, some are lost: the log tells how
 * many as soon as it can. Errors: fields that are no table, names that are no strings, over 64. */
static int debug(lua_State *L) {
  return log_at(L, RL_LOG_DEBUG);
}

static int info(lua_State *L) {
  return log_at(L, RL_LOG_INFO);
}

static int warn(lua_State *L) {
  return log_at(L, RL_LOG_WARN);
}

static int error(lua_State *L) {
  return log_at(L, RL_LOG_ERROR);
}

/* -- settings -------------------------------------------------------------------------------- */

/* log.level([level]) -> level
 *
 * What is below the level is not logged, on any domain: "debug", "info" (as initially), "warn" or
 * "error". Returns what holds from now on. */
static int level(lua_State *L) {
  struct rl_log *log = log_of(L);
  if (!lua_isnoneornil(L, 1))
    atomic_store(&log->level, rl_check_choice(L, 1, NULL, levels));
  lua_pushstring(L, levels[atomic_load(&log->level)]);
  return 1;
}

/* log.form([form]) -> form
 *
 * How lines look: "text", "json", or "auto", as initially: text on a terminal, JSON otherwise; or
 * "plain", the message alone, as the runtime's own lines look before this module is loaded. Returns
 * what holds from now on, never "auto". */
static int form(lua_State *L) {
  struct rl_log *log = log_of(L);
  if (!lua_isnoneornil(L, 1))
    atomic_store(&log->form, rl_check_choice(L, 1, NULL, forms) + RL_LOG_AUTOMATIC);
  lua_pushstring(L, forms[(int)rl_log_form_of(log) - RL_LOG_AUTOMATIC]);
  return 1;
}

/* log.open(path) -> true | nil, message
 *
 * From now on lines are appended to the file, which is made if it is missing, and not to standard
 * error. Where the embedding program takes the log there is no file to open. */
static int open_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct rl_log_writer *writer = rl_domain_of(L)->settings->log_writer;
  int fault = writer ? rl_log_writer_open(writer, path) : 0;
  if (writer && fault == 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  if (writer)
    lua_pushfstring(L, "%s: %s", path, strerror(fault));
  else
    lua_pushliteral(L, "the log is the embedding program's");
  return 2;
}

/* log.reopen()
 *
 * The file of the log is opened anew, by its name, after it was renamed; the signal USR1 does the
 * same. If that fails, the log says so, and goes on in the old file. */
static int reopen(lua_State *L) {
  struct rl_log_writer *writer = rl_domain_of(L)->settings->log_writer;
  if (writer)
    rl_log_writer_reopen(writer);
  return 0;
}

/* log.lost() -> count: lines that have been lost so far. */
static int lost(lua_State *L) {
  const struct rl_log_writer *writer = rl_domain_of(L)->settings->log_writer;
  lua_pushinteger(L, writer ? (lua_Integer)rl_log_writer_lost(writer) : 0);
  return 1;
}

static const luaL_Reg functions[] = {
    {"debug", debug}, {"info", info},      {"warn", warn},     {"error", error}, {"level", level},
    {"form", form},   {"open", open_file}, {"reopen", reopen}, {"lost", lost},   {NULL, NULL},
};

/* A program that uses it has a log, for whoever reads logs: all its lines are of one form. */
int luaopen_rille_log(lua_State *L) {
  int before = RL_LOG_UNCHOSEN;
  atomic_compare_exchange_strong(&log_of(L)->form, &before, RL_LOG_AUTOMATIC);
  luaL_newlib(L, functions);
  return 1;
}
