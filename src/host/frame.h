/* Frame: one call of a native function, from a script's arguments to its results. Its domain's
 * thread. What the host calls meanwhile (rille_return and so on) never jumps out of the host's
 * code: errors are raised here, when that has returned. */
#ifndef RL_HOST_FRAME_H
#define RL_HOST_FRAME_H

#include <lua.h>

struct rl_native;

/* [] -> [function]: one that calls the native, which must outlive the state. May raise for want of
 * memory. */
void rl_frame_push(lua_State *L, const struct rl_native *native);

#endif
