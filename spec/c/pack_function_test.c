/* vm/pack.c, unpack.c and code.c: functions, what they capture, and the cache of their code. */
#include "states.h"

#include "vm/code.h"

static void captured_values_are_copied(void **state) {
  near_check(state, "local a, b, c, t = 1, false, nil, { x = 'y' } "
                    "local x, y, z, u = run(function() t.x = t.x .. '!' return a, b, c, t end) "
                    "eq(x, 1) eq(y, false) eq(z, nil) eq(u.x, 'y!') eq(t.x, 'y')");
}

static void upvalues_are_told_apart_by_place_not_by_name(void **state) {
  near_check(state, "local a, b = 1, 2 "
                    "local function f() return b, a, math.abs(-3) end "
                    "local x, y, z = run(f) eq(x, 2) eq(y, 1) eq(z, 3) "
                    "local function g() return math.abs(-3), b, a end "
                    "z, x, y = run(g) eq(z, 3) eq(x, 2) eq(y, 1)");
}

static void recursion_works(void **state) {
  near_check(state, "local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end "
                    "eq(run(fib, 15), 610) "
                    "local even, odd "
                    "function even(n) if n == 0 then return true end return odd(n - 1) end "
                    "function odd(n) if n == 0 then return false end return even(n - 1) end "
                    "eq(run(even, 101), false) eq(run(odd, 101), true)");
}

static void a_captured_variable_stays_shared(void **state) {
  near_check(state,
             "local n = 0 local function inc() n = n + 1 end "
             "local function get() return n end "
             "eq(run(function() inc() inc() n = n + 10 return get() end), 12) eq(n, 0) "
             "local i, g = ship(inc, get) i() i() eq(g(), 2) eq(n, 0) "
             "local list = {} for k = 1, 3 do list[k] = function() k = k + 1 return k end end "
             "list = ship(list) eq(list[1](), 2) eq(list[1](), 3) eq(list[2](), 3)");
}

static void two_closures_of_one_piece_of_code_are_apart(void **state) {
  near_check(state, "local function counter(n) return function() n = n + 1 return n end end "
                    "local a, b, c = counter(0), counter(10) "
                    "a, b, c = ship(a, b, a) eq(a, c) assert(a ~= b) "
                    "eq(a(), 1) eq(b(), 11) eq(c(), 2)");
}

static void a_function_crosses_again_as_it_was_sent(void **state) {
  near_check(state, "local function get(f) return function() return f end end "
                    "local f = function() return 7 end "
                    "for i = 1, 5 do f = run(get(f)) eq(f(), 7) eq(run(f), 7) end");
}

static void functions_nest_deeply(void **state) {
  near_check(state, "local f = function() return 1 end "
                    "for i = 1, 10000 do local g = f f = function() return g end end "
                    "local r, depth = ship(f), 0 "
                    "while type(r) == 'function' do r = r() depth = depth + 1 end eq(depth, 10001) "
                    "local t = f for i = 1, 200 do local u = t t = { function() return u end } end "
                    "r = ship(t) for i = 1, 200 do r = r[1]() end eq(type(r), 'function')");
}

static void globals_are_the_receivers(void **state) {
  near_check(state, "x = 'near' eq(run(function() y = 5 return rawget(_G, 'x') end), nil) "
                    "eq(y, nil) eq(run(function() return y end), 5) eq(x, 'near') "
                    "local env = { x = 'own' } "
                    "local f = load('return x', '=f', 't', env) eq(run(f), 'own') "
                    "local G = _G eq(run(function(g) return rawequal(G, g) end, _G), true)");
}

static void an_assigned_env_is_nobody_elses(void **state) {
  near_check(state, "local function f(change) local old = _ENV "
                    "  if change then _ENV = { tostring = 'mine' } end return tostring end "
                    "eq(type(run(f, false)), 'function') eq(run(f, true), 'mine') "
                    "eq(type(run(f, false)), 'function') "
                    "local function pair() return ship(f, { f }) end local a, b = pair() "
                    "eq(a, b[1]) eq(a(true), 'mine') "
                    "local nested = function() return (function() _ENV = {} end)() end "
                    "run(nested) eq(type(run(f, false)), 'function')");
}

static void debug_information_is_kept(void **state) {
  near_check(state, "local function fail() local x = nil; return x.field end "
                    "local message = raises(\"local 'x'\", run, fail) "
                    "assert(message:find('^test:1:'), message)");
}

static void a_missing_global_says_what_to_do(void **state) {
  near_check(state,
             "local message = raises('compute domain 2', run, function() return helper() end) "
             "assert(message:find(\"^test:1: global 'helper' is not defined in compute\"), "
             "  message) assert(message:find('capture it in a local', 1, true)) "
             "raises('', run, function(n) return _G.absent end) "
             "eq(run(function() return load('return absent')() end), nil) "
             "eq(run(function() return rawget(_G, 'absent') end), nil) "
             "eq(run(function() present = false return present end), false) "
             "eq(run(function() return _ENV[1] end), nil) eq(absent, nil)");
}

static void a_module_may_look_for_a_global_though_its_code_was_shipped(void **state) {
  near_check(state, "local text = 'local m = {}\\nfunction m.probe() return absent end\\n'"
                    "  .. 'function m.make()\\nreturn function() return absent end end return m' "
                    "local m = load(text, '=m.lua')() "
                    "raises('m.lua:4: global', run, m.make()) "
                    "eq(run(function() return load(text, '=m.lua')().probe() end), nil)");
}

static void endless_distinct_code_does_not_pile_up(void **state) {
  struct states *s = *state;
  near_check(state, "for i = 1, 1500 do local f = load('return ' .. i) eq(run(f), i) end");
  size_t blocks = atomic_load(&s->heap.blocks), bytes = atomic_load(&s->heap.bytes);
  near_check(state, "for i = 1500, 4000 do local f = load('return ' .. i) eq(run(f), i) end");
  assert_true(atomic_load(&s->heap.blocks) < blocks + 10);
  assert_true(atomic_load(&s->heap.bytes) < bytes + bytes / 4);
  near_check(state, "local keep = {} for i = 1, 1200 do keep[i] = load('return ' .. i) end "
                    "for round = 1, 2 do for i = 1, 1200 do eq(run(keep[i]), i) end end "
                    "local all = { ship(table.unpack(keep)) } "
                    "for i = 1, 1200 do eq(all[i](), i) end");
}

/* How many blocks it takes to have shipped a closure made anew each time. */
static void closures_made_anew_share_their_code(void **state) {
  struct states *s = *state;
  near_check(state, "function again(n) return function() return n end end eq(run(again(0)), 0)");
  size_t blocks = atomic_load(&s->heap.blocks);
  near_check(state, "for i = 1, 2000 do eq(run(again(i)), i) end");
  assert_int_equal(atomic_load(&s->heap.blocks), blocks);
}

static void code_that_captures_nothing_is_loaded_once(void **state) {
  near_check(state, "local function f() return 1 end "
                    "local seen = function(f) kept = kept or {} kept[f] = true local n = 0"
                    "  for _ in pairs(kept) do n = n + 1 end return n end "
                    "run(function() kept = false end) "
                    "for i = 1, 5 do eq(run(seen, f), 1) end");
}

static void a_parcel_that_is_not_unpacked_frees_its_code(void **state) {
  struct states *s = *state;
  lua_State *L = s->near.L;
  struct rl_parcel parcel;
  rl_parcel_init(&parcel, &s->heap);
  size_t bytes = atomic_load(&s->heap.bytes);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(luaL_loadstring(L, "return 1234567"), LUA_OK);
    lua_pushinteger(L, i);
    assert_int_equal(rl_pack(L, lua_gettop(L) - 1, 2, &parcel, NULL), 0);
    assert_int_equal(parcel.code_count, 1);
    assert_false(parcel.scalar);
    rl_parcel_free(&parcel, i == 1);
    assert_int_equal(parcel.code_count, 0);
    lua_pop(L, 2);
  }
  rl_parcel_free(&parcel, false);
  assert_true(atomic_load(&s->heap.bytes) < bytes + 8192); /* the cache has it */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(captured_values_are_copied),
      cmocka_unit_test(upvalues_are_told_apart_by_place_not_by_name),
      cmocka_unit_test(recursion_works),
      cmocka_unit_test(a_captured_variable_stays_shared),
      cmocka_unit_test(two_closures_of_one_piece_of_code_are_apart),
      cmocka_unit_test(a_function_crosses_again_as_it_was_sent),
      cmocka_unit_test(functions_nest_deeply),
      cmocka_unit_test(globals_are_the_receivers),
      cmocka_unit_test(an_assigned_env_is_nobody_elses),
      cmocka_unit_test(debug_information_is_kept),
      cmocka_unit_test(a_missing_global_says_what_to_do),
      cmocka_unit_test(a_module_may_look_for_a_global_though_its_code_was_shipped),
      cmocka_unit_test(endless_distinct_code_does_not_pile_up),
      cmocka_unit_test(closures_made_anew_share_their_code),
      cmocka_unit_test(code_that_captures_nothing_is_loaded_once),
      cmocka_unit_test(a_parcel_that_is_not_unpacked_frees_its_code),
  };
  return cmocka_run_group_tests(tests, states_open, states_close);
}
