/* Inside: reads and fills Lua's tables where they lie, without a call of Lua's API for each value;
 * that is what makes large tables cheap to ship.
 *
 * The structs below mirror those of Lua 5.4 (lobject.h, lstate.h), which have been the same
 * from 5.4.0 on but are not promised to stay. So nothing here is used before the checks have
 * compared what they say with what the API says; if they ever differ, packing and unpacking go by
 * the API alone, and are only slower. Only seed.c comes before: it knows a new state by its values.
 * Pointers got here are good until the next call that could run Lua code or change the table. Owner
 * thread only. */
#ifndef RL_VM_INSIDE_H
#define RL_VM_INSIDE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kinds of values, as they are stored; what is not listed is for the API. */
enum rl_inside_kind {
  RL_INSIDE_FALSE = LUA_TBOOLEAN,
  RL_INSIDE_TRUE = LUA_TBOOLEAN | 1 << 4,
  RL_INSIDE_INTEGER = LUA_TNUMBER,
  RL_INSIDE_FLOAT = LUA_TNUMBER | 1 << 4,
  RL_INSIDE_SHORT = LUA_TSTRING | 1 << 6,         /* a string of at most 40 bytes */
  RL_INSIDE_LONG = LUA_TSTRING | 1 << 4 | 1 << 6, /* a longer one */
  RL_INSIDE_TABLE = LUA_TTABLE | 1 << 6
};

union rl_inside_datum {
  const void *object;
  lua_Integer integer;
  lua_Number number;
};

struct rl_inside_value {
  union rl_inside_datum datum;
  uint8_t kind;
};

/* One pair of a table's hash part. */
struct rl_inside_pair {
  union rl_inside_datum value;
  uint8_t kind; /* of the value; see rl_inside_nil */
  uint8_t key_kind;
  int32_t next;
  union rl_inside_datum key;
};

struct rl_inside_table {
  void *next;
  uint8_t type, mark;
  uint8_t flags; /* bit 7: `limit` is not the size of the array */
  uint8_t log_pairs;
  uint32_t limit;
  struct rl_inside_value *array;
  struct rl_inside_pair *pairs;
  struct rl_inside_pair *last_free; /* NULL: no hash part at all */
  struct rl_inside_table *metatable;
};

struct rl_inside_string {
  void *next;
  uint8_t type, mark;
  uint8_t extra;
  uint8_t short_size;
  uint32_t hash; /* of a short one: the same in every state with the same seed (seed.h) */
  union {
    size_t long_size;                /* of a long one */
    struct rl_inside_string *beside; /* the next short one of its bucket */
  };
  char bytes[];
};

/* Where a state keeps its short strings, each of them once. */
struct rl_inside_strings {
  struct rl_inside_string **buckets;
  int used, size; /* strings; buckets, a power of two */
};

struct rl_inside_thread {
  void *next;
  uint8_t type, mark;
  uint8_t status;
  uint8_t hooks; /* 1, or 0 where Lua calls none: in a hook, in a finalizer */
};

/* What all threads of a state share. The bytes that the state holds are `bytes` + `debt`. */
struct rl_inside_state {
  lua_Alloc allocate;
  void *context;
  size_t bytes;
  ptrdiff_t debt; /* that the collector has yet to work off, if it is above 0 */
  size_t estimate, last_atomic;
  struct rl_inside_strings strings;
  struct rl_inside_value registry, nil;
  unsigned seed;
};

/* Whether the structs are those of the Lua that runs. Raises for want of memory. */
bool rl_inside_check(lua_State *L);

/* The same of what was found to be a new state's (seed.h), if anything was. */
bool rl_inside_check_state(lua_State *L, const struct rl_inside_state *state);

/* The same of threads, apart from the others. */
bool rl_inside_check_thread(lua_State *L);

/* A block for Lua to free, counted as one of its own; without the collection that Lua tries when
 * there is no memory. NULL then, or if a limit is in the way. */
void *rl_inside_take(lua_State *L, size_t size);

/* Makes room for so many more short strings: Lua does it while they come, when there are more to be
 * moved. Without memory for it nothing is done. */
void rl_inside_widen(lua_State *L, size_t more);

static inline struct rl_inside_table *rl_inside_of(lua_State *L, int index) {
  return (struct rl_inside_table *)(uintptr_t)lua_topointer(L, index);
}

/* The value that a string is, by its bytes as the API has given them. */
static inline struct rl_inside_value rl_inside_made(const char *bytes) {
  const void *object = bytes - offsetof(struct rl_inside_string, bytes);
  const struct rl_inside_string *string = object;
  return (struct rl_inside_value){{.object = object}, (uint8_t)(string->type | 1 << 6)};
}

/* Where a short string with this hash is, if there is one. */
static inline struct rl_inside_string **rl_inside_bucket(const struct rl_inside_strings *strings,
                                                         uint32_t hash) {
  return &strings->buckets[hash & (uint32_t)(strings->size - 1)];
}

static inline bool rl_inside_nil(uint8_t kind) {
  return (kind & 15) == LUA_TNIL;
}

static inline bool rl_inside_string(uint8_t kind) {
  return kind == RL_INSIDE_SHORT || kind == RL_INSIDE_LONG;
}

static inline size_t rl_inside_pairs(const struct rl_inside_table *table) {
  return table->last_free ? (size_t)1 << table->log_pairs : 0;
}

/* Whether the collector has looked at it in this cycle, so that it must be told of what is stored.
 */
static inline bool rl_inside_black(const struct rl_inside_table *table) {
  return table->mark & 1 << 5;
}

/* How many values the array part has room for. */
static inline size_t rl_inside_room(const struct rl_inside_table *table) {
  uint32_t limit = table->limit;
  if (!(table->flags & 1 << 7) || (limit & (limit - 1)) == 0)
    return limit;
  return (size_t)1 << (32 - __builtin_clz(limit)); /* the next power of two */
}

static inline const char *rl_inside_text(const struct rl_inside_string *string, size_t *size) {
  *size = string->type == RL_INSIDE_SHORT - (1 << 6) ? string->short_size : string->long_size;
  return string->bytes;
}

#endif
