/* A host with functions of its own, written in C, which its script runs on all cores: a module that
 * every domain can require, and rille.detach on what it holds.
 *
 *     cc checksum.c $(pkg-config --cflags --libs rille lua5.4) -o checksum */
#include <lauxlib.h>
#include <lua.h>
#include <rille.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[] =
    "local rille, checksum = require 'rille', require 'checksum'\n"
    "\n"
    "local tasks = {}\n"
    "for byte in ('abcd'):gmatch '.' do\n"
    "  tasks[byte] = rille.submit(checksum.crc32, byte:rep(1 << 20)) -- C, on another core\n"
    "end\n"
    "for byte in ('abcd'):gmatch '.' do\n"
    "  print(('%08x 1048576 bytes of %s'):format(tasks[byte]:await(), byte))\n"
    "end\n"
    "print(('%08x 123456789'):format(checksum.crc32 '123456789'))\n";

/* The checksum of zip, PNG and Ethernet, a bit at a time. */
static uint32_t crc32_of(const unsigned char *bytes, size_t size) {
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
  }
  return ~crc;
}

/* checksum.crc32(string) -> integer */
static int crc32(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  lua_pushinteger(L, crc32_of((const unsigned char *)bytes, size));
  return 1;
}

/* Once for each domain that requires it. */
static int open_checksum(lua_State *L) {
  static const luaL_Reg functions[] = {{"crc32", crc32}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

int main(void) {
  struct rille_script script = {.name = "=checksum", .text = text, .size = strlen(text)};
  rille_t *runtime = rille_new(NULL);
  if (!runtime || rille_provide(runtime, "checksum", open_checksum) != 0) {
    fprintf(stderr, "checksum: not enough memory or descriptors\n");
    rille_free(runtime);
    return EXIT_FAILURE;
  }
  int status = EXIT_FAILURE;
  if (rille_start(runtime, &script) == 0)
    status = rille_run(runtime);
  rille_free(runtime);
  return status;
}
