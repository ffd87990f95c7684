/* Call: protected calls from C, and error messages that carry their tracebacks.
 *
 * Error values that travel between fibers and domains are either strings that end in one or more
 * tracebacks, or any other value exactly as it was raised; for those the traceback is kept beside,
 * in a table with weak keys, and used when the error is reported. */
#ifndef RL_VM_CALL_H
#define RL_VM_CALL_H

#include <lua.h>

/* Calls `function` with one light userdata argument, protected: LUA_OK, or a Lua status with the
 * error value on top of the stack. Allocates nothing before the call, so it cannot raise. */
int rl_call_protected(lua_State *L, lua_CFunction function, void *argument);

/* [.., error] -> raises it; a string with the caller's position before it, as luaL_error does. */
int rl_raise_here(lua_State *L);

/* [] -> [nil, why]: what a function returns that did not do it; 2. */
int rl_refuse(lua_State *L, const char *why);

/* A message handler (for lua_pcall): appends the traceback to a string that has none yet, remembers
 * it for other values, and returns the value. */
int rl_traceback(lua_State *L);

/* [.., error] -> [.., error]: appends to the error "\nHEADING:" and the traceback of L from
 * `level` on ("detached at", "awaited at"); an error that is not a string keeps its identity, its
 * remembered traceback grows. May raise for want of memory. */
void rl_traceback_join(lua_State *L, const char *heading, int level);

/* [.., error] -> [.., error, text]: what a report of the error says: the string, or __tostring's,
 * or
 * "(error object is a table value)", with the traceback. Calls __tostring protected. */
const char *rl_traceback_text(lua_State *L, int error, size_t *size);

/* [.., error] -> [.., error]: attaches a traceback (a string on top, popped) to the error below it:
 * how an error that was unpacked gets its remembered traceback back. */
void rl_traceback_attach(lua_State *L);

/* [.., error] -> [.., error, traceback or nil]: the remembered traceback of a value that is not a
 * string. */
void rl_traceback_of(lua_State *L, int error);

#endif
