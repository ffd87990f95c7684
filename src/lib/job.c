/* rille.job: the part of rille about kinds of tasks. Not for scripts, which find it in rille. A job
 * object holds the function, as its first user value, and its options, a table, as its second, so
 * that it can cross domains. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "domain/detach.h"
#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/job.h"
#include "domain/overload.h"
#include "domain/pool.h"
#include "lib/modules.h"
#include "vm/check.h"
#include "vm/names.h"

#define JOB "job"

struct handle {
  struct rl_job *job;
};

static struct rl_jobs *jobs_of(lua_State *L) {
  return &rl_domain_of(L)->settings->pool->jobs;
}

static struct rl_job *check_job(lua_State *L) {
  struct handle *handle = rl_check_self(L, JOB);
  return handle->job;
}

/* -- options ------------------------------------------------------------------------------- */

struct options {
  struct rl_job_settings settings;
  const char *name, *key; /* anchored in the table of options, or on the stack */
};

static const char *const levels[] = {"high", "normal", "low", NULL};
static const char *const policies[] = {"wait", "fail", "drop_oldest", NULL};

/* The value on top is not what the option takes. */
static _Noreturn void bad_value(lua_State *L, const char *option, const char *expected) {
  const char *got = luaL_tolstring(L, -1, NULL);
  luaL_error(L, "rille.job: option '%s' must be %s, got %s", option, expected, got);
  abort(); /* luaL_error does not return */
}

/* ns, at least one. */
static uint64_t seconds_at_top(lua_State *L, const char *option) {
  enum { MOST = 1000000000 };
  lua_Number seconds = lua_tonumber(L, -1);
  if (lua_type(L, -1) != LUA_TNUMBER || !(seconds > 0 && seconds <= MOST))
    bad_value(L, option, "a number of seconds, above 0 and at most 1e9");
  return (uint64_t)ceil(seconds * 1e9);
}

static unsigned choice_at_top(lua_State *L, const char *option, const char *const names[],
                              const char *expected) {
  const char *value = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  for (unsigned i = 0; names[i]; i++)
    if (strcmp(names[i], value) == 0)
      return i;
  bad_value(L, option, expected);
}

static const char *text_at_top(lua_State *L, const char *option) {
  if (lua_type(L, -1) != LUA_TSTRING || strlen(lua_tostring(L, -1)) != lua_rawlen(L, -1))
    bad_value(L, option, "a string without zero bytes");
  return lua_tostring(L, -1);
}

static unsigned count_at_top(lua_State *L, const char *option) {
  int whole;
  lua_Integer count = lua_tointegerx(L, -1, &whole);
  if (lua_type(L, -1) != LUA_TNUMBER || !whole || count < 1 || count > INT32_MAX)
    bad_value(L, option, "an integer of at least 1");
  return (unsigned)count;
}

static lua_Integer amount_at_top(lua_State *L, const char *option) {
  int whole;
  lua_Integer amount = lua_tointegerx(L, -1, &whole);
  if (lua_type(L, -1) != LUA_TNUMBER || !whole || amount < 1)
    bad_value(L, option, "an integer of at least 1");
  return amount;
}

/* [.., value] */
static void read_option(lua_State *L, const char *option, struct options *options) {
  struct rl_job_settings *settings = &options->settings;
  if (strcmp(option, "name") == 0)
    options->name = text_at_top(L, option);
  else if (strcmp(option, "key") == 0)
    options->key = text_at_top(L, option);
  else if (strcmp(option, "timeout") == 0)
    settings->timeout = seconds_at_top(L, option);
  else if (strcmp(option, "deadline") == 0)
    settings->deadline = seconds_at_top(L, option);
  else if (strcmp(option, "memory") == 0)
    settings->limits.memory = (size_t)amount_at_top(L, option);
  else if (strcmp(option, "instructions") == 0)
    settings->limits.instructions = (uint64_t)amount_at_top(L, option);
  else if (strcmp(option, "max_running") == 0)
    settings->max_running = count_at_top(L, option);
  else if (strcmp(option, "priority") == 0)
    settings->level = choice_at_top(L, option, levels, "\"high\", \"normal\" or \"low\"");
  else if (strcmp(option, "on_full") == 0)
    settings->on_full = choice_at_top(L, option, policies, "\"wait\", \"fail\" or \"drop_oldest\"");
  else
    luaL_error(L,
               "rille.job: unknown option '%s' (there are name, key, priority, timeout, deadline, "
               "memory, instructions, max_running and on_full)",
               option);
}

static void read_options(lua_State *L, int table, struct options *options) {
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "rille.job: the options have a key that is a %s, not a name",
                 luaL_typename(L, -2));
    read_option(L, lua_tostring(L, -2), options);
  }
}

/* [.., path] -> [.., path, name]: a path of names.h, as scripts write it. */
static const char *push_dotted(lua_State *L) {
  size_t size;
  const char *path = lua_tolstring(L, -1, &size);
  luaL_Buffer name;
  luaL_buffinit(L, &name);
  for (size_t i = 0; i + 1 < size; i++) /* but for the last zero byte */
    luaL_addchar(&name, path[i] ? path[i] : '.');
  luaL_pushresult(&name);
  return lua_tostring(L, -1);
}

/* [.., function] -> [.., function, .., name]: where it is defined; in C, what it is called. */
static const char *push_place(lua_State *L, int function) {
  lua_Debug info;
  lua_pushvalue(L, function);
  lua_getinfo(L, ">S", &info);
  if (*info.what == 'C' && rl_names_find(L, function))
    return push_dotted(L);
  return lua_pushfstring(L, "%s:%d", info.short_src, info.linedefined);
}

/* -- objects ------------------------------------------------------------------------------- */

/* [fn, options] -> [.., job]: a handle without a job yet. */
static struct handle *push_handle(lua_State *L) {
  struct handle *handle = lua_newuserdatauv(L, sizeof *handle, 2);
  handle->job = NULL;
  luaL_setmetatable(L, JOB);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 2);
  return handle;
}

/* [fn, options] -> [.., copy]: so that changing the table later changes nothing. */
static void copy_options(lua_State *L) {
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, 2);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
  lua_replace(L, 2);
}

/* rille.job(fn [, options]) -> job
 *
 * A kind of task: job(...) detaches fn(...) as rille.detach does, job:submit(...) submits it as
 * rille.submit does. What is refused or dropped gets an error that is a table, an overload. Does
 * not suspend. Errors: unknown options, values out of range.
 *
 * Options:
 *
 *     name           what figures and errors call it; if not given, where fn is defined, or
 *                    the name of a function in C
 *     priority       "high", "normal" (as without a job) or "low": strictly in this order, but a
 *                    task that has waited a second longer counts as one of the next level
 *     key            a string, such as a tenant: keys of one level take turns, task by task; all
 *                    tasks without one count as one key
 *     deadline       seconds from the call to the end. Within a key the earliest goes first; a task
 *                    without one counts as due after a second. A task that would be late, by the
 *                    forecast, is refused at once; a queued one is dropped when it is too late to
 *                    begin
 *     timeout        seconds that a task may run, neither queue nor waits included
 *     memory         bytes of Lua memory that a task may hold, with the fibers that it spawns,
 *                    and what it has sent into channels, while that waits there. Before it is ended
 *                    for more, garbage is collected; for a moment, inside one C function, it may
 *                    hold twice as much. Allocating takes about half as long again
 *     instructions   how many of Lua's a task may execute. They are counted in steps of 100 for
 *                    each of its coroutines, by a debug hook, with which code runs at about a third
 *                    of its speed. What a C function does counts as the call. debug.sethook is an
 *                    error then
 *     max_running    tasks of this job that may have begun and not ended; others wait in the queue
 *     on_full        when the queue is full: "wait" for room; "fail" at once; "drop_oldest": the
 *                    oldest queued task of this job is dropped, and if there is none it fails */
static int job_new(lua_State *L) {
  struct options options = {.settings = {.level = RL_LEVEL_NORMAL}};
  if (!lua_isfunction(L, 1) || !(lua_isnoneornil(L, 2) || lua_istable(L, 2)))
    luaL_error(L, "rille.job: expected a function and a table of options, got %s and %s",
               luaL_typename(L, 1), luaL_typename(L, 2));
  if (lua_isnoneornil(L, 2)) {
    lua_settop(L, 1);
    lua_newtable(L);
  }
  lua_settop(L, 2);
  copy_options(L);
  read_options(L, 2, &options);
  if (!options.name)
    options.name = push_place(L, 1);
  struct handle *handle = push_handle(L);
  handle->job = rl_job_new(jobs_of(L), &options.settings, options.name, options.key);
  return handle->job ? 1 : luaL_error(L, "not enough memory");
}

/* What __pack names: the job with this id if anyone holds it still, else one like it.
 * [fn, options, id] -> [job] */
static int job_open(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  luaL_checktype(L, 2, LUA_TTABLE);
  uint64_t id = (uint64_t)luaL_checkinteger(L, 3);
  struct handle *handle = push_handle(L);
  handle->job = rl_job_find(jobs_of(L), id);
  if (handle->job)
    return 1;
  lua_settop(L, 2);
  return job_new(L);
}

static int job_pack(lua_State *L) {
  struct rl_job *job = check_job(L);
  lua_pushcfunction(L, job_open);
  lua_getiuservalue(L, 1, 1);
  lua_getiuservalue(L, 1, 2);
  lua_pushinteger(L, (lua_Integer)job->id);
  return 4;
}

static int job_collect(lua_State *L) {
  struct handle *handle = rl_check_self(L, JOB);
  if (handle->job)
    rl_job_release(handle->job);
  handle->job = NULL;
  return 0;
}

static int job_tostring(lua_State *L) {
  lua_pushfstring(L, "job '%s'", check_job(L)->account->name);
  return 1;
}

/* [job, args..] -> [fn, args.., job]: which keeps it from being collected meanwhile. */
static struct rl_job *begin(lua_State *L, const char *what) {
  struct rl_job *job = check_job(L);
  rl_wait_check(L, what);
  lua_pushvalue(L, 1);
  lua_getiuservalue(L, 1, 1);
  lua_replace(L, 1);
  return job;
}

/* The type job of rille: a kind of task. It may cross domains, as an argument or captured, and
 * counts as the same job there. */

/* job(...) -> results: runs the job's function on a compute domain, as rille.detach does. May
 * suspend. Errors: an overload besides. */
static int job_call(lua_State *L) {
  return rl_detach_job(L, begin(L, "a call of a job"));
}

/* job:submit(...) -> task: as rille.submit. May suspend, if the queue is full and on_full is
 * "wait". */
static int job_submit(lua_State *L) {
  return rl_submit_job(L, begin(L, "job:submit"));
}

/* The type overload of rille: the error of a task that was refused or dropped, which tostring puts
 * into words; over HTTP it is answered with 503 and Retry-After. It may cross domains. Nothing of
 * it suspends.
 *
 * Fields:
 *
 *     reason        string: "overloaded", by the forecast; "full"; "dropped", for a newer one; or
 *                   "expired"
 *     text          string: the reason in words
 *     job           string: its name
 *     wait          number: seconds that a new task would probably be queued
 *     retry_after   number: seconds after which trying again has a chance
 *     deadline      number|nil: the job's, in seconds */

static const luaL_Reg methods[] = {{"submit", job_submit}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__call", job_call},
                                       {"__tostring", job_tostring},
                                       {"__gc", job_collect},
                                       {"__pack", job_pack},
                                       {NULL, NULL}};

static const luaL_Reg functions[] = {{"job", job_new}, {"open", job_open}, {NULL, NULL}};

int luaopen_rille_job(lua_State *L) {
  luaL_newmetatable(L, JOB);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  luaL_newmetatable(L, RL_OVERLOAD);
  lua_pushcfunction(L, rl_overload_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_setfield(L, -2, "Overload"); /* so that it crosses domains by name */
  return 1;
}
