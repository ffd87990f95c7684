/* vm/names.c, require.c and refuse.c: what crosses by name, and what does not cross at all. */
#include "states.h"

/* Makes a module in both states that counts its loads: "m" holds functions, a class, a table. */
static int open_module(void **state) {
  static const char *const preload =
      "package.preload.m = function(name, extra) loads = (loads or 0) + 1 "
      "  local class = {} class.__index = class function class.kind() return 'class' end "
      "  local m = { f = function() return loads end, class = class, print = print, "
      "    sub = { list = { x = {} } }, extra = extra, ['key with space'] = {} } "
      "  m.self = m return m end "
      "package.preload.n = function() return { g = require('m').f, own = function() end } end";
  states_open(state);
  struct states *s = *state;
  for (int i = 0; i < 2; i++) {
    lua_State *L = i ? s->near.L : s->far.L;
    assert_int_equal(luaL_loadbuffer(L, preload, strlen(preload), "=module"), LUA_OK);
    assert_int_equal(lua_pcall(L, 0, 0, 0), LUA_OK);
  }
  return 0;
}

static void standard_functions_go_by_name(void **state) {
  near_check(state, "eq(run(string.rep, 'ab', 2), 'abab') eq(ship(print), print) "
                    "eq(ship(string), string) eq(ship({ math.sin })[1], math.sin) "
                    "eq(ship(io.stdout), io.stdout) eq(ship(require), require) "
                    "local format, s = string.format, string "
                    "eq(run(function() return format('%d', 3) end), '3') "
                    "eq(run(function() return rawequal(s, string) end), true)"
                    "eq(ship(package.loaded), package.loaded)");
}

static void a_module_is_required_by_name(void **state) {
  near_check(state, "local m = require 'm' eq(ship(m), m) eq(loads, 1) "
                    "eq(run(function() return m.f() end), 1) eq(run(m.f), 1) "
                    "eq(run(function() return package.loaded.m == m end), true) "
                    "eq(ship(m.sub.list.x), m.sub.list.x) eq(ship(m['key with space']), "
                    "  m['key with space']) eq(loads, 1)");
}

static void light_userdata_of_a_module_go_by_name(void **state) {
  struct states *s = *state;
  for (int i = 0; i < 2; i++) {
    lua_State *L = i ? s->near.L : s->far.L;
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_newtable(L);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_pushlightuserdata(L, (void *)(uintptr_t)0x1000);
    lua_setfield(L, -2, "even");
    lua_pushlightuserdata(L, (void *)(uintptr_t)0x1001);
    lua_setfield(L, -2, "odd");
    lua_setfield(L, -2, "light");
    lua_pop(L, 1);
  }
  lua_pushlightuserdata(s->near.L, s);
  lua_setglobal(s->near.L, "other");
  near_check(state, "local m = package.loaded.light local null, even, odd, t = ship(m.null, m.even,"
                    "  m.odd, { m.odd, m.even, [m.null] = m.odd }) "
                    "eq(null, m.null) eq(even, m.even) eq(odd, m.odd) eq(t[1], odd) eq(t[2], even)"
                    "eq(t[null], odd) "
                    "raises('argument 1 is a light userdata and cannot', run, print, other)");
}

static void objects_keep_their_class(void **state) {
  near_check(state, "local m = require 'm' local o = ship(setmetatable({ 1 }, m.class)) "
                    "eq(getmetatable(o), m.class) eq(o.kind(), 'class') eq(o[1], 1)");
}

static void a_value_has_the_name_of_the_module_that_loaded_it(void **state) {
  near_check(state, "local n = require 'n' "
                    "eq(run(function(f) return package.loaded.n, f() end, n.g), nil) "
                    "eq(ship(n.own), n.own)");
}

static void what_a_script_puts_into_a_module_goes_by_content(void **state) {
  near_check(state,
             "local m = require 'm' m.patch = function() return 'patched' end "
             "eq(run(m.patch), 'patched') raises('coroutine', ship, coroutine.create(print)) "
             "eq(run(m.patch), 'patched') m.patch = nil "
             "function string.twice(s) return s .. s end eq(run(string.twice, 'a'), 'aa') "
             "function global_function() return 'global' end "
             "eq(run(global_function), 'global')");
}

static void a_name_that_does_not_exist_there_is_an_error(void **state) {
  near_check(state, "package.preload.here = function() return { f = function() end } end "
                    "raises(\"module 'here' not found\", run, require('here').f) "
                    "local m = require 'm' local x = m.sub.list.x "
                    "run(function() require('m').sub.list = nil end) "
                    "raises(\"module 'm' has no 'list' in this domain\", ship, x)");
}

static void modules_opened_behind_requires_back_are_found(void **state) {
  near_check(state, "local wrap = coroutine.wrap(function() end) "
                    "package.loaded.late = { wrap = wrap } "
                    "run(function() package.loaded.late = { wrap = 'far' } end) "
                    "eq(ship(wrap), 'far')");
}

static void a_replaced_library_function_is_found(void **state) {
  struct states *s = *state;
  for (int i = 0; i < 2; i++) {
    lua_State *L = i ? s->near.L : s->far.L;
    lua_getglobal(L, "coroutine");
    lua_pushcfunction(L, states_unpack);
    lua_setfield(L, -2, "resume");
    lua_pop(L, 1);
  }
  near_check(state, "eq(ship(coroutine.resume), coroutine.resume)");
}

static void require_behaves_as_luas_own(void **state) {
  near_check(state, "package.preload.pre = function(name, extra) return { name, extra } end "
                    "local value, extra = require 'pre' eq(extra, ':preload:') "
                    "eq(value[1], 'pre') eq(value[2], extra) eq(select('#', require 'pre'), 1) "
                    "eq(require 'pre', value) "
                    "local message = raises(\"module 'none' not found:\", require, 'none') "
                    "assert(message:find(\"no field package.preload['none']\", 1, true)) "
                    "assert(message:find('no file', 1, true)) "
                    "local ok, where = pcall(function() require 'none' end) "
                    "assert(where:find('^test:1: module'), where) "
                    "package.preload.bare = function() end eq(require 'bare', true) "
                    "package.preload.sets = function(name) package.loaded[name] = 5 end "
                    "eq(require 'sets', 5) "
                    "package.preload.fails = function() error 'inside' end "
                    "raises('inside', require, 'fails') eq(package.loaded.fails, nil) "
                    "raises('bad argument #1', require) "
                    "local searchers = package.searchers package.searchers = nil "
                    "raises(\"'package.searchers' must be a table\", require, 'none') "
                    "package.searchers = searchers");
}

static void what_cannot_cross_is_refused_with_its_path(void **state) {
  near_check(
      state,
      "local co, id = coroutine.create(print), function(...) return ... end "
      "local function refused(text, ...) eq(raises('', run, ...), text) end "
      "refused('the function is a coroutine and cannot leave its domain', co) "
      "refused('argument 2 is a coroutine and cannot leave its domain', id, 1, co) "
      "refused('argument 1: .items[3].conn is a coroutine and cannot leave its domain', id, "
      "  { items = { 1, 2, { conn = co } } }) "
      "refused('argument 1: [\"a b\"][true][1.5] is a FILE* and cannot leave its domain', id, "
      "  { ['a b'] = { [true] = { [1.5] = io.tmpfile() } } }) "
      "refused('argument 1: .(key) is a coroutine and cannot leave its domain', id, { [co] = 1 }) "
      "refused('argument 1: .(metatable).__index is a C function that no loaded module has and "
      "cannot leave its domain', id, setmetatable({}, { __index = coroutine.wrap(print) })) "
      "local function inner() return co end "
      "refused(\"the function: captured variable 'co' of function <test:1> is a coroutine and "
      "cannot leave its domain\", inner) "
      "refused(\"argument 1: .f, captured variable 'co' of function <test:1> is a coroutine and "
      "cannot leave its domain\", id, { f = inner }) "
      "local deep = co for i = 1, 300 do deep = { deep } end "
      "refused('argument 1: ' .. ('[1]'):rep(300) .. ' is a coroutine and cannot leave its "
      "domain', id, deep)");
}

static void a_refused_pack_leaves_nothing_behind(void **state) {
  struct states *s = *state;
  lua_State *L = s->near.L;
  struct rl_parcel parcel;
  rl_parcel_init(&parcel, &s->heap);
  assert_int_equal(luaL_dostring(L, "return function() end, ('x'):rep(1 << 20), { 1, 2 }, "
                                    "coroutine.create(print)"),
                   LUA_OK);
  int top = lua_gettop(L);
  assert_int_equal(rl_pack(L, top - 3, 4, &parcel, NULL), -1);
  assert_string_equal(lua_tostring(L, -1), "value 4 is a coroutine and cannot leave its domain");
  assert_int_equal(lua_gettop(L), top + 1);
  assert_int_equal(parcel.bytes.size, 0);
  assert_null(parcel.bytes.bytes);
  assert_int_equal(parcel.code_count, 0);
  assert_int_equal(parcel.anchor, LUA_NOREF);
  assert_false(parcel.lends);
  assert_int_equal(rl_pack(L, top - 3, 3, &parcel, NULL), 0);
  rl_parcel_release(L, &parcel);
  rl_parcel_free(&parcel, false);
  lua_settop(L, top - 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(standard_functions_go_by_name),
      cmocka_unit_test(a_module_is_required_by_name),
      cmocka_unit_test(light_userdata_of_a_module_go_by_name),
      cmocka_unit_test(objects_keep_their_class),
      cmocka_unit_test(a_value_has_the_name_of_the_module_that_loaded_it),
      cmocka_unit_test(what_a_script_puts_into_a_module_goes_by_content),
      cmocka_unit_test(a_name_that_does_not_exist_there_is_an_error),
      cmocka_unit_test(modules_opened_behind_requires_back_are_found),
      cmocka_unit_test(a_replaced_library_function_is_found),
      cmocka_unit_test(require_behaves_as_luas_own),
      cmocka_unit_test(what_cannot_cross_is_refused_with_its_path),
      cmocka_unit_test(a_refused_pack_leaves_nothing_behind),
  };
  return cmocka_run_group_tests(tests, open_module, states_close);
}
