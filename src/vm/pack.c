/* Pack: one pack as a whole, which either succeeds or has not happened.
 *
 * Most calls send a function that captures nothing and a few numbers or short strings; these are
 * written here, without protection, by operations that cannot raise. Everything else is the
 * packer's, under lua_pcall. */
#include <lauxlib.h>
#include <string.h>

#include "vm/call.h"
#include "vm/code.h"
#include "vm/names.h"
#include "vm/packer.h"
#include "vm/parcel.h"
#include "vm/put.h"
#include "vm/refuse.h"
#include "vm/values.h"
#include "vm/vm.h"

static bool quick_number(lua_State *L, int index, struct rl_buffer *bytes) {
  unsigned char *room = rl_buffer_extend(bytes, 9);
  if (!room)
    return false;
  size_t used = 9;
  if (lua_isinteger(L, index)) {
    used = rl_put_integer(room, lua_tointeger(L, index));
  } else {
    lua_Number number = lua_tonumber(L, index);
    *room = RL_WIRE_FLOAT;
    memcpy(room + 1, &number, sizeof number);
  }
  bytes->size -= 9 - used;
  return true;
}

static bool quick_string(lua_State *L, int index, struct rl_buffer *bytes) {
  size_t size;
  const char *text = lua_tolstring(L, index, &size);
  unsigned char *room = size <= UINT8_MAX ? rl_buffer_extend(bytes, 2 + size) : NULL;
  if (!room)
    return false;
  room[0] = RL_WIRE_TEXT1;
  room[1] = (unsigned char)size;
  memcpy(room + 2, text, size);
  return true;
}

/* The first function of a parcel, if it has no name, its code is known, and it captures nothing. */
static bool quick_function(lua_State *L, int index, struct rl_parcel *parcel) {
  if (parcel->code_count != 0 || lua_iscfunction(L, index))
    return false;
  if (rl_names_find(L, index)) {
    lua_pop(L, 1);
    return false;
  }
  int tag = rl_values_function_tag(L, index, rl_vm_of(L)->globals);
  struct rl_known *known = tag == RL_WIRE_CLOSURE ? NULL : rl_codes_recall_kept(L, index);
  unsigned char *room = known ? rl_buffer_extend(&parcel->bytes, 9) : NULL;
  if (!room)
    return false;
  room[0] = (unsigned char)tag;
  memset(room + 1, 0, 8); /* no slot; code 0 */
  return rl_parcel_add_code(parcel, rl_codes_take(known));
}

/* Writes the value at `index` if it is one of the simple ones; false if not, or without memory. */
static bool quick_value(lua_State *L, int index, struct rl_parcel *parcel) {
  switch (lua_type(L, index)) {
  case LUA_TNIL: rl_buffer_byte(&parcel->bytes, RL_WIRE_NIL); break;
  case LUA_TBOOLEAN:
    rl_buffer_byte(&parcel->bytes, lua_toboolean(L, index) ? RL_WIRE_TRUE : RL_WIRE_FALSE);
    break;
  case LUA_TNUMBER: return quick_number(L, index, &parcel->bytes);
  case LUA_TSTRING: parcel->scalar = false; return quick_string(L, index, &parcel->bytes);
  case LUA_TFUNCTION: parcel->scalar = false; return quick_function(L, index, parcel);
  default: return false;
  }
  return !parcel->bytes.failed;
}

static bool pack_quickly(lua_State *L, int first, int count, struct rl_parcel *parcel) {
  parcel->scalar = true;
  for (int i = 0; i < count; i++)
    if (!quick_value(L, first + i, parcel))
      return false;
  parcel->values = count;
  return true;
}

/* Leaves the parcel as if nothing had been packed. */
static void undo(lua_State *L, struct rl_parcel *parcel) {
  rl_parcel_release(L, parcel);
  rl_parcel_free(parcel, true);
}

/* The state's packer, or another while that one is at work; NULL when there is no memory. */
static struct rl_packer *borrow(struct rl_vm *vm) {
  if (!vm->packer)
    vm->packer = rl_packer_new(vm->heap);
  else if (vm->packer->busy)
    return rl_packer_new(vm->heap);
  if (vm->packer)
    vm->packer->busy = vm->packer->keeps = true;
  return vm->packer;
}

static void give_back(struct rl_vm *vm, struct rl_packer *packer) {
  if (packer != vm->packer) {
    rl_packer_free(packer);
  } else {
    rl_packer_clear(packer);
    packer->busy = false;
  }
}

static int write_values(lua_State *L) { // [packer, values...]
  struct rl_packer *packer = lua_touserdata(L, 1);
  lua_remove(L, 1);
  packer->L = L;
  rl_values_write(packer, lua_gettop(L));
  return 0;
}

static int refresh_names(lua_State *L) {
  rl_names_refresh(L);
  return 0;
}

static int raise_text(lua_State *L) {
  return luaL_error(L, "%s", (const char *)lua_touserdata(L, 1));
}

static int fail(lua_State *L, struct rl_parcel *parcel, const char *text) {
  rl_parcel_free(parcel, false);
  rl_call_protected(L, raise_text, (void *)(uintptr_t)text);
  return -1;
}

/* One attempt: LUA_OK, or an error on the stack and the parcel empty again. */
static int attempt(lua_State *L, int first, int count, struct rl_packer *packer) {
  rl_packer_clear(packer);
  lua_pushcfunction(L, write_values);
  lua_pushlightuserdata(L, packer);
  for (int i = 0; i < count; i++)
    lua_pushvalue(L, first + i);
  int status = lua_pcall(L, count + 1, 0, 0);
  if (status == LUA_OK)
    return LUA_OK;
  undo(L, packer->parcel);
  if (packer->keeps)
    rl_values_forget(L, packer);
  return status;
}

static int pack_with(lua_State *L, int first, int count, struct rl_packer *packer,
                     rl_pack_names *names) {
  packer->careful = packer->refreshed = false;
  packer->inside = rl_vm_of(L)->inside;
  while (attempt(L, first, count, packer) != LUA_OK) {
    enum rl_packer_trouble trouble = packer->trouble;
    if (trouble == RL_PACKER_FINE)
      return -1;
    lua_pop(L, 1);
    if (trouble == RL_PACKER_REFUSED) {
      rl_refuse_explain(L, first, count, names);
      return -1;
    }
    packer->careful |= trouble == RL_PACKER_UNSAFE;
    packer->inside &= !packer->careful;
    packer->refreshed |= trouble == RL_PACKER_UNNAMED;
    if (trouble == RL_PACKER_UNNAMED && rl_call_protected(L, refresh_names, NULL) != LUA_OK)
      return -1;
  }
  packer->parcel->values = count;
  return 0;
}

int rl_pack(lua_State *L, int first, int count, struct rl_parcel *parcel, rl_pack_names *names) {
  struct rl_vm *vm = rl_vm_of(L);
  if (pack_quickly(L, first, count, parcel))
    return 0;
  undo(L, parcel);
  if (!lua_checkstack(L, count + LUA_MINSTACK))
    return fail(L, parcel, "too many values to pack");
  struct rl_packer *packer = borrow(vm);
  if (!packer)
    return fail(L, parcel, "not enough memory");
  packer->parcel = parcel;
  packer->names = vm->names;
  packer->globals = vm->globals;
  int status = pack_with(L, first, count, packer, names);
  give_back(vm, packer);
  if (status != 0)
    rl_parcel_free(parcel, false);
  return status;
}
