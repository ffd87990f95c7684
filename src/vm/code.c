/* Code: the cache of one domain.
 *
 * C holds the codes, found by digest, at most MOST of them, the oldest given up for a new one.
 * The registry holds what only Lua can: the table `closures` (weak keys) says which entry a closure
 * was dumped to, an entry's `loaded` is one closure of its code that all may share, and the table
 * `shipped` says for each chunk name which lines of it came from elsewhere: first line to last. */
#include "vm/code.h"

#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "vm/assigns.h"
#include "vm/vm.h"
#include "vm/weak.h"

enum { MOST = 1024, LEAST = 16, BUCKETS = 256, MOST_SHIPPED = 4096, SCRATCH = 1 << 16 };
enum { BULK = 1 << 16 }; /* references taken at a time */
enum { LATELY = 4 };

/* A closure that was asked for, kept by the registry at `anchor`: so its address is no other's. */
struct recent {
  const void *address; /* NULL: none yet */
  lua_Integer handle;
  int anchor;
};

struct rl_codes {
  struct rl_heap *heap;
  struct rl_known *entries;
  unsigned count, capacity;
  unsigned oldest;   /* the next to give up when full */
  unsigned shipped;  /* stretches of lines in `shipped` */
  bool tried, tells; /* whether rl_assigns_captured can be relied upon */
  int closures;      /* registry reference of that table: read much faster than by a pointer */
  struct recent recent[LATELY]; /* by address */
  struct rl_buffer scratch;
  uint16_t buckets[BUCKETS]; /* the first entry, plus 1 */
};

static const char closures_key = 0, shipped_key = 0; /* in the registry */

void rl_code_drop(struct rl_code *code, uint64_t count) {
  if (atomic_fetch_sub_explicit(&code->references, count, memory_order_acq_rel) == count)
    rl_free(code->heap, code, sizeof *code + code->size);
}

static struct rl_codes *codes_of(lua_State *L) {
  return rl_vm_of(L)->codes;
}

static uint16_t *bucket_of(struct rl_codes *codes, const XXH128_hash_t *digest) {
  return &codes->buckets[digest->low64 % BUCKETS];
}

static struct rl_known *find(struct rl_codes *codes, const XXH128_hash_t *digest) {
  for (unsigned i = *bucket_of(codes, digest); i != 0; i = codes->entries[i - 1].next) {
    struct rl_known *known = &codes->entries[i - 1];
    if (known->code->digest.low64 == digest->low64 && known->code->digest.high64 == digest->high64)
      return known;
  }
  return NULL;
}

static unsigned index_of(const struct rl_codes *codes, const struct rl_known *known) {
  return (unsigned)(known - codes->entries);
}

/* What `closures` holds for a closure of this entry: worthless once the entry is reused. */
static lua_Integer handle_of(const struct rl_codes *codes, const struct rl_known *known) {
  return (lua_Integer)known->generation << 16 | index_of(codes, known);
}

static void evict(lua_State *L, struct rl_codes *codes, struct rl_known *known) {
  uint16_t mine = (uint16_t)(index_of(codes, known) + 1);
  uint16_t *link = bucket_of(codes, &known->code->digest);
  while (*link != mine)
    link = &codes->entries[*link - 1].next;
  *link = known->next;
  luaL_unref(L, LUA_REGISTRYINDEX, known->loaded);
  rl_code_drop(known->code, known->credit);
  *known = (struct rl_known){.generation = known->generation + 1, .loaded = LUA_NOREF};
}

/* A free entry; NULL when there is no memory. */
static struct rl_known *make_room(lua_State *L, struct rl_codes *codes) {
  if (codes->count == MOST) {
    struct rl_known *known = &codes->entries[codes->oldest];
    codes->oldest = (codes->oldest + 1) % MOST;
    evict(L, codes, known);
    return known;
  }
  if (codes->count == codes->capacity) {
    unsigned capacity = codes->capacity ? 2 * codes->capacity : LEAST;
    size_t size = sizeof *codes->entries;
    struct rl_known *entries =
        rl_realloc(codes->heap, codes->entries, codes->capacity * size, capacity * size);
    if (!entries)
      return NULL;
    codes->entries = entries;
    codes->capacity = capacity;
  }
  codes->entries[codes->count] = (struct rl_known){.loaded = LUA_NOREF};
  return &codes->entries[codes->count++];
}

/* Takes over one reference of the code; NULL when there is no memory. */
static struct rl_known *add(lua_State *L, struct rl_code *code) {
  struct rl_codes *codes = codes_of(L);
  struct rl_known *known = make_room(L, codes);
  if (!known)
    return NULL;
  uint16_t *bucket = bucket_of(codes, &code->digest);
  known->code = code;
  known->credit = 1;
  known->next = *bucket;
  *bucket = (uint16_t)(index_of(codes, known) + 1);
  return known;
}

/* [] -> []: remembers that the function at `index` is a closure of this entry. */
static void remember(lua_State *L, int index, lua_Integer handle) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, codes_of(L)->closures);
  lua_pushvalue(L, index);
  lua_pushinteger(L, handle);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* The entry that a handle stands for, if it has not been reused. */
static struct rl_known *entry_of(struct rl_codes *codes, lua_Integer handle) {
  struct rl_known *known = &codes->entries[handle & 0xffff];
  return known->code && known->generation == (uint32_t)(handle >> 16) ? known : NULL;
}

struct rl_known *rl_codes_recall(lua_State *L, int index) {
  struct rl_codes *codes = codes_of(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, codes->closures);
  lua_pushvalue(L, index);
  bool found = lua_rawget(L, -2) == LUA_TNUMBER;
  lua_Integer handle = found ? lua_tointeger(L, -1) : 0;
  lua_pop(L, 2);
  return found ? entry_of(codes, handle) : NULL;
}

struct rl_known *rl_codes_recall_kept(lua_State *L, int index) {
  struct rl_codes *codes = codes_of(L);
  const void *address = lua_topointer(L, index);
  struct recent *recent = &codes->recent[(uintptr_t)address / 64 % LATELY];
  struct rl_known *known = recent->address == address ? entry_of(codes, recent->handle) : NULL;
  if (known)
    return known;
  known = rl_codes_recall(L, index); /* it may have got another entry */
  if (!known)
    return NULL;
  lua_pushvalue(L, index);
  lua_rawseti(L, LUA_REGISTRYINDEX, recent->anchor); /* in the place of another */
  recent->address = address;
  recent->handle = handle_of(codes, known);
  return known;
}

static int write_dump(lua_State *L, const void *bytes, size_t size, void *context) {
  (void)L;
  struct rl_buffer *scratch = context;
  rl_buffer_append(scratch, bytes, size);
  return scratch->failed;
}

static struct rl_code *make(struct rl_heap *heap, const struct rl_buffer *dump,
                            XXH128_hash_t digest) {
  struct rl_code *code = rl_alloc(heap, sizeof *code + dump->size);
  if (!code)
    return NULL;
  atomic_init(&code->references, 1);
  code->heap = heap;
  code->digest = digest;
  code->size = dump->size;
  memcpy(code->bytes, dump->bytes, dump->size);
  return code;
}

/* The entry of what lies in the scratch buffer, found or made; NULL when there is no memory. */
static struct rl_known *intern(lua_State *L, struct rl_codes *codes) {
  XXH128_hash_t digest = XXH3_128bits(codes->scratch.bytes, codes->scratch.size);
  struct rl_known *known = find(codes, &digest);
  if (known)
    return known;
  struct rl_code *code = make(codes->heap, &codes->scratch, digest);
  if (!code)
    return NULL;
  known = add(L, code);
  if (!known)
    rl_code_drop(code, 1);
  return known;
}

struct rl_known *rl_codes_learn(lua_State *L, int index) {
  struct rl_codes *codes = codes_of(L);
  index = lua_absindex(L, index);
  lua_pushvalue(L, index);
  codes->scratch.size = 0;
  struct rl_known *known = NULL;
  if (lua_dump(L, write_dump, &codes->scratch, 0) == 0 && !codes->scratch.failed)
    known = intern(L, codes);
  lua_pop(L, 1);
  if (codes->scratch.failed || codes->scratch.capacity > SCRATCH)
    rl_buffer_free(&codes->scratch);
  if (!known)
    luaL_error(L, "not enough memory");
  remember(L, index, handle_of(codes, known));
  return known;
}

struct rl_code *rl_codes_take(struct rl_known *known) {
  if (known->credit == 1) { /* the last is the cache's own */
    atomic_fetch_add_explicit(&known->code->references, BULK, memory_order_relaxed);
    known->credit += BULK;
  }
  known->credit--;
  return known->code;
}

void rl_codes_give(lua_State *L, struct rl_code *code) {
  struct rl_known *known = find(codes_of(L), &code->digest);
  if (known && known->code == code)
    known->credit++;
  else
    rl_code_drop(code, 1);
}

static const char *read_dump(lua_State *L, void *context, size_t *size) {
  (void)L;
  const struct rl_code **code = context;
  const struct rl_code *rest = *code;
  *code = NULL; /* all of it the first time, the end the second */
  *size = rest ? rest->size : 0;
  return rest ? (const char *)rest->bytes : NULL;
}

/* [] -> [function] */
static void load(lua_State *L, const struct rl_code *code) {
  if (lua_load(L, read_dump, &code, "=shipped", "b") != LUA_OK)
    lua_error(L);
  lua_concat(L, 0); /* makes "", and lets the collector step, which loading a dump never does */
  lua_pop(L, 1);
}

/* [function] -> [function] */
static void note_lines(lua_State *L, struct rl_codes *codes) {
  lua_Debug about;
  lua_pushvalue(L, -1);
  lua_getinfo(L, ">S", &about);
  if (++codes->shipped > MOST_SHIPPED) { /* endless, from a program that makes its code */
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shipped_key);
    codes->shipped = 1;
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &shipped_key);
  luaL_getsubtable(L, -1, about.source);
  lua_pushinteger(L, about.linedefined ? about.lastlinedefined : INT_MAX); /* 0: a whole chunk */
  lua_rawseti(L, -2, about.linedefined);
  lua_pop(L, 2);
}

/* Whether the closure on top still captures the globals, if it captures _ENV: a script may have
 * replaced that with the debug library. */
static bool is_intact(lua_State *L, enum rl_code_captures captures) {
  if (captures == RL_CODE_NOTHING)
    return true;
  bool intact = lua_getupvalue(L, -1, 1) && lua_topointer(L, -1) == rl_vm_of(L)->globals;
  lua_pop(L, 1);
  return intact;
}

/* [] -> [function] if there is a closure for all. */
static bool push_kept(lua_State *L, const struct rl_known *known, enum rl_code_captures captures) {
  if (!known || known->loaded == LUA_NOREF || captures == RL_CODE_OTHERS)
    return false;
  lua_rawgeti(L, LUA_REGISTRYINDEX, known->loaded);
  if (is_intact(L, captures))
    return true;
  lua_pop(L, 1);
  return false;
}

/* [function] -> [function]: from now on the closure for all. */
static void keep(lua_State *L, struct rl_codes *codes, struct rl_known *known) {
  remember(L, lua_gettop(L), handle_of(codes, known));
  lua_pushvalue(L, -1);
  luaL_unref(L, LUA_REGISTRYINDEX, known->loaded); /* one that is intact no more */
  known->loaded = LUA_NOREF;
  known->loaded = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* [function] -> [function]: the entry of the code that it was loaded from, made if there is none.
 */
static struct rl_known *note(lua_State *L, struct rl_codes *codes, struct rl_code *code) {
  if (!codes->tried) {
    codes->tells = rl_assigns_check(L);
    codes->tried = true;
  }
  struct rl_known *known = find(codes, &code->digest);
  if (known && known->noted)
    return known;
  note_lines(L, codes);
  if (!known) {
    known = add(L, code);
    if (!known)
      luaL_error(L, "not enough memory");
    atomic_fetch_add_explicit(&code->references, 1, memory_order_relaxed);
  }
  known->noted = true;
  known->assigns = !codes->tells || rl_assigns_captured(code->bytes, code->size);
  known->stores = !codes->tells || rl_assigns_tables(code->bytes, code->size);
  return known;
}

/* By what it captures, the globals above all, code also gets at what runs other code when it is
 * read.
 */
static void tempt(lua_State *L, const struct rl_known *known, enum rl_code_captures captures) {
  rl_vm_of(L)->tempted |= known->stores || captures != RL_CODE_NOTHING;
}

void rl_codes_push(lua_State *L, struct rl_code *code, enum rl_code_captures captures) {
  struct rl_codes *codes = codes_of(L);
  struct rl_known *known = find(codes, &code->digest);
  if (push_kept(L, known, captures)) {
    tempt(L, known, captures);
    return;
  }
  load(L, code); /* which may collect garbage, run a finalizer, and so use this cache */
  known = note(L, codes, code);
  tempt(L, known, captures);
  if (captures == RL_CODE_NOTHING || (captures == RL_CODE_ENV && !known->assigns))
    keep(L, codes, known);
}

bool rl_codes_shipped(lua_State *L, const lua_Debug *about) {
  int top = lua_gettop(L);
  bool shipped = false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &shipped_key);
  lua_pushstring(L, about->source);
  if (lua_rawget(L, -2) == LUA_TTABLE)
    for (lua_pushnil(L); !shipped && lua_next(L, top + 2); lua_settop(L, top + 3))
      shipped = lua_tointeger(L, top + 3) <= about->linedefined &&
                about->linedefined <= lua_tointeger(L, top + 4);
  lua_settop(L, top);
  return shipped;
}

void rl_codes_open(lua_State *L) {
  struct rl_vm *vm = rl_vm_of(L);
  struct rl_codes *codes = vm->codes = rl_zalloc(vm->heap, sizeof *codes);
  if (!codes)
    luaL_error(L, "not enough memory");
  codes->heap = vm->heap;
  rl_buffer_init(&codes->scratch, vm->heap);
  rl_weak_push(L, &closures_key, "k");
  codes->closures = luaL_ref(L, LUA_REGISTRYINDEX);
  for (int i = 0; i < LATELY; i++) {
    lua_pushboolean(L, false);
    codes->recent[i].anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &shipped_key);
}

void rl_codes_free(struct rl_codes *codes) {
  if (!codes)
    return;
  for (unsigned i = 0; i < codes->count; i++)
    rl_code_drop(codes->entries[i].code, codes->entries[i].credit);
  rl_free(codes->heap, codes->entries, codes->capacity * sizeof *codes->entries);
  rl_buffer_free(&codes->scratch);
  rl_free(codes->heap, codes, sizeof *codes);
}
