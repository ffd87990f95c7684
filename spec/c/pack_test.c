/* vm/pack.c and unpack.c: values that go to another state and come back the same. */
#include "states.h"

static void numbers_keep_value_and_kind(void **state) {
  near_check(state, "for _, n in ipairs { 0, 1, -1, 127, 128, -128, -129, 255, 256, 32767, 32768,"
                    "  -32768, -32769, 2^31 | 0, -2^31 | 0, (-2^31 | 0) - 1, math.maxinteger,"
                    "  math.mininteger, 1.5, 3.0, -3.0, 2^53, 1e308, 1/0, -1/0, 5e-324 } do"
                    "  local m = ship(n) eq(m, n) eq(math.type(m), math.type(n))"
                    "  eq(ship({ n })[1], n) end "
                    "eq(1 / ship(-0.0), -1/0) eq(1 / ship(0.0), 1/0) "
                    "local nan = ship(0/0) assert(nan ~= nan) eq(math.type(nan), 'float')");
}

static void nils_and_booleans_keep_their_places(void **state) {
  near_check(state, "local function count(...) return select('#', ...), ... end "
                    "eq(count(ship()), 0) eq(count(ship(nil)), 1) eq(count(ship(nil, nil)), 2) "
                    "local n, a, b, c, d = count(ship(nil, false, nil, true, nil)) "
                    "eq(n, 5) eq(a, nil) eq(b, false) eq(c, nil) eq(d, true)");
}

static void thousands_of_values_cross_at_once(void **state) {
  near_check(state, "local t = {} for i = 1, 10000 do t[i] = i % 3 ~= 0 and i or nil end "
                    "local r = table.pack(ship(table.unpack(t, 1, 10000))) eq(r.n, 10000) "
                    "for i = 1, 10000 do eq(r[i], t[i]) end");
}

static void strings_keep_every_byte(void **state) {
  near_check(state,
             "local all = {} for i = 0, 255 do all[#all + 1] = string.char(i) end "
             "all = table.concat(all) eq(ship(all), all) eq(ship(''), '') "
             "for _, n in ipairs { 1, 40, 41, 127, 128, 255, 256, 257, 32767, 32768, 1 << 20 }"
             " do local s = ('\\0x'):rep(n):sub(1, n) eq(ship(s), s) eq(ship({ s })[1], s)"
             "  eq(ship({ [s] = 1 })[s], 1) end");
}

static void tables_are_copied_deeply(void **state) {
  near_check(state, "local t = { 1, 2, 3, x = 'y', [1.5] = true, [true] = { 'in' }, [-1] = 7,"
                    "  [100] = 8, [math.mininteger] = 9, list = { {}, { {} } } } "
                    "local u = ship(t) assert(u ~= t) eq(#u, 3) eq(u[3], 3) eq(u.x, 'y')"
                    "eq(u[1.5], true) eq(u[true][1], 'in') eq(u[-1], 7) eq(u[100], 8) "
                    "eq(u[math.mininteger], 9) eq(#u.list[2], 1) eq(next(u.list[1]), nil)");
}

static void holes_in_a_sequence_do_not_shorten_it(void **state) {
  near_check(state, "local t = ship { 1, nil, 3, nil, nil, 6 } eq(#t, 6) eq(t[2], nil) eq(t[6], 6) "
                    "local u = ship { [2] = 'b', [3] = 'c' } eq(u[1], nil) eq(u[3], 'c') "
                    "local keys = 0 for _ in pairs(u) do keys = keys + 1 end eq(keys, 2)");
}

static void tables_of_any_shape_keep_all_pairs(void **state) {
  near_check(
      state,
      "local seed = 1 local function random(n) seed = (seed * 1103515245 + 12345) % 2^31 | 0 "
      "  return seed // 8 % n end "
      "for round = 1, 300 do local t, count = {}, 0 "
      "  for i = 1, random(60) do local kind, key = random(5), random(40) "
      "    if kind == 0 then key = 'k' .. key elseif kind == 1 then key = key + 0.5 "
      "    elseif kind == 2 then key = -key end "
      "    t[key] = random(6) ~= 0 and i or nil end "
      "  local u = ship(t) "
      "  for k, v in pairs(t) do eq(u[k], v) count = count + 1 end "
      "  for _ in pairs(u) do count = count - 1 end eq(count, 0) end");
}

static void integer_keys_in_the_hash_part_are_not_lost(void **state) {
  near_check(state,
             "for n = 1, 70 do local parts = { 'x=0' } "
             "  for i = 1, n do parts[#parts + 1] = ('[%d]=%d'):format(i, i) end "
             "  parts[#parts + 1] = 'y=0' "
             "  local t = load('return {' .. table.concat(parts, ',') .. '}')() "
             "  for cut = n, 1, -1 do local u, count = ship(t), 0 "
             "    for k, v in pairs(u) do eq(t[k], v) count = count + 1 end eq(count, cut + 2) "
             "    t[cut] = nil end end");
}

static void cycles_and_shared_references_are_preserved(void **state) {
  near_check(state,
             "local t = {} t.self, t[t], t.list = t, t, { t, t } "
             "local u = ship(t) eq(u.self, u) eq(u[u], u) eq(u.list[1], u) eq(u.list[2], u) "
             "local a, b = ship({ t }, { t }) eq(a[1], b[1]) "
             "local many, one = {}, { 'one' } for i = 1, 1000 do many[i] = { one, many } end "
             "many = ship(many) "
             "for i = 1, 1000 do eq(many[i][1], many[1][1]) eq(many[i][2], many) end");
}

static void a_million_levels_overflow_nothing(void **state) {
  near_check(state, "local root = {} local t = root for i = 1, 1000000 do t.n = { i } t = t.n end "
                    "t.root = root local u, depth = ship(root), 0 root = u "
                    "while u.n do u = u.n depth = depth + 1 eq(u[1], depth) end "
                    "eq(depth, 1000000) eq(u.root, root)");
}

static void trees_of_plain_data_keep_their_sharing(void **state) {
  near_check(state, "local leaf, long = { 1, 'two', 3.5, x = true }, ('y'):rep(40000) "
                    "local t = { leaf, { leaf, inner = leaf }, a = leaf, b = { c = leaf, d = {} },"
                    "  e = { long }, f = { [leaf] = leaf }, g = { 1, nil, 3 }, h = { print } } "
                    "local u = ship(t) local l = u[1] eq(l[2], 'two') eq(l.x, true) eq(#l, 3) "
                    "eq(u[2][1], l) eq(u[2].inner, l) eq(u.a, l) eq(u.b.c, l) eq(u.f[l], l) "
                    "eq(next(u.b.d), nil) eq(u.e[1], long) eq(u.g[3], 3) eq(u.h[1], print)");
}

static void depth_in_keys_and_metatables_overflows_nothing(void **state) {
  near_check(state, "local t = {} for i = 1, 10000 do t = setmetatable({ [t] = i }, { t }) end "
                    "local u, depth = ship(t), 0 while next(u) do depth = depth + 1 "
                    "  eq(getmetatable(u)[1], next(u)) u = next(u) end eq(depth, 10000)");
}

static void metatables_cross_after_the_fields(void **state) {
  near_check(state, "local log = {} local mt = { __newindex = function() error 'used' end,"
                    "  __index = function(_, k) return k .. '!' end, __name = 'thing' } "
                    "local a, b = ship(setmetatable({ x = 1 }, mt), setmetatable({}, mt)) "
                    "eq(a.x, 1) eq(a.foo, 'foo!') eq(getmetatable(a), getmetatable(b)) "
                    "eq(pcall(function() a.y = 1 end), false) "
                    "local class = {} class.__index = class function class.get(o) return o.v end "
                    "eq(ship(setmetatable({ v = 5 }, class)):get(), 5) "
                    "local weak = getmetatable(ship(setmetatable({}, { __mode = 'k' }))) "
                    "eq(weak.__mode, 'k')");
}

static void a_finalizer_runs_also_if_its_metatable_was_incomplete(void **state) {
  near_check(state, "local function test() local class = { dead = 0 } class.__index = class "
                    "  for i = 1, 20 do class['k' .. i] = setmetatable({}, class) end "
                    "  class.__gc = function() class.dead = class.dead + 1 end return class end "
                    "local function count(class) for i = 1, 20 do class['k' .. i] = nil end "
                    "  collectgarbage() collectgarbage() return class.dead end "
                    "eq(run(count, test()), 20)");
}

static void the_globals_table_becomes_the_receivers(void **state) {
  near_check(state, "eq(ship(_G), _G) eq(ship({ _ENV })[1], _G) eq(ship({ [_G] = 1 })[_G], 1)");
}

static void repeated_strings_are_the_same_string(void **state) {
  near_check(state, "local s = ('k'):rep(500) local t = ship { s, s, [s] = s, { s, [s] = 1 } } "
                    "eq(t[2], s) eq(t[s], s) eq(t[3][s], 1)"
                    "local d = {} for i = 1, 20000 do d['key' .. i] = { ['key' .. i] = i } end "
                    "d = ship(d) for i = 1, 20000 do eq(d['key' .. i]['key' .. i], i) end");
}

static void an_object_is_made_again_by_its_constructor(void **state) {
  near_check(
      state,
      "local function object(mt) local file = io.tmpfile() "
      "  debug.setmetatable(file, mt) return file end "
      "local calls = 0 "
      "local mt = { __pack = function(o) calls = calls + 1 return function(a, b, c) "
      "  return { 'made', a, b, c } end, 1, nil, { 3 } end } "
      "local o = object(mt) local r = ship { o, o, x = { o } } "
      "eq(r[1], r[2]) eq(r[1], r.x[1]) eq(r[1][1], 'made') eq(r[1][2], 1) eq(r[1][3], nil) "
      "eq(r[1][4][1], 3) eq(calls, 1) "
      "mt.__pack = function() return string.rep, 'ab', 2 end eq(ship(o), 'abab') "
      "mt.__pack = function() return nil end raises('must return a function', ship, o) "
      "mt.__pack = function() error 'no' end raises('no', ship, o) "
      "mt.__pack = function(self) return print, { self } end raises('itself', ship, o) "
      "mt.__pack = function() return print, coroutine.create(print) end "
      "raises('__pack returned is a coroutine', ship, { o }) "
      "mt.__pack = function() return function() error 'at home' end end "
      "raises('at home', ship, o) "
      "mt.__pack = function() local t = {} for i = 1, 1000 do t = { t } end "
      "  return print, t end raises('nested too deeply', ship, o) "
      "mt.__pack = function() return function(t) local n = 0 while t[1] do t = t[1]"
      "  n = n + 1 end return n end, (function() local t = {} for i = 1, 150 do t = { t } end"
      "  return t end)() end eq(ship { { o } }[1][1], 150)");
}

static void packing_may_be_called_while_packing(void **state) {
  near_check(state, "local file, inner = io.tmpfile(), {} "
                    "debug.setmetatable(file, { __pack = function() "
                    "  for i = 1, 50 do inner = ship { inner, i } end collectgarbage() "
                    "  return function(x) return x end, inner end }) "
                    "local t = { {}, file, {} } t[4], t[5] = t[1], t[3] "
                    "local r = ship(t) eq(r[1], r[4]) eq(r[3], r[5]) assert(r[1] ~= r[3]) "
                    "eq(r[2][2], 50)");
}

static void what_pack_methods_throw_away_is_not_mixed_up(void **state) {
  near_check(state, "local file, t = io.tmpfile(), {} "
                    "debug.setmetatable(file, { __pack = function() "
                    "  for i = 1, 9 do t[i] = false end collectgarbage() "
                    "  local fresh = {} for i = 1, 50 do fresh[i] = { i } end "
                    "  return function(x) return x end, fresh end }) "
                    "for i = 1, 9 do t[i] = { -i } end t[10] = file "
                    "local r = ship(t) for i = 1, 9 do eq(r[i][1], -i) end "
                    "for i = 1, 50 do eq(r[10][i][1], i) end");
}

static void tables_are_looked_into(void **state) {
  assert_true(((struct states *)*state)->near.inside); /* or the rest tests half of it */
}

/* As with a Lua whose tables are laid out in another way. */
static int use_the_api(void **state) {
  struct states *s = *state;
  s->near.inside = s->far.inside = false;
  return 0;
}

static int use_both(void **state) {
  struct states *s = *state;
  s->near.inside = s->far.inside = true;
  return 0;
}

/* A test, and once more by the API alone. */
#define TWICE(test)                                                                                \
  cmocka_unit_test(test), {                                                                        \
#test "_by_the_api", test, use_the_api, use_both, NULL                                         \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tables_are_looked_into),
      TWICE(numbers_keep_value_and_kind),
      TWICE(nils_and_booleans_keep_their_places),
      TWICE(thousands_of_values_cross_at_once),
      TWICE(strings_keep_every_byte),
      TWICE(tables_are_copied_deeply),
      TWICE(holes_in_a_sequence_do_not_shorten_it),
      TWICE(tables_of_any_shape_keep_all_pairs),
      TWICE(integer_keys_in_the_hash_part_are_not_lost),
      TWICE(cycles_and_shared_references_are_preserved),
      TWICE(a_million_levels_overflow_nothing),
      TWICE(trees_of_plain_data_keep_their_sharing),
      TWICE(depth_in_keys_and_metatables_overflows_nothing),
      TWICE(metatables_cross_after_the_fields),
      TWICE(a_finalizer_runs_also_if_its_metatable_was_incomplete),
      TWICE(the_globals_table_becomes_the_receivers),
      TWICE(repeated_strings_are_the_same_string),
      TWICE(an_object_is_made_again_by_its_constructor),
      TWICE(packing_may_be_called_while_packing),
      TWICE(what_pack_methods_throw_away_is_not_mixed_up),
  };
  return cmocka_run_group_tests(tests, states_open, states_close);
}
