/* rille.command.core: what the commands in lua/rille/command/ need of the system. Not for scripts:
 * it may change at any time. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/prompt.h"
#include "lib/modules.h"
#include "serve/socket.h"
#include "serve/tcp.h"

/* [] -> [nil, text] */
static int fail(lua_State *L, const char *path) {
  luaL_pushfail(L);
  lua_pushfstring(L, "%s: %s", path, strerror(errno));
  return 2;
}

/* core.make_folder(path) -> true | nil, message; its parent must be there, and itself not. */
static int make_folder(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  if (mkdir(path, 0777) != 0)
    return fail(L, path);
  lua_pushboolean(L, true);
  return 1;
}

static const char *kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
  case S_IFREG: return "file";
  case S_IFDIR: return "folder";
  case S_IFSOCK: return "socket";
  default: return "other";
  }
}

/* core.look_at(path) -> { kind, mode, owner, stamp } | nil, message
 *
 * `stamp` is a string that is another one when the file is, or has been written to. */
static int look_at(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct stat about;
  if (stat(path, &about) != 0)
    return fail(L, path);
  lua_createtable(L, 0, 4);
  lua_pushstring(L, kind_of(about.st_mode));
  lua_setfield(L, -2, "kind");
  lua_pushinteger(L, about.st_mode & 07777);
  lua_setfield(L, -2, "mode");
  lua_pushinteger(L, about.st_uid);
  lua_setfield(L, -2, "owner");
  lua_pushfstring(L, "%I %I %I.%I", (LUAI_UACINT)about.st_ino, (LUAI_UACINT)about.st_size,
                  (LUAI_UACINT)about.st_mtim.tv_sec, (LUAI_UACINT)about.st_mtim.tv_nsec);
  lua_setfield(L, -2, "stamp");
  return 1;
}

/* core.restrict(path, mode) -> true | nil, message */
static int restrict_mode(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  if (chmod(path, (mode_t)luaL_checkinteger(L, 2)) != 0)
    return fail(L, path);
  lua_pushboolean(L, true);
  return 1;
}

/* core.user() -> integer: as whom the program acts. */
static int user(lua_State *L) {
  lua_pushinteger(L, geteuid());
  return 1;
}

/* core.peer(conn) -> integer | nil, message: whose program is at the other end of a Unix socket. */
static int peer(lua_State *L) {
  const struct rl_socket *socket = rl_socket_check(L, 1);
  struct ucred who = {.uid = (uid_t)-1};
  socklen_t size = sizeof who;
  uv_os_fd_t fd;
  if (!socket->stream.open || uv_fileno(&socket->stream.uv.handle, &fd) != 0)
    errno = ENOTCONN;
  else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0) {
    lua_pushinteger(L, who.uid);
    return 1;
  }
  return fail(L, "connection");
}

/* core.let_end(listener): it does not keep the program from ending. */
static int let_end(lua_State *L) {
  uv_unref((uv_handle_t *)&rl_tcp_check(L)->listener.poll);
  return 0;
}

/* core.is_terminal() -> boolean: whether somebody types, and sees what is printed. */
static int is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty(STDIN_FILENO) && isatty(STDOUT_FILENO));
  return 1;
}

/* core.await_interrupt(): waits for Ctrl-C, which does not end the program any more. May suspend.
 * One fiber at a time; what computes meanwhile is ended by it, with the error "interrupted". */

/* core.bound_turn(seconds): the calling fiber may hold up the loop for so long; then it is ended.
 */
static int bound_turn(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  rl_fiber_bound(rl_fiber_running(L), (uint64_t)(seconds * 1e9), 0);
  return 0;
}

int luaopen_rille_command_core(lua_State *L) {
  static const luaL_Reg functions[] = {{"make_folder", make_folder},
                                       {"look_at", look_at},
                                       {"restrict", restrict_mode},
                                       {"user", user},
                                       {"peer", peer},
                                       {"let_end", let_end},
                                       {"is_terminal", is_terminal},
                                       {"await_interrupt", rl_prompt_await},
                                       {"bound_turn", bound_turn},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  rl_lib_command_child(L);
  rl_lib_command_input(L);
  return 1;
}
