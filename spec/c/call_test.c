/* vm/call.c: tracebacks of errors of every kind. */
#include "states.h"

/* [] -> [error]: what the code raises under rl_traceback. */
static void raise(lua_State *L, const char *code, int status) {
  lua_pushcfunction(L, rl_traceback);
  assert_int_equal(luaL_loadbuffer(L, code, strlen(code), "=test"), LUA_OK);
  assert_int_equal(lua_pcall(L, 0, 0, -2), status);
  lua_remove(L, -2);
}

static bool text_has(lua_State *L, const char *part) {
  size_t size;
  const char *text = rl_traceback_text(L, -1, &size);
  assert_int_equal(strlen(text), size);
  bool found = strstr(text, part) != NULL;
  lua_pop(L, 1);
  return found;
}

static lua_State *near_of(void **state) {
  lua_State *L = ((struct states *)*state)->near.L;
  lua_settop(L, 0);
  return L;
}

static void a_string_carries_its_traceback(void **state) {
  lua_State *L = near_of(state);
  raise(L, "local function f() error('oops') end f()", LUA_ERRRUN);
  assert_non_null(strstr(lua_tostring(L, -1), "test:1: oops\nstack traceback:\n\t[C]: in "));
  assert_non_null(strstr(lua_tostring(L, -1), "in local 'f'"));
}

static void a_traceback_is_appended_once(void **state) {
  lua_State *L = near_of(state);
  raise(L, "error('x\\nstack traceback:\\n\\tearlier', 0)", LUA_ERRRUN);
  assert_string_equal(lua_tostring(L, -1), "x\nstack traceback:\n\tearlier");
}

static void other_values_stay_and_have_theirs_beside(void **state) {
  lua_State *L = near_of(state);
  raise(L, "thrown = {} error(thrown)", LUA_ERRRUN);
  lua_getglobal(L, "thrown");
  assert_true(lua_rawequal(L, -1, -2));
  lua_pop(L, 1);
  assert_true(text_has(L, "(error object is a table value)\nstack traceback:\n\t[C]: in "));
  rl_traceback_of(L, -1);
  assert_int_equal(lua_type(L, -1), LUA_TSTRING);
}

static void a_remembered_traceback_dies_with_its_error(void **state) {
  lua_State *L = near_of(state);
  size_t before = 0;
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 100; i++) {
      raise(L, "error(setmetatable({}, {}))", LUA_ERRRUN);
      lua_pop(L, 1);
    }
    lua_gc(L, LUA_GCCOLLECT);
    lua_gc(L, LUA_GCCOLLECT);
    size_t now = ((struct states *)*state)->near.ledger.bytes;
    assert_true(round == 0 || now <= before + 256);
    before = now;
  }
}

static void every_error_has_a_text(void **state) {
  lua_State *L = near_of(state);
  raise(L, "error()", LUA_ERRRUN);
  assert_true(lua_isnil(L, -1));
  assert_true(text_has(L, "(error object is a nil value)"));
  raise(L, "error(42)", LUA_ERRRUN);
  assert_true(lua_isinteger(L, -1));
  assert_true(text_has(L, "42"));
  raise(L, "error(setmetatable({}, { __tostring = function() return 'mine' end }))", LUA_ERRRUN);
  assert_true(text_has(L, "mine\nstack traceback:"));
  raise(L, "error(setmetatable({}, { __tostring = function() error {} end }))", LUA_ERRRUN);
  assert_true(text_has(L, "(error object whose __tostring fails)"));
  raise(L, "error(print)", LUA_ERRRUN);
  assert_true(text_has(L, "(error object is a function value)\nstack traceback:"));
}

static void a_stack_overflow_is_an_error_like_others(void **state) {
  lua_State *L = near_of(state);
  raise(L, "local function f() return 1 + f() end f()", LUA_ERRRUN);
  assert_true(text_has(L, "stack overflow"));
  assert_true(text_has(L, "stack traceback:"));
  raise(L, "local function f() return ('x'):gsub('x', f) end f()", LUA_ERRRUN);
  assert_true(text_has(L, "C stack overflow"));
}

static int join(lua_State *L) {
  lua_settop(L, 1);
  rl_traceback_join(L, "detached at", 1);
  return 1;
}

static void tracebacks_are_joined(void **state) {
  lua_State *L = near_of(state);
  lua_register(L, "join", join);
  states_check(
      L, "local s = join 'oops\\nstack traceback:\\n\\ta' "
         "assert(s:find('^oops\\nstack traceback:\\n\\ta\\ndetached at:\\n\\ttest:1: in'), s)");
  raise(L, "local e = {} join(e) join(e) error(e)", LUA_ERRRUN);
  assert_true(
      text_has(L, "value)\ndetached at:\n\ttest:1: in main chunk\ndetached at:\n\ttest:1:"));
  states_check(L, "eq(join(7), 7) eq(join(nil), nil)");
}

static void a_traceback_can_be_attached(void **state) {
  lua_State *L = near_of(state);
  lua_newtable(L);
  lua_pushliteral(L, "stack traceback:\n\telsewhere");
  rl_traceback_attach(L);
  assert_int_equal(lua_gettop(L), 1);
  assert_true(text_has(L, "value)\nstack traceback:\n\telsewhere"));
  lua_pushliteral(L, "text");
  lua_pushliteral(L, "ignored");
  rl_traceback_attach(L);
  assert_string_equal(lua_tostring(L, -1), "text");
}

static int raise_argument(lua_State *L) {
  return luaL_error(L, "with %s", (const char *)lua_touserdata(L, 1));
}

static void a_protected_call_returns_the_status(void **state) {
  lua_State *L = near_of(state);
  char argument[] = "argument";
  assert_int_equal(rl_call_protected(L, raise_argument, argument), LUA_ERRRUN);
  assert_string_equal(lua_tostring(L, -1), "with argument");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_string_carries_its_traceback),
      cmocka_unit_test(a_traceback_is_appended_once),
      cmocka_unit_test(other_values_stay_and_have_theirs_beside),
      cmocka_unit_test(a_remembered_traceback_dies_with_its_error),
      cmocka_unit_test(every_error_has_a_text),
      cmocka_unit_test(a_stack_overflow_is_an_error_like_others),
      cmocka_unit_test(tracebacks_are_joined),
      cmocka_unit_test(a_traceback_can_be_attached),
      cmocka_unit_test(a_protected_call_returns_the_status),
  };
  return cmocka_run_group_tests(tests, states_open, states_close);
}
