/* vm/leaf.c and rows.c: tables with the same keys, one after the other. */
#include "states.h"

#include "vm/inside.h"
#include "vm/wire.h"

/* same(a, b): raises unless the lists hold the same records, each with nothing else. */
static int open_with_same(void **state) {
  states_open(state);
  near_check(state, "function same(a, b) eq(#a, #b) for i, x in ipairs(a) do local y = b[i] "
                    "  if type(x) ~= 'table' then eq(x, y) else "
                    "    for k, v in pairs(x) do eq(math.type(y[k]), math.type(v)) eq(y[k], v) end "
                    "    for k in pairs(y) do assert(x[k] ~= nil, k) end end end end "
                    "function list(make, n) local t = {} for i = 1, n or 50 do t[i] = make(i) end "
                    "  return t end "
                    "function check(make, n) local t = list(make, n) same(t, ship(t)) end");
  return 0;
}

static void values_of_every_kind_arrive(void **state) {
  near_check(state, "check(function(i) return { id = i, half = i + 0.5, big = i << 40, "
                    "  yes = i % 2 == 0, name = 'n' .. i, empty = '', "
                    "  text = ('t'):rep(41) .. i, long = ('l'):rep(300) .. i, same = 'same', "
                    "  shared = ('s'):rep(200), negative = -i } end)"
                    "check(function(i) return { x = i } end, 3) "
                    "check(function(i) return { x = 1.5 } end) "
                    "check(function(i) return { on = true } end)");
}

static void any_number_of_keys_will_do(void **state) {
  near_check(state, "for keys = 0, 40 do check(function(i) local t = {} "
                    "  for k = 1, keys do t['key' .. k] = k * i end return t end, 20) end");
}

static void differences_between_neighbours_are_kept(void **state) {
  near_check(state,
             "check(function(i) return { a = i, b = i % 3 ~= 0 and i or nil } end)"
             "check(function(i) return i % 2 == 0 and { a = i, b = i } or { a = i, c = i } end)"
             "check(function(i) return i % 5 == 0 and i or { a = i } end)"
             "check(function(i) return i % 5 == 0 and { i, a = i } or { a = i } end)"
             "check(function(i) return i % 5 == 0 and { [1.5] = i } or { a = i } end)"
             "check(function(i) return i % 5 == 0 and {} or { a = i } end)"
             "check(function(i) local t = { a = i, b = i } t.b = nil t.c = i return t end)"
             "check(function(i) local t = { a = i, b = i, c = i } "
             "  if i % 2 == 0 then t.b = nil end return t end)");
}

static void lists_of_any_shape_arrive(void **state) {
  near_check(state,
             "local seed = 7 local function random(n) "
             "  seed = (seed * 1103515245 + 12345) % 2^31 | 0 return seed // 8 % n end "
             "for round = 1, 200 do local shapes = list(function() local keys = {} "
             "    for i = 1, random(6) do keys[i] = 'k' .. random(9) end return keys end, 3) "
             "  check(function(i) local t = {} "
             "    for _, key in ipairs(shapes[random(10) < 8 and 1 or 1 + random(3)]) do "
             "      t[key] = random(3) == 0 and 'v' .. random(99) or random(1 << 20) end "
             "    if random(20) == 0 then t[1] = 'first' end return t end) end");
}

static void rows_keep_their_identity(void **state) {
  near_check(state,
             "local t = list(function(i) return { id = i } end) "
             "t[51], t[52], t.first = t[1], t[7], t[1] t.again = { row = t[9], t[9] } "
             "local u = ship(t) same({ table.unpack(t, 1, 50) }, { table.unpack(u, 1, 50) }) "
             "eq(u[51], u[1]) eq(u[52], u[7]) eq(u.first, u[1]) "
             "eq(u.again.row, u[9]) eq(u.again[1], u[9]) assert(u[1] ~= u[2])");
}

static void rows_lie_in_nested_lists_and_in_fields(void **state) {
  near_check(state, "local t = { rows = list(function(i) return { x = i, y = -i } end), "
                    "  { list(function(i) return { x = i, y = 'y' } end) }, "
                    "  one = { x = 1, y = 2 }, two = { x = 3, y = 4 } } "
                    "local u, a, b = ship(t, { x = 5, y = 6 }, { x = 7, y = 8 }) "
                    "same(t.rows, u.rows) same(t[1][1], u[1][1]) eq(u.one.y, 2) eq(u.two.x, 3) "
                    "eq(a.x, 5) eq(b.y, 8)");
}

static void rows_are_tables_like_any_other(void **state) {
  near_check(state,
             "local rows = ship(list(function(i) return { a = i, b = 'b' .. i } end)) "
             "for i, row in ipairs(rows) do row.c = i row.a = nil row[1] = i "
             "  for k = 1, 20 do row['k' .. k] = k end end "
             "for i, row in ipairs(rows) do eq(row.a, nil) eq(row.b, 'b' .. i) eq(row.c, i) "
             "  eq(row[1], i) eq(row.k20, 20) local n = 0 for _ in pairs(row) do n = n + 1 end "
             "  eq(n, 23) end");
}

/* Which metamethods a table lacks is remembered in it. */
static void rows_may_become_metatables(void **state) {
  near_check(state, "local rows = ship(list(function() return { __mode = 'k', __name = 'n' } end)) "
                    "for _, row in ipairs(rows) do local weak = setmetatable({}, row) "
                    "  weak[{}] = true collectgarbage() eq(next(weak), nil) end "
                    "local plain = ship(list(function() return { name = 'n' } end)) "
                    "for _, row in ipairs(plain) do local t = setmetatable({}, row) eq(t.x, nil) "
                    "  row.__index = function() return 'found' end eq(t.x, 'found') end");
}

/* Short lists are unpacked while the collector runs, in whatever phase it is. */
static void the_collector_may_run_meanwhile(void **state) {
  near_check(state,
             "for _, mode in ipairs { 'incremental', 'generational' } do "
             "  run(function(mode) collectgarbage(mode) keep = {} "
             "    if mode == 'incremental' then collectgarbage(mode, 50, 50, 5) end end, mode) "
             "  for i = 1, 3000 do run(function(i, rows) keep[i % 100] = rows "
             "      local old = keep[(i + 1) % 100] if not old then return end "
             "      for j, row in ipairs(old) do "
             "        if row.name ~= 'name ' .. row.id or row.id % 5 ~= j % 5 then "
             "          error('damaged') end end end, i, "
             "    list(function(j) return { id = i * 5 + j, name = 'name ' .. i * 5 + j } end, "
             "      4)) end "
             "  run(function() keep = nil collectgarbage('incremental', 200, 100) end) end");
}

static void code_that_runs_between_rows_is_harmless(void **state) {
  near_check(state,
             "local file = io.tmpfile() debug.setmetatable(file, { __pack = function() "
             "  return function(x) collectgarbage() return { x } end, 'made' end }) "
             "local t = list(function(i) return { id = i } end) t[20] = file "
             "t[30] = string.format t[40] = { id = string } "
             "local u = ship(t) for i = 1, 50 do "
             "  if i % 10 ~= 0 or i % 20 == 10 and i ~= 30 or i == 50 then eq(u[i].id, i) end end "
             "eq(u[20][1], 'made') eq(u[30], string.format) eq(u[40].id, string)");
}

/* Rows are looked through before they are made, as far as the values are small. */
static const char strings_of_every_size[] =
    "check(function(i) return { s = ('x'):rep(i % 45), name = 'name ' .. i, on = i % 2 == 0 } end,"
    "  3000) "
    "check(function(i) return { s = i % 90 == 0 and ('y'):rep(300 + i) or 'y' .. i, i = i } end,"
    "  3000) "
    "local twice = list(function(i) return { s = 'twice ' .. i } end, 3000) "
    "for i = 1, 3000 do twice[3000 + i] = { s = 'twice ' .. i } end same(twice, ship(twice))";

static void short_strings_arrive_whatever_they_hash_to(void **state) {
  struct rl_vm *far = &((struct states *)*state)->far;
  assert_non_null(far->state);
  near_check(state, strings_of_every_size);
  far->state = NULL;
  near_check(state, strings_of_every_size);
  rl_vm_close(far);
  far->hashes++;
  assert_int_equal(rl_vm_open(far, far->heap), 0);
  near_check(state, strings_of_every_size);
}

/* The state's allocator, which counts how often Lua makes its table of strings larger. */
struct growths {
  lua_Alloc allocate;
  void *context;
  const struct rl_inside_strings *strings;
  unsigned count;
};

static void *count_growths(void *context, void *block, size_t old, size_t size) {
  struct growths *growths = context;
  if (block && block == growths->strings->buckets && size > old)
    growths->count++;
  return growths->allocate(growths->context, block, old, size);
}

static void there_is_room_for_new_strings_before_they_come(void **state) {
  struct rl_vm *far = &((struct states *)*state)->far;
  struct growths growths = {.strings = &far->state->strings};
  int before = growths.strings->size;
  growths.allocate = lua_getallocf(far->L, &growths.context);
  lua_setallocf(far->L, count_growths, &growths);
  near_check(state, "run(function(rows) keep = rows end, list(function(i) "
                    "  return { kind = 'kind', on = i % 2 == 0 and 'on' or 'off' } end, 20000))");
  assert_true(growths.strings->size <= before);
  near_check(state, "run(function(rows) keep = rows end,"
                    "  list(function(i) return { kind = 'kind', name = 'row ' .. i } end, 20000))");
  assert_true(growths.strings->used > 20000 && growths.strings->size > before);
  assert_int_equal(growths.count, 0);
  near_check(state, "run(function() local met = {} "
                    "  for i, row in ipairs(keep) do met[row.name] = i end "
                    "  for i = 1, 20000 do assert(met['row ' .. i] == i) end keep = nil end)");
  lua_setallocf(far->L, growths.allocate, growths.context);
}

static void put_u32(struct rl_buffer *bytes, uint32_t value) {
  rl_buffer_append(bytes, &value, sizeof value);
}

static void put_table(struct rl_buffer *bytes, unsigned tag, uint32_t sequence, uint32_t pairs) {
  rl_buffer_byte(bytes, (unsigned char)tag);
  put_u32(bytes, 0);
  put_u32(bytes, sequence);
  put_u32(bytes, pairs);
}

static void put_integers(struct rl_buffer *bytes, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    rl_buffer_byte(bytes, (unsigned char)(RL_WIRE_SMALL | i));
}

static void put_pair(struct rl_buffer *bytes, char key, unsigned value) {
  rl_buffer_byte(bytes, RL_WIRE_TEXT1);
  rl_buffer_byte(bytes, 1);
  rl_buffer_byte(bytes, (unsigned char)key);
  rl_buffer_byte(bytes, (unsigned char)value);
}

/* table.move(40 integers, 1, 40, 1, a model of which one pair is left), which makes that smaller;
 * then a row for the model that it was. */
static void a_model_that_a_constructor_had_is_none(void **state) {
  struct states *s = *state;
  struct rl_parcel parcel;
  struct rl_buffer *bytes = &parcel.bytes;
  rl_parcel_init(&parcel, &s->heap);
  put_table(bytes, RL_WIRE_TABLE, 2, 0);
  rl_buffer_byte(bytes, RL_WIRE_MADE);
  put_u32(bytes, 0);
  put_u32(bytes, 5);
  rl_buffer_byte(bytes, RL_WIRE_NAMED);
  put_u32(bytes, 0);
  put_u32(bytes, sizeof "table\0move");
  rl_buffer_append(bytes, "table\0move", sizeof "table\0move");
  put_table(bytes, RL_WIRE_TABLE, 40, 0);
  put_integers(bytes, 40);
  for (const unsigned char *at = (const unsigned char *)"\1\50\1"; *at; at++)
    rl_buffer_byte(bytes, (unsigned char)(RL_WIRE_SMALL | *at));
  put_table(bytes, RL_WIRE_MODEL, 0, 16);
  for (char key = 'a'; key < 'i'; key++)
    put_pair(bytes, key, RL_WIRE_SMALL);
  for (char key = 'b'; key < 'i'; key++)
    put_pair(bytes, key, RL_WIRE_NIL);
  put_pair(bytes, 'a', RL_WIRE_SMALL);
  rl_buffer_byte(bytes, RL_WIRE_ROW);
  put_u32(bytes, 0);
  put_integers(bytes, 16);
  parcel.values = 1;
  assert_int_equal(rl_call_protected(s->far.L, states_unpack, &parcel), LUA_ERRRUN);
  assert_non_null(strstr(lua_tostring(s->far.L, -1), "corrupt parcel"));
  lua_settop(s->far.L, 0);
  rl_parcel_free(&parcel, false);
}

/* What rows take is made without Lua, and freed by it. */
static void lua_knows_what_rows_hold(void **state) {
  struct rl_vm *far = &((struct states *)*state)->far;
  for (int i = 0; i < 3; i++) {
    near_check(state, "run(function(rows) keep = rows end,"
                      "  list(function(i) return { a = i, b = 'b' .. i, c = -i } end, 5000))"
                      "run(function() keep[7].d = 1 keep[9] = nil end)");
    size_t says =
        ((size_t)lua_gc(far->L, LUA_GCCOUNT) << 10) + (size_t)lua_gc(far->L, LUA_GCCOUNTB);
    assert_int_equal(says, far->ledger.bytes);
    assert_true(says > 5000 * 4 * sizeof(struct rl_inside_pair));
  }
  near_check(state, "run(function() keep = nil collectgarbage() collectgarbage() end)");
  size_t left = ((size_t)lua_gc(far->L, LUA_GCCOUNT) << 10) + (size_t)lua_gc(far->L, LUA_GCCOUNTB);
  assert_int_equal(left, far->ledger.bytes);
  assert_true(left < 5000 * sizeof(struct rl_inside_pair));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_of_every_kind_arrive),
      cmocka_unit_test(any_number_of_keys_will_do),
      cmocka_unit_test(differences_between_neighbours_are_kept),
      cmocka_unit_test(lists_of_any_shape_arrive),
      cmocka_unit_test(rows_keep_their_identity),
      cmocka_unit_test(rows_lie_in_nested_lists_and_in_fields),
      cmocka_unit_test(rows_are_tables_like_any_other),
      cmocka_unit_test(rows_may_become_metatables),
      cmocka_unit_test(the_collector_may_run_meanwhile),
      cmocka_unit_test(code_that_runs_between_rows_is_harmless),
      cmocka_unit_test(short_strings_arrive_whatever_they_hash_to),
      cmocka_unit_test(there_is_room_for_new_strings_before_they_come),
      cmocka_unit_test(a_model_that_a_constructor_had_is_none),
      cmocka_unit_test(lua_knows_what_rows_hold),
  };
  return cmocka_run_group_tests(tests, open_with_same, states_close);
}
