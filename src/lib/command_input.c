/* A part of rille.command.core: waiting for standard input, so that reading it then does not hold
 * up the loop. The block has two holders: the userdata, and libuv's handle. */
#include <lauxlib.h>
#include <stdio.h>
#include <unistd.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "io/ready.h"
#include "lib/modules.h"

#define INPUT "input"

struct input {
  struct rl_ready ready;
  struct rl_heap *heap;
  struct rl_wait wait;
  unsigned holders;
  bool waits; /* there is something to wait for: it is no file */
};

static void let_go(struct input *input) {
  if (--input->holders == 0)
    rl_free(input->heap, input, sizeof *input);
}

static void on_readable(struct rl_ready *ready) {
  rl_wake(&RL_OF(ready, struct input, ready)->wait, 0);
}

static void on_closed(struct rl_ready *ready) {
  let_go(RL_OF(ready, struct input, ready));
}

static void undo(struct rl_wait *wait) {
  rl_ready_stop(&RL_OF(wait, struct input, wait)->ready);
}

/* core.open_input() -> input: takes standard input over. The C library reads no further than it is
 * asked to from then on, since what it holds back could not be waited for. */
static int open_input(lua_State *L) {
  struct rl_domain *domain = rl_domain_of(L);
  struct input **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, INPUT);
  struct input *input = *box = rl_zalloc(domain->settings->heap, sizeof *input);
  if (!input)
    return luaL_error(L, "not enough memory");
  input->heap = domain->settings->heap;
  input->ready.readable = on_readable;
  input->ready.closed = on_closed;
  input->waits = rl_ready_open(&input->ready, domain->loop, STDIN_FILENO) == 0;
  input->holders = input->waits ? 2 : 1;
  if (input->waits)
    setvbuf(stdin, NULL, _IONBF, 0);
  return 1;
}

/* input:await(): waits until something can be read, or the input has ended. */
static int input_await(lua_State *L) {
  struct input *input = *(struct input **)luaL_checkudata(L, 1, INPUT);
  rl_wait_check(L, "input:await");
  if (!input->waits || rl_ready_start(&input->ready) != 0)
    return 0;
  return rl_park(L, &input->wait, undo, NULL, 0);
}

static int collect(lua_State *L) {
  struct input **box = luaL_checkudata(L, 1, INPUT);
  struct input *input = *box;
  *box = NULL;
  if (!input)
    return 0;
  if (input->waits)
    rl_ready_close(&input->ready);
  let_go(input);
  return 0;
}

void rl_lib_command_input(lua_State *L) {
  static const luaL_Reg methods[] = {{"await", input_await}, {NULL, NULL}};
  luaL_newmetatable(L, INPUT);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, open_input);
  lua_setfield(L, -2, "open_input");
}
