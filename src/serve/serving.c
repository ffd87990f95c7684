/* Serving: the domain's lists of servers and sockets. */
#include "serve/serving.h"

#include <lauxlib.h>
#include <strings.h>

#include "domain/domain.h"

static const char serving_key = 0; /* its address: the key in the registry */

static void close_all(struct rl_list *list) {
  for (struct rl_list *link; (link = rl_list_take(list));) {
    struct rl_closable *closable = RL_OF(link, struct rl_closable, link);
    closable->close(closable);
  }
}

static int collect(lua_State *L) {
  struct rl_serving *serving = lua_touserdata(L, 1);
  serving->ended = true;
  close_all(&serving->servers);
  close_all(&serving->sockets);
  return 0;
}

/* [] -> []: the serving of L's domain; NULL when there is none yet. */
static struct rl_serving *look_up(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &serving_key);
  struct rl_serving *serving = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return serving;
}

static struct rl_serving *create(lua_State *L) {
  struct rl_serving *serving = lua_newuserdatauv(L, sizeof *serving, 0);
  serving->domain = rl_domain_of(L);
  rl_list_init(&serving->servers);
  rl_list_init(&serving->sockets);
  serving->running = 0;
  serving->ended = false;
  lua_createtable(L, 0, 1); // [serving, metatable]
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &serving_key);
  return serving;
}

struct rl_serving *rl_serving_of(lua_State *L) {
  struct rl_serving *serving = look_up(L);
  if (serving ? serving->ended : rl_domain_of(L)->ending)
    luaL_error(L, "no new socket: the program is ending");
  return serving ? serving : create(L);
}

void rl_serving_stop_listening(struct rl_domain *domain) {
  struct rl_serving *serving = look_up(domain->vm.L);
  if (serving)
    close_all(&serving->servers);
}

unsigned rl_serving_running(struct rl_domain *domain) {
  struct rl_serving *serving = look_up(domain->vm.L);
  return serving ? serving->running : 0;
}

int rl_serving_fail(lua_State *L, int error) {
  luaL_pushfail(L);
  lua_pushfstring(L, "%s: %s", uv_err_name(error), uv_strerror(error));
  return 2;
}

struct rl_address rl_serving_resolve(lua_State *L, const struct rl_address *address) {
  struct rl_address resolved = *address;
  if (address->kind != RL_ADDRESS_NAME)
    return resolved;
  if (strcasecmp(address->where.name, "localhost") != 0)
    luaL_error(L,
               "cannot listen on the name \"%s\": give an address of this machine; 0.0.0.0 or [::] "
               "is all of them",
               address->where.name);
  resolved.kind = RL_ADDRESS_IP;
  uv_ip4_addr("127.0.0.1", address->port, &resolved.where.ip.in);
  return resolved;
}
