/* The Lua modules written in C, one luaopen function each, as `require` calls them. */
#ifndef RL_LIB_MODULES_H
#define RL_LIB_MODULES_H

#include <lua.h>

int luaopen_rille(lua_State *L);
int luaopen_rille_channel(lua_State *L);
int luaopen_rille_command_core(lua_State *L);
int luaopen_rille_command_editor(lua_State *L);
int luaopen_rille_compress(lua_State *L);
int luaopen_rille_context(lua_State *L);
int luaopen_rille_core(lua_State *L);
int luaopen_rille_crypto(lua_State *L);
int luaopen_rille_domains(lua_State *L);
int luaopen_rille_http_core(lua_State *L);
int luaopen_rille_http_tools(lua_State *L);
int luaopen_rille_job(lua_State *L);
int luaopen_rille_json(lua_State *L);
int luaopen_rille_locks(lua_State *L);
int luaopen_rille_log(lua_State *L);
int luaopen_rille_metrics(lua_State *L);
int luaopen_rille_net(lua_State *L);
int luaopen_rille_select(lua_State *L);

/* Parts of rille.command.core. [module] -> [module] */
void rl_lib_command_child(lua_State *L);
void rl_lib_command_input(lua_State *L);

/* A part of rille.domains. [module] -> [module] */
void rl_lib_domains_broadcast(lua_State *L);

/* Parts of rille.http.core. [module] -> [module] */
void rl_lib_http_events(lua_State *L);
void rl_lib_http_multipart(lua_State *L);
void rl_lib_http_request(lua_State *L);
void rl_lib_http_views(lua_State *L);
void rl_lib_http_response(lua_State *L);
void rl_lib_http_stream(lua_State *L);
void rl_lib_http_files(lua_State *L);

/* Changes to Lua's own libraries, made when a state opens. */
void rl_lib_replace_coroutine(lua_State *L);
void rl_lib_replace_os(lua_State *L);
void rl_lib_replace_print(lua_State *L);
void rl_lib_replace_protect(lua_State *L);

#endif
