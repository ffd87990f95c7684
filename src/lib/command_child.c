/* A part of rille.command.core: another program, with this one's standard streams and environment.
 *
 * The block has two holders: the userdata, and libuv's handle until that is closed. The handle is
 * closed when both the program has ended and that has been noted, or the userdata is collected. */
#include <lauxlib.h>
#include <signal.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "lib/modules.h"

#define CHILD "child"

struct child {
  uv_process_t process;
  struct rl_heap *heap;
  struct rl_wait wait; /* of who waits for its end */
  unsigned holders;
  bool running;
  int status; /* when it has ended: as a shell has it */
};

static void let_go(struct child *child) {
  if (--child->holders == 0)
    rl_free(child->heap, child, sizeof *child);
}

static void on_closed(uv_handle_t *handle) {
  let_go(RL_OF(handle, struct child, process));
}

static void on_exit(uv_process_t *process, int64_t status, int signal) {
  struct child *child = RL_OF(process, struct child, process);
  child->running = false;
  child->status = signal ? 128 + signal : (int)status;
  uv_close((uv_handle_t *)process, on_closed);
  rl_wake(&child->wait, 0);
}

static struct child *check(lua_State *L) {
  return *(struct child **)luaL_checkudata(L, 1, CHILD);
}

/* [argv] -> [argv, text..]: its words, which stay on the stack. */
static char **words_of(lua_State *L) {
  lua_Integer count = luaL_len(L, 1);
  luaL_argcheck(L, count >= 1 && count < INT16_MAX, 1, "a list of words expected");
  char **words = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *words, 0);
  luaL_checkstack(L, (int)count + LUA_MINSTACK, "too many words");
  for (lua_Integer i = 1; i <= count; i++) {
    lua_geti(L, 1, i);
    words[i - 1] = (char *)(size_t)luaL_checkstring(L, -1); /* libuv only reads them */
  }
  words[count] = NULL;
  return words;
}

static int spawn(struct child *child, uv_loop_t *loop, char **words) {
  uv_stdio_container_t streams[3];
  for (int fd = 0; fd < 3; fd++)
    streams[fd] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = fd};
  uv_process_options_t options = {
      .exit_cb = on_exit, .file = words[0], .args = words, .stdio = streams, .stdio_count = 3};
  int status = uv_spawn(loop, &child->process, &options);
  child->holders++;
  child->running = status == 0;
  if (status != 0)
    uv_close((uv_handle_t *)&child->process, on_closed);
  return status;
}

/* core.start(argv) -> child | nil, message: starts a program, which PATH finds. */
static int start(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  struct rl_domain *domain = rl_domain_of(L);
  char **words = words_of(L);
  struct child **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, CHILD);
  struct child *child = *box = rl_zalloc(domain->settings->heap, sizeof *child);
  if (!child)
    return luaL_error(L, "not enough memory");
  child->heap = domain->settings->heap;
  child->holders = 1;
  int status = spawn(child, domain->loop, words);
  if (status == 0)
    return 1;
  luaL_pushfail(L);
  lua_pushfstring(L, "cannot start %s: %s", words[0], uv_strerror(status));
  return 2;
}

static int waited(lua_State *L, int status, lua_KContext context) {
  (void)status;
  lua_pushinteger(L, ((struct child *)context)->status);
  return 1;
}

/* child:wait() -> integer: waits for its end: its exit status, or 128 and the signal that ended it.
 * One fiber at a time. */
static int child_wait(lua_State *L) {
  struct child *child = check(L);
  if (!child->running)
    return waited(L, LUA_OK, (lua_KContext)child);
  if (rl_wait_pending(&child->wait))
    return luaL_error(L, "child:wait: another fiber waits already");
  rl_wait_check(L, "child:wait");
  return rl_park(L, &child->wait, NULL, waited, (lua_KContext)child);
}

/* child:stop(): asks it to end, as SIGTERM does. */
static int child_stop(lua_State *L) {
  struct child *child = check(L);
  if (child->running)
    uv_process_kill(&child->process, SIGTERM);
  return 0;
}

/* It is not waited for any more, and asked to end. */
static int collect(lua_State *L) {
  struct child **box = luaL_checkudata(L, 1, CHILD);
  struct child *child = *box;
  *box = NULL;
  if (!child)
    return 0;
  if (child->running) {
    child->running = false;
    uv_process_kill(&child->process, SIGTERM);
    uv_close((uv_handle_t *)&child->process, on_closed);
  }
  let_go(child);
  return 0;
}

void rl_lib_command_child(lua_State *L) {
  static const luaL_Reg methods[] = {{"wait", child_wait}, {"stop", child_stop}, {NULL, NULL}};
  luaL_newmetatable(L, CHILD);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, start);
  lua_setfield(L, -2, "start_program");
}
