/* Assigns: reads a dump of Lua 5.4 (ldump.c), of which it needs the instructions and the lists of
 * captured variables:
 *
 *   header    31 bytes, u8 number of captured variables, function
 *   function  string source, int, int, 3 bytes, int n, n * u32 instruction,
 *             int n, n * constant, int n, n * (u8 in_stack, u8 index, u8), int n, n * function,
 *             int n, n bytes, int n, n * (int, int), int n, n * (string, int, int), int n, n *
 * string constant  u8 kind, and 8 bytes of a number or a string string    int size + 1 (0: none),
 * bytes int       7 bits a byte, the high ones first, the last byte with the top bit set
 *
 * The form is not promised to stay, so rl_assigns_check tries it before it is relied upon. */
#include "vm/assigns.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

enum { HEADER = 31, DEEPEST = 100, CAPTURES = 256 };

enum opcode {
  OP_SETUPVAL = 10,
  OP_SETTABUP = 15,
  OP_SETTABLE,
  OP_SETI,
  OP_SETFIELD,
  OP_TBC = 55,
  OP_CALL = 68,
  OP_TAILCALL,
  OP_TFORCALL = 76
};

/* Reads on; at the end, or where it makes no sense, it has failed and stays there. */
struct dump {
  const unsigned char *at, *end;
  bool failed;
  bool assigns; /* to what is captured */
  bool stores;  /* into a table, or calls */
};

static const unsigned char *skip(struct dump *d, size_t size) {
  if ((size_t)(d->end - d->at) < size) {
    d->failed = true;
    d->at = d->end;
    return NULL;
  }
  d->at += size;
  return d->at - size;
}

static unsigned read_u8(struct dump *d) {
  const unsigned char *byte = skip(d, 1);
  return byte ? *byte : 0;
}

static size_t read_int(struct dump *d) {
  size_t number = 0;
  unsigned byte;
  do {
    byte = read_u8(d);
    number = number << 7 | (byte & 0x7f);
  } while (!(byte & 0x80) && !d->failed);
  return number;
}

static void skip_string(struct dump *d) {
  size_t size = read_int(d);
  if (size > 1)
    skip(d, size - 1);
}

static bool stores(unsigned opcode) {
  switch (opcode) {
  case OP_SETTABUP:
  case OP_SETTABLE:
  case OP_SETI:
  case OP_SETFIELD:
  case OP_TBC:
  case OP_CALL:
  case OP_TAILCALL:
  case OP_TFORCALL: return true;
  default: return false;
  }
}

/* Marks the captured variables that instructions assign to. */
static void read_code(struct dump *d, bool *assigned) {
  size_t count = read_int(d);
  for (size_t i = 0; i < count && !d->failed; i++) {
    uint32_t instruction;
    const unsigned char *bytes = skip(d, sizeof instruction);
    if (!bytes)
      return;
    memcpy(&instruction, bytes, sizeof instruction);
    unsigned opcode = instruction & 0x7f;
    if (opcode == OP_SETUPVAL)
      assigned[instruction >> 16 & 0xff] = true;
    d->stores |= stores(opcode);
  }
}

static void skip_constants(struct dump *d) {
  for (size_t left = read_int(d); left > 0 && !d->failed; left--) {
    switch (read_u8(d)) {
    case LUA_TNUMBER:
    case LUA_TNUMBER | 1 << 4: skip(d, 8); break;
    case LUA_TSTRING:
    case LUA_TSTRING | 1 << 4: skip_string(d); break;
    default: break;
    }
  }
}

static void skip_debug(struct dump *d) {
  skip(d, read_int(d));
  for (size_t left = read_int(d); left > 0 && !d->failed; left--) {
    read_int(d);
    read_int(d);
  }
  for (size_t left = read_int(d); left > 0 && !d->failed; left--) {
    skip_string(d);
    read_int(d);
    read_int(d);
  }
  for (size_t left = read_int(d); left > 0 && !d->failed; left--)
    skip_string(d);
}

/* `outer` says which variables captured by the enclosing function are from outside of it all; NULL
 * for the outermost function, all of whose are. */
static void read_function(struct dump *d, const bool *outer, int depth) {
  bool assigned[CAPTURES] = {false}, mine[CAPTURES] = {false};
  skip_string(d);
  read_int(d);
  read_int(d);
  skip(d, 3);
  read_code(d, assigned);
  skip_constants(d);
  size_t captures = read_int(d);
  d->failed |= captures >= CAPTURES || depth == DEEPEST;
  for (size_t i = 0; i < captures && !d->failed; i++) {
    bool in_stack = read_u8(d);
    unsigned index = read_u8(d);
    read_u8(d);
    mine[i] = !outer || (!in_stack && outer[index]);
    d->assigns |= mine[i] && assigned[i];
  }
  for (size_t left = read_int(d); left > 0 && !d->failed; left--)
    read_function(d, mine, depth + 1);
  skip_debug(d);
}

/* With `failed` set where it makes no sense. */
static struct dump read_dump(const unsigned char *dump, size_t size) {
  struct dump d = {.at = dump, .end = dump + size};
  skip(&d, HEADER + 1);
  read_function(&d, NULL, 0);
  d.failed |= d.at != d.end;
  return d;
}

bool rl_assigns_captured(const unsigned char *dump, size_t size) {
  struct dump d = read_dump(dump, size);
  return d.assigns || d.failed;
}

bool rl_assigns_tables(const unsigned char *dump, size_t size) {
  struct dump d = read_dump(dump, size);
  return d.stores || d.failed;
}

/* The dump of a chunk that is tried. */
struct trial {
  size_t size;
  unsigned char bytes[1024];
};

static int add_bytes(lua_State *L, const void *bytes, size_t size, void *context) {
  (void)L;
  struct trial *trial = context;
  if (size > sizeof trial->bytes - trial->size)
    return 1;
  memcpy(trial->bytes + trial->size, bytes, size);
  trial->size += size;
  return 0;
}

/* Whether the answers for a chunk, which captures _ENV alone, are the expected ones. */
static bool tells(lua_State *L, const char *code, bool assigns, bool stores) {
  struct trial trial = {.size = 0};
  if (luaL_loadstring(L, code) != LUA_OK)
    return lua_error(L);
  bool dumped = lua_dump(L, add_bytes, &trial, 0) == 0;
  lua_pop(L, 1);
  return dumped && rl_assigns_captured(trial.bytes, trial.size) == assigns &&
         rl_assigns_tables(trial.bytes, trial.size) == stores;
}

bool rl_assigns_check(lua_State *L) {
  static const char *const storing[] = {"x = 1",
                                        "local t = ... t.x = 1",
                                        "local t, k = ... t[k] = 1",
                                        "local t = ... t[1] = 1",
                                        "local f = ... f()",
                                        "local f = ... return f()",
                                        "local f = ... return function() f() end",
                                        "for _ in ... do end",
                                        "local x <close> = ..."};
  if (lua_version(L) != 504)
    return false;
  for (size_t i = 0; i < sizeof storing / sizeof *storing; i++)
    if (!tells(L, storing[i], false, true))
      return false;
  return tells(L, "return print(1, 2.5, 'three', nil, true)", false, true) &&
         tells(L, "local a; return function() a = print; return a end", false, false) &&
         tells(L, "local a, b = ... for i = 1, #a do b = {a[i] .. b.x, -b} end return b", false,
               false) &&
         tells(L, "_ENV = {}", true, false) &&
         tells(L, "local a, b; return function() return function() _ENV, b = a end end", true,
               false);
}
