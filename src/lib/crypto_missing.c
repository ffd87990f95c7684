/* rille.crypto in a build without OpenSSL: says so to whoever requires it. */
#include <lauxlib.h>

#include "lib/modules.h"

int luaopen_rille_crypto(lua_State *L) {
  return luaL_error(L, "rille.crypto is not in this build: OpenSSL (libssl-dev) was not found when "
                       "it was configured");
}
