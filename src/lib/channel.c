/* rille.channel: the part of rille about values between fibers of any domains. Not for scripts,
 * which find it in rille. */
#include <lauxlib.h>
#include <math.h>
#include <stdint.h>

#include "domain/channel.h"
#include "domain/choice.h"
#include "domain/domain.h"
#include "domain/timer.h"
#include "lib/modules.h"
#include "vm/call.h"

static struct rl_channel *check_channel(lua_State *L) {
  return RL_OF(rl_shared_check(L, &rl_channel_kind), struct rl_channel, shared);
}

/* -- without waiting ----------------------------------------------------------------------- */

static enum rl_exchange give(lua_State *L, struct rl_channel *channel, struct rl_letter *letter) {
  struct rl_list woken;
  rl_list_init(&woken);
  pthread_mutex_lock(&channel->lock);
  enum rl_exchange outcome = rl_channel_give(channel, letter, &woken);
  pthread_mutex_unlock(&channel->lock);
  rl_choice_tell(rl_domain_of(L), &woken);
  return outcome;
}

static enum rl_exchange take(lua_State *L, struct rl_channel *channel, struct rl_letter **letter) {
  struct rl_list woken;
  rl_list_init(&woken);
  pthread_mutex_lock(&channel->lock);
  enum rl_exchange outcome = rl_channel_take(channel, letter, &woken);
  pthread_mutex_unlock(&channel->lock);
  rl_choice_tell(rl_domain_of(L), &woken);
  return outcome;
}

static void check_value(lua_State *L) {
  luaL_checkany(L, 2);
  luaL_argcheck(L, !lua_isnil(L, 2), 2, "nil cannot be sent: it stands for the end");
}

/* The value at 2, packed. */
static struct rl_letter *pack_value(lua_State *L) {
  check_value(L);
  struct rl_letter *letter = rl_letter_write(L, 2);
  if (!letter)
    rl_raise_here(L);
  return letter;
}

/* The type channel of rille: values between fibers of any domains; docs/channels.md tells more. It
 * crosses by reference, and lives as long as anybody holds it. */

/* channel:try_send(value) -> true | nil, "full" | nil, "closed"
 *
 * As send, but never waits: "full" means that there is neither room nor a receiver that waits. */
static int try_send(lua_State *L) {
  struct rl_channel *channel = check_channel(L);
  struct rl_letter *letter = pack_value(L);
  enum rl_exchange outcome = give(L, channel, letter);
  if (outcome == RL_EXCHANGE_DONE) {
    lua_pushboolean(L, true);
    return 1;
  }
  rl_letter_free(letter);
  return rl_refuse(L, outcome == RL_EXCHANGE_CLOSED ? "closed" : "full");
}

/* channel:try_receive() -> value | nil, "empty" | nil, "closed"
 *
 * As receive, but never waits. */
static int try_receive(lua_State *L) {
  struct rl_letter *letter;
  enum rl_exchange outcome = take(L, check_channel(L), &letter);
  if (outcome != RL_EXCHANGE_DONE)
    return rl_refuse(L, outcome == RL_EXCHANGE_CLOSED ? "closed" : "empty");
  rl_letter_read(L, letter);
  return 1;
}

/* -- waiting ------------------------------------------------------------------------------- */

static int finish(lua_State *L, int status, lua_KContext context) {
  (void)status;
  struct rl_letter *letter;
  int index;
  switch (rl_choice_end(L, (struct rl_choice *)context, &index, &letter)) {
  case RL_CHOICE_TIMEOUT: return rl_refuse(L, "timeout");
  case RL_CHOICE_CLOSED: return rl_refuse(L, "closed");
  case RL_CHOICE_SENT: lua_pushboolean(L, true); return 1;
  default: rl_letter_read(L, letter); return 1;
  }
}

/* To send the letter, or receive if that is NULL. */
static int wait_at(lua_State *L, struct rl_channel *channel, struct rl_letter *letter,
                   double limit) {
  struct rl_choice *choice = rl_choice_new(L, 1, 0);
  if (choice)
    rl_choice_offer(choice, 0, channel, letter);
  else
    rl_letter_free(letter);
  if (choice && limit >= 0 && !rl_choice_limit(choice, limit)) {
    rl_choice_free(choice);
    choice = NULL;
  }
  if (!choice)
    return luaL_error(L, "not enough memory");
  if (rl_choice_begin(choice))
    return finish(L, LUA_OK, (lua_KContext)choice);
  return rl_choice_park(L, choice, finish);
}

/* channel:send(value [, seconds]) -> true | nil, "closed" | nil, "timeout"
 *
 * Waits until there is room for the value, or, where the capacity is 0, until a receiver takes it;
 * at most that many seconds. The value is copied as an argument of rille.detach would be; nil
 * cannot be sent. If the fiber is cancelled while it waits, the value may have been taken in the
 * same moment. May suspend. Errors: a value that cannot cross, with its path. */
static int send_value(lua_State *L) {
  struct rl_channel *channel = check_channel(L);
  double limit = rl_timer_check_limit(L, 3);
  rl_wait_check(L, "channel:send");
  struct rl_letter *letter = pack_value(L);
  enum rl_exchange outcome = give(L, channel, letter);
  if (outcome == RL_EXCHANGE_BUSY)
    return wait_at(L, channel, letter, limit);
  if (outcome == RL_EXCHANGE_CLOSED) {
    rl_letter_free(letter);
    return rl_refuse(L, "closed");
  }
  lua_pushboolean(L, true);
  return 1;
}

static int receive_until(lua_State *L, const char *what, double limit) {
  struct rl_channel *channel = check_channel(L);
  rl_wait_check(L, what);
  struct rl_letter *letter;
  enum rl_exchange outcome = take(L, channel, &letter);
  if (outcome == RL_EXCHANGE_BUSY)
    return wait_at(L, channel, NULL, limit);
  if (outcome == RL_EXCHANGE_CLOSED)
    return rl_refuse(L, "closed");
  rl_letter_read(L, letter);
  return 1;
}

/* channel:receive([seconds]) -> value | nil, "closed" | nil, "timeout"
 *
 * The oldest value; waits for one, at most that many seconds. "closed": the channel was closed and
 * everything that had been sent was received. A value is received once, whatever becomes of other
 * receivers that wait for it. May suspend. */
static int receive(lua_State *L) {
  return receive_until(L, "channel:receive", rl_timer_check_limit(L, 2));
}

static int next_value(lua_State *L) {
  return receive_until(L, "channel:values", -1);
}

/* channel:values() -> iterator
 *
 * For `for value in channel:values() do`: receives until the channel is closed and empty. Each step
 * may suspend. */
static int values(lua_State *L) {
  check_channel(L);
  lua_pushcfunction(L, next_value);
  lua_pushvalue(L, 1);
  return 2;
}

/* channel:sending(value) -> sending: what rille.select takes for sending the value, any number of
 * times. Does not suspend. */
static int sending(lua_State *L) {
  check_channel(L);
  check_value(L);
  lua_createtable(L, 2, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 1);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, 2);
  luaL_setmetatable(L, RL_SENDING);
  return 1;
}

/* -- the rest ------------------------------------------------------------------------------ */

/* channel:close()
 *
 * Nothing can be sent any more; senders that wait are told "closed", and keep their values.
 * Receivers get what was sent before, then nil. Does not suspend; closing again does nothing. A
 * domain that ends closes nothing: a function for that is what rille.domains.on_stop is for. */
static int close_channel(lua_State *L) {
  struct rl_list woken;
  rl_list_init(&woken);
  rl_channel_close(check_channel(L), &woken);
  rl_choice_tell(rl_domain_of(L), &woken);
  return 0;
}

/* #channel -> count: how many values wait for a receiver. Does not suspend. */
static int length(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)rl_channel_count(check_channel(L)));
  return 1;
}

static int to_string(lua_State *L) {
  lua_pushfstring(L, "channel: %p", (void *)check_channel(L));
  return 1;
}

static size_t check_capacity(lua_State *L) {
  int whole;
  lua_Integer capacity = lua_tointegerx(L, 1, &whole);
  if (lua_isnoneornil(L, 1))
    return 0;
  if (lua_type(L, 1) == LUA_TNUMBER && lua_tonumber(L, 1) == HUGE_VAL)
    return SIZE_MAX;
  luaL_argcheck(L, lua_type(L, 1) == LUA_TNUMBER && whole && capacity >= 0, 1,
                "the capacity must be a whole number that is not negative, or math.huge");
  return (size_t)capacity;
}

/* rille.channel([capacity]) -> channel
 *
 * A channel that holds up to `capacity` values for receivers to come: 0, the default, makes each
 * send wait until its value is received; math.huge never does. Channels cross domains by reference:
 * as arguments and results, captured, in tables, through channels. Does not suspend. */
static int channel(lua_State *L) {
  size_t capacity = check_capacity(L);
  rl_shared_prepare(L, &rl_channel_kind);
  struct rl_channel *made = rl_channel_new(rl_domain_of(L)->settings->channels, capacity);
  if (!made)
    return luaL_error(L, "not enough memory");
  rl_shared_fill(L, &made->shared);
  return 1;
}

static const luaL_Reg methods[] = {
    {"send", send_value},         {"receive", receive}, {"try_send", try_send},
    {"try_receive", try_receive}, {"values", values},   {"sending", sending},
    {"close", close_channel},     {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__len", length}, {"__tostring", to_string}, {"__close", close_channel}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"channel", channel}, {NULL, NULL}};

int luaopen_rille_channel(lua_State *L) {
  rl_shared_open(L, &rl_channel_kind, methods);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newmetatable(L, RL_SENDING);
  luaL_newlib(L, functions);
  return 1;
}
