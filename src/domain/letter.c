/* Letter: see the header. */
#include "domain/letter.h"

#include <lauxlib.h>
#include <stdio.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/freight.h"

static void name_value(char *name, size_t size, int offset) {
  (void)offset;
  snprintf(name, size, "the value");
}

static size_t weight(const struct rl_letter *letter) {
  return sizeof *letter + letter->parcel.bytes.size;
}

struct rl_letter *rl_letter_write(lua_State *L, int index) {
  struct rl_heap *heap = rl_domain_of(L)->settings->heap;
  struct rl_letter *letter = rl_alloc(heap, sizeof *letter);
  if (!letter) {
    lua_pushliteral(L, "not enough memory");
    return NULL;
  }
  rl_list_init(&letter->link);
  letter->number = 0;
  letter->freight = NULL;
  rl_parcel_init(&letter->parcel, heap);
  letter->parcel.copies = true;
  if (rl_pack(L, index, 1, &letter->parcel, name_value) != 0) {
    rl_letter_free(letter);
    return NULL;
  }
  letter->freight = rl_budget_load(L, weight(letter));
  return letter;
}

void rl_letter_free(struct rl_letter *letter) {
  if (!letter)
    return;
  struct rl_heap *heap = letter->parcel.bytes.heap;
  if (letter->freight)
    rl_freight_unload(letter->freight, weight(letter));
  rl_parcel_free(&letter->parcel, false);
  rl_free(heap, letter, sizeof *letter);
}

static int unpack(lua_State *L) {
  return rl_unpack(L, lua_touserdata(L, 1));
}

void rl_letter_read(lua_State *L, struct rl_letter *letter) {
  int status = LUA_OK;
  if (letter->parcel.scalar) {
    rl_unpack(L, &letter->parcel);
  } else {
    lua_pushcfunction(L, unpack);
    lua_pushlightuserdata(L, &letter->parcel);
    status = lua_pcall(L, 1, 1, 0);
    if (status != LUA_OK)
      rl_budget_explain(L);
  }
  rl_letter_free(letter);
  if (status != LUA_OK)
    lua_error(L);
}
