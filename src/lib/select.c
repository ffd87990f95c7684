/* rille.select: the part of rille that waits for whichever comes first. Not for scripts, which find
 * it in rille.
 *
 * The cases are read into `struct cases`, in a userdata, before anything is begun: what follows
 * does not raise until the choice owns all of it. While the fiber waits its stack is [list, cases,
 * keys, subjects]: tables of the keys that the cases have in the list, and of what they hold. */
#include <lauxlib.h>

#include "domain/channel.h"
#include "domain/choice.h"
#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/future.h"
#include "lib/modules.h"

enum { LIST = 1, CASES, KEYS, SUBJECTS };

enum kind { RECEIVES, SENDS, AWAITS, TIMES };

struct one {
  enum kind kind;
  int index; /* among the offers, or the tasks */
  struct rl_channel *channel;
  struct rl_future *future;
};

struct cases {
  int count, offers, tasks;
  int timer;    /* which one is the shortest time; -1: none */
  double limit; /* seconds */
  struct one all[];
};

/* -- reading ------------------------------------------------------------------------------- */

static struct rl_channel *channel_at(lua_State *L, int index) {
  struct rl_shared *shared = rl_shared_at(L, index);
  bool is_channel = shared && shared->kind == &rl_channel_kind;
  return is_channel ? RL_OF(shared, struct rl_channel, shared) : NULL;
}

/* The same of what channel:sending returned. */
static struct rl_channel *sending_at(lua_State *L, int index) {
  if (!lua_istable(L, index) || !lua_getmetatable(L, index))
    return NULL;
  luaL_getmetatable(L, RL_SENDING);
  bool sends = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  if (!sends)
    return NULL;
  lua_rawgeti(L, index, 1);
  struct rl_channel *channel = channel_at(L, -1);
  lua_pop(L, 1);
  return channel;
}

static void read_task(lua_State *L, struct cases *cases, struct one *one) {
  if (one->future->fiber && one->future->fiber == rl_fiber_running(L))
    luaL_error(L, "a task cannot await itself");
  one->kind = AWAITS;
  one->index = cases->tasks++;
}

static void read_time(lua_State *L, struct cases *cases, struct one *one, int value) {
  lua_Number seconds = lua_tonumber(L, value);
  if (!(seconds >= 0))
    luaL_error(L, "rille.select: seconds must be a number that is not negative");
  one->kind = TIMES;
  if (cases->timer < 0 || seconds < cases->limit) {
    cases->timer = cases->count;
    cases->limit = seconds;
  }
}

static void refuse(lua_State *L, int key, int value) {
  const char *name = luaL_tolstring(L, key, NULL);
  luaL_error(L,
             "rille.select: case %s must be a channel, channel:sending(value), a task or a number "
             "of seconds, got a %s",
             name, luaL_typename(L, value));
}

/* [.., key, value] -> [.., key] */
static void read_case(lua_State *L, struct cases *cases) {
  int value = lua_gettop(L), key = value - 1;
  struct one *one = &cases->all[cases->count];
  *one = (struct one){.kind = RECEIVES};
  if ((one->channel = channel_at(L, value))) {
    one->index = cases->offers++;
  } else if ((one->channel = sending_at(L, value))) {
    one->kind = SENDS;
    one->index = cases->offers++;
  } else if ((one->future = luaL_testudata(L, value, RL_FUTURE))) {
    read_task(L, cases, one);
  } else if (lua_type(L, value) == LUA_TNUMBER) {
    read_time(L, cases, one, value);
  } else {
    refuse(L, key, value);
  }
  cases->count++;
  lua_rawseti(L, SUBJECTS, cases->count);
  lua_pushvalue(L, key);
  lua_rawseti(L, KEYS, cases->count);
}

static bool is_in_sequence(lua_State *L, int key, lua_Integer length) {
  return lua_isinteger(L, key) && lua_tointeger(L, key) >= 1 && lua_tointeger(L, key) <= length;
}

/* [list, cases, keys, subjects]: the sequence in its order, then what else there is. */
static void read_cases(lua_State *L, struct cases *cases, lua_Integer length) {
  for (lua_Integer i = 1; i <= length; i++) {
    lua_pushinteger(L, i);
    lua_rawgeti(L, LIST, i);
    read_case(L, cases);
    lua_pop(L, 1);
  }
  for (lua_pushnil(L); lua_next(L, LIST);) {
    if (is_in_sequence(L, -2, length))
      lua_pop(L, 1);
    else
      read_case(L, cases);
  }
}

/* [list] -> [list, cases, keys, subjects] */
static struct cases *read_list(lua_State *L) {
  lua_Integer length = (lua_Integer)lua_rawlen(L, LIST), count = 0;
  for (lua_pushnil(L); lua_next(L, LIST); lua_pop(L, 1))
    count++;
  if (count < length) /* holes, which are refused as nil */
    count = length;
  size_t size = sizeof(struct cases) + (size_t)count * sizeof(struct one);
  struct cases *cases = lua_newuserdatauv(L, size, 0);
  *cases = (struct cases){.timer = -1};
  lua_createtable(L, (int)count, 0);
  lua_createtable(L, (int)count, 0);
  read_cases(L, cases, length);
  if (cases->count == 0)
    luaL_error(L, "rille.select: there is nothing to wait for");
  return cases;
}

/* -- waiting ------------------------------------------------------------------------------- */

/* [..] -> [key, ..]: what the case has come to. */
static int answer(lua_State *L, int number, enum rl_choice_end end, struct rl_letter *letter) {
  int top = lua_gettop(L);
  lua_rawgeti(L, KEYS, number + 1);
  switch (end) {
  case RL_CHOICE_TIMEOUT: break;
  case RL_CHOICE_SENT: lua_pushboolean(L, true); break;
  case RL_CHOICE_RECEIVED: rl_letter_read(L, letter); break;
  case RL_CHOICE_CLOSED:
    lua_pushnil(L);
    lua_pushliteral(L, "closed");
    break;
  case RL_CHOICE_SETTLED:
    lua_pushcfunction(L, rl_future_await);
    lua_rawgeti(L, SUBJECTS, number + 1);
    lua_call(L, 1, LUA_MULTRET); /* it is over: nothing there waits */
  }
  return lua_gettop(L) - top;
}

static int finish(lua_State *L, int status, lua_KContext context) {
  (void)status;
  struct cases *cases = lua_touserdata(L, CASES);
  struct rl_letter *letter = NULL;
  int index = -1, number = cases->timer;
  enum rl_choice_end end = rl_choice_end(L, (struct rl_choice *)context, &index, &letter);
  if (end != RL_CHOICE_TIMEOUT)
    for (number = 0;; number++) {
      struct one *one = &cases->all[number];
      bool is_task = one->kind == AWAITS;
      if (one->kind != TIMES && one->index == index && is_task == (end == RL_CHOICE_SETTLED))
        break;
    }
  return answer(L, number, end, letter);
}

/* [.., ..] -> [.., value, letter's error]: packs what a case sends; NULL with that error. */
static struct rl_letter *pack_case(lua_State *L, int number) {
  lua_rawgeti(L, SUBJECTS, number + 1);
  lua_rawgeti(L, -1, 2);
  struct rl_letter *letter = rl_letter_write(L, lua_gettop(L));
  if (letter)
    lua_pop(L, 2);
  return letter;
}

/* A choice with all offers; NULL with an error on top. */
static struct rl_choice *begin(lua_State *L, const struct cases *cases) {
  struct rl_choice *choice = rl_choice_new(L, cases->offers, cases->tasks);
  if (!choice || (cases->timer >= 0 && !rl_choice_limit(choice, cases->limit))) {
    lua_pushliteral(L, "not enough memory");
    goto fail;
  }
  for (int i = 0; i < cases->count; i++) {
    const struct one *one = &cases->all[i];
    struct rl_letter *letter = one->kind == SENDS ? pack_case(L, i) : NULL;
    if (one->kind == SENDS && !letter)
      goto fail;
    if (one->channel)
      rl_choice_offer(choice, one->index, one->channel, letter);
    else if (one->future)
      rl_choice_await(choice, one->index, one->future);
  }
  return choice;
fail:
  if (choice)
    rl_choice_free(choice);
  return NULL;
}

/* The first task that is over; -1 if there is none. */
static int settled_task(const struct cases *cases) {
  for (int i = 0; i < cases->count; i++)
    if (cases->all[i].future && cases->all[i].future->state != RL_FUTURE_RUNNING)
      return i;
  return -1;
}

/* rille.select(cases) -> key, results
 *
 * Waits for the first of several things and returns its key in the table, followed by what it has
 * come to:
 *
 *     a channel               receives from it: the value; or nil, "closed"
 *     channel:sending(value)  sends to it: true; or nil, "closed"
 *     a task                  its end: as task:await(), so that its error is raised
 *     a number                seconds that it waits at most: nothing
 *
 * Nothing has happened to the others. If several can go on at once, a task is chosen before a
 * channel; otherwise, in a list, the first one. May suspend. Errors: other cases, or none. */
static int select_one(lua_State *L) {
  luaL_checktype(L, LIST, LUA_TTABLE);
  lua_settop(L, LIST);
  rl_wait_check(L, "rille.select");
  struct cases *cases = read_list(L);
  int over = settled_task(cases);
  if (over >= 0)
    return answer(L, over, RL_CHOICE_SETTLED, NULL);
  struct rl_choice *choice = begin(L, cases);
  if (!choice) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
    return lua_error(L);
  }
  if (rl_choice_begin(choice))
    return finish(L, LUA_OK, (lua_KContext)choice);
  return rl_choice_park(L, choice, finish);
}

static const luaL_Reg functions[] = {{"select", select_one}, {NULL, NULL}};

int luaopen_rille_select(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
