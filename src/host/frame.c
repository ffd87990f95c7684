/* Frame: see the header. The results, or the error, lie on the Lua stack above the arguments. */
#include "host/frame.h"

#include <lauxlib.h>
#include <stdint.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "host/native.h"
#include "host/ticket.h"
#include "host/value.h"
#include "vm/call.h"

struct rille_frame {
  lua_State *L;
  const struct rl_native *native;
  struct rille_ticket *ticket; /* suspended: what it waits for; the domain's reference */
  bool refused;                /* wanted to be suspended, and could not */
  bool failed;                 /* the error lies on the stack */
  bool hurried;                /* was told to stop */
};

/* -- arguments ----------------------------------------------------------------------------- */

static struct rille_value check_bytes(lua_State *L, int arg) {
  size_t size;
  const char *bytes = luaL_checklstring(L, arg, &size);
  return rille_bytes(bytes, size);
}

static struct rille_value check_boolean(lua_State *L, int arg) {
  luaL_checktype(L, arg, LUA_TBOOLEAN);
  return rille_boolean(lua_toboolean(L, arg));
}

static struct rille_value check_any(lua_State *L, int arg) {
  struct rille_value value;
  luaL_checkany(L, arg);
  if (!rl_value_read(L, arg, &value))
    luaL_typeerror(L, arg, "nil, boolean, number or string");
  return value;
}

static struct rille_value check(lua_State *L, int arg, struct rl_parameter parameter) {
  if (parameter.optional && lua_isnoneornil(L, arg))
    return (struct rille_value){.type = RILLE_NIL};
  switch (parameter.takes) {
  case RL_TAKES_BOOLEAN: return check_boolean(L, arg);
  case RL_TAKES_INTEGER: return rille_integer(luaL_checkinteger(L, arg));
  case RL_TAKES_NUMBER: return rille_number(luaL_checknumber(L, arg));
  case RL_TAKES_BYTES: return check_bytes(L, arg);
  case RL_TAKES_ANY: break;
  }
  return check_any(L, arg);
}

/* -- what the host calls ------------------------------------------------------------------- */

static void put(struct rille_frame *frame, const struct rille_value *values, size_t count) {
  lua_settop(frame->L, frame->native->count);
  int status = rl_values_push_protected(frame->L, values, count);
  frame->failed = status != LUA_OK;
}

void rille_return(struct rille_frame *frame, const struct rille_value *results, size_t count) {
  put(frame, results, count);
}

void rille_fail(struct rille_frame *frame, const char *message) {
  struct rille_value error = rille_text(message);
  put(frame, &error, 1);
  frame->failed = true;
}

int rille_stopping(struct rille_frame *frame) {
  frame->hurried = rl_fiber_is_to_stop(frame->L);
  return frame->hurried;
}

static bool may_wait(lua_State *L) {
  return rl_wait_possible(L) && !rl_region_cancelled(rl_fiber_running(L));
}

struct rille_ticket *rille_suspend(struct rille_frame *frame, void (*cancelled)(void *context),
                                   void *context) {
  if (frame->ticket)
    return NULL;
  if (may_wait(frame->L))
    frame->ticket = rl_ticket_new(rl_domain_of(frame->L), cancelled, context);
  frame->refused = !frame->ticket;
  return frame->ticket;
}

/* -- the call ------------------------------------------------------------------------------ */

/* Nobody has told the host why it cannot be suspended. */
static int raise_refusal(lua_State *L, const char *what) {
  rl_wait_check(L, what);
  return luaL_error(L, "not enough memory");
}

static int finish(const struct rille_frame *frame) {
  lua_State *L = frame->L;
  rl_fiber_answer(L, frame->hurried);
  if (frame->refused)
    return raise_refusal(L, frame->native->what);
  if (frame->failed)
    return rl_raise_here(L);
  return lua_gettop(L) - frame->native->count;
}

/* So that whoever waits for it too long is told where it is. It may not be alone in that: results
 * can bring the collector to call a finalizer. */
static void enter(struct rille_frame *frame, const struct rille_value *arguments) {
  const struct rl_native *native = frame->native;
  struct rl_watch *watch = &rl_domain_of(frame->L)->watch;
  const char *outer = atomic_load_explicit(&watch->inside, memory_order_relaxed);
  atomic_store_explicit(&watch->inside, native->what, memory_order_relaxed);
  native->call(frame, native->context, arguments);
  atomic_store_explicit(&watch->inside, outer, memory_order_relaxed);
}

/* [arguments..], upvalue: light userdata native -> [results..] */
static int call(lua_State *L) {
  const struct rl_native *native = lua_touserdata(L, lua_upvalueindex(1));
  struct rille_frame frame = {.L = L, .native = native};
  struct rille_value arguments[RL_NATIVE_PARAMETERS];
  for (int i = 0; i < native->count; i++)
    arguments[i] = check(L, i + 1, native->parameters[i]);
  lua_settop(L, native->count);
  enter(&frame, arguments);
  if (frame.ticket)
    return rl_ticket_park(L, frame.ticket, native->what);
  return finish(&frame);
}

void rl_frame_push(lua_State *L, const struct rl_native *native) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)native);
  lua_pushcclosure(L, call, 1);
}
