/* Decodes arbitrary bytes as JSON. What is taken is encoded, and decoded again: the same text comes
 * of it, so nothing was lost on the way. Sorted, since tables have no order. */
#include <lauxlib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "vm/call.h"
#include "vm/json.h"
#include "vm/state.h"

enum { ROUNDS = 1000 }; /* in one state */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
  if (!holds)
    abort();
}

static int run(lua_State *L) { // [text]
  struct rl_json_style style = {.depth = RL_JSON_DEPTH, .sorted = true};
  const struct rl_slice *text = lua_touserdata(L, 1);
  lua_pushlstring(L, text->bytes, text->size);
  if (!rl_json_decode(L, 2, RL_JSON_DEPTH)) {
    must(lua_gettop(L) == 3 && strncmp(lua_tostring(L, 3), "line ", 5) == 0);
    return 0;
  }
  rl_json_encode(L, 3, &style);
  style.indent = text->size % 4;
  rl_json_encode(L, 3, &style); // [.., text, value, text, indented]
  must(rl_json_decode(L, 4, RL_JSON_DEPTH) && rl_json_decode(L, 5, RL_JSON_DEPTH));
  style.indent = 0;
  rl_json_encode(L, 6, &style);
  rl_json_encode(L, 7, &style);
  must(lua_rawequal(L, 4, 8) && lua_rawequal(L, 4, 9));
  rl_json_encode(L, 3, &rl_json_plain);
  must(rl_json_decode(L, 10, RL_JSON_DEPTH));
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct rl_heap heap;
  static struct rl_vm vm;
  static unsigned rounds;
  struct rl_slice text = {(const char *)data, size};
  if (rounds++ % ROUNDS == 0) {
    rl_heap_init(&heap);
    must(rl_vm_open(&vm, &heap) == 0);
  }
  must(rl_call_protected(vm.L, run, &text) == LUA_OK);
  lua_settop(vm.L, 0);
  if (rounds % ROUNDS == 0) {
    rl_vm_close(&vm);
    must(atomic_load(&heap.blocks) == 0 && vm.ledger.bytes == 0);
  }
  return 0;
}
