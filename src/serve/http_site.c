/* HTTP site: a radix tree for each host. Hosts are few, and looked through from first to last; the
 * one for all others is the last. */
#include "serve/http_site.h"

#include <ctype.h>
#include <lauxlib.h>
#include <string.h>
#include <strings.h>

#include "domain/domain.h"
#include "http/pattern.h"
#include "http/scan.h"
#include "serve/http_count.h"

struct rl_http_site *rl_http_site_new(lua_State *L) {
  struct rl_http_site *site = lua_newuserdatauv(L, sizeof *site, 0);
  *site = (struct rl_http_site){.heap = rl_domain_of(L)->settings->heap, .missing = -1};
  luaL_setmetatable(L, RL_HTTP_SITE);
  return site;
}

struct rl_http_site *rl_http_site_check(lua_State *L, int index) {
  return luaL_checkudata(L, index, RL_HTTP_SITE);
}

int rl_http_site_collect(lua_State *L) {
  struct rl_http_site *site = rl_http_site_check(L, 1);
  for (struct rl_http_host *host = site->hosts, *next; host; host = next) {
    next = host->next;
    rl_route_free(&host->routes);
    rl_free(site->heap, host, sizeof *host + host->size + 1);
  }
  for (size_t i = 0; i < site->count; i++) {
    struct rl_http_handler *handler = &site->handlers[i];
    luaL_unref(L, LUA_REGISTRYINDEX, handler->function);
    rl_free(site->heap, handler->tally, sizeof *handler->tally);
    rl_free(site->heap, (void *)(size_t)handler->pattern.bytes, handler->pattern.size + 1);
  }
  rl_free(site->heap, site->handlers, site->capacity * sizeof *site->handlers);
  *site = (struct rl_http_site){.heap = site->heap, .missing = -1};
  return 0;
}

static int out_of_memory(lua_State *L) {
  return luaL_error(L, "not enough memory");
}

/* A host without its port, and without the dot that says that a name is whole: "example.com." is
 * the same host. */
static struct rl_slice name_of(struct rl_slice host) {
  const char *colon =
      host.size && host.bytes[host.size - 1] != ']' ? memrchr(host.bytes, ':', host.size) : NULL;
  if (colon)
    host.size = (size_t)(colon - host.bytes);
  if (host.size && host.bytes[host.size - 1] == '.')
    host.size--;
  return host;
}

static bool is_host(const struct rl_http_host *host, struct rl_slice name) {
  if (host->size == 0)
    return true;
  bool below = host->name[0] == '.' && name.size > host->size;
  const char *from = below ? name.bytes + name.size - host->size : name.bytes;
  return (below || name.size == host->size) && strncasecmp(from, host->name, host->size) == 0;
}

/* Whether a host stands behind one of that name: names come before "*.", whose longest is first,
 * and those before all other hosts. */
static bool is_behind(const struct rl_http_host *host, struct rl_slice name) {
  if (name.size == 0)
    return false;
  bool below = name.bytes[0] == '.';
  return host->size == 0 || (host->name[0] == '.' && (!below || host->size < name.size));
}

static struct rl_http_host *host_named(lua_State *L, struct rl_http_site *site,
                                       struct rl_slice name) {
  if (name.size && name.bytes[0] == '*')
    rl_scan_skip(&name, 1);
  struct rl_http_host **at = &site->hosts;
  for (; *at && !is_behind(*at, name); at = &(*at)->next)
    if ((*at)->size == name.size && strncasecmp((*at)->name, name.bytes, name.size) == 0)
      return *at;
  struct rl_http_host *host = rl_zalloc(site->heap, sizeof *host + name.size + 1);
  if (!host)
    out_of_memory(L);
  for (size_t i = 0; i < name.size; i++)
    host->name[i] = (char)tolower((unsigned char)name.bytes[i]);
  host->size = name.size;
  rl_route_init(&host->routes, site->heap);
  host->next = *at;
  *at = host;
  return host;
}

static int add_handler(lua_State *L, struct rl_http_site *site, struct rl_slice pattern, int index,
                       int arguments) {
  struct rl_http_static *files = luaL_testudata(L, index, RL_HTTP_STATIC);
  if (site->count == site->capacity) {
    size_t more = site->capacity ? 2 * site->capacity : 16, one = sizeof *site->handlers;
    void *grown = rl_realloc(site->heap, site->handlers, site->capacity * one, more * one);
    if (!grown)
      return out_of_memory(L);
    site->handlers = grown;
    site->capacity = more;
  }
  lua_pushvalue(L, index);
  int function = luaL_ref(L, LUA_REGISTRYINDEX);
  char *copy = rl_zalloc(site->heap, pattern.size + 1);
  if (!copy) {
    luaL_unref(L, LUA_REGISTRYINDEX, function);
    return out_of_memory(L);
  }
  memcpy(copy, pattern.bytes, pattern.size);
  site->handlers[site->count] = (struct rl_http_handler){.pattern = {copy, pattern.size},
                                                         .files = files,
                                                         .function = function,
                                                         .arguments = arguments};
  return (int)site->count++;
}

void rl_http_site_add(lua_State *L, struct rl_http_site *site, struct rl_slice host,
                      struct rl_slice pattern, uint64_t methods, int index, int arguments) {
  char message[RL_ROUTE_MESSAGE];
  struct rl_http_host *where = host_named(L, site, host);
  int id = add_handler(L, site, pattern, index, arguments);
  if (rl_route_add(&where->routes, pattern, methods, id, message) != 0)
    luaL_error(L, "%s", message);
}

void rl_http_site_catch(lua_State *L, struct rl_http_site *site, int index) {
  site->missing = add_handler(L, site, (struct rl_slice){"", 0}, index, 2);
}

static uint64_t bit(enum rl_method method) {
  return (uint64_t)1 << method;
}

/* What a client may be told: HEAD comes with GET, OPTIONS always. */
static uint64_t with_automatic(uint64_t allowed) {
  return allowed | bit(RL_METHOD_OPTIONS) |
         (allowed & bit(RL_METHOD_GET) ? bit(RL_METHOD_HEAD) : 0);
}

int rl_http_site_find(struct rl_http_site *site, const struct rl_head *head, struct rl_slice path,
                      struct rl_route_match *match, int *status, uint64_t *allowed) {
  struct rl_http_host *host = site->hosts;
  bool options = head->method == RL_METHOD_OPTIONS;
  if (host && host->size) { /* there are others than the one for all hosts */
    struct rl_slice name = name_of(rl_head_slice(head, head->authority));
    while (host && !is_host(host, name))
      host = host->next;
  }
  *status = options && head->form == RL_FORM_ASTERISK ? 204 : 404;
  *allowed = with_automatic(~(uint64_t)0);
  if (!host || head->form == RL_FORM_ASTERISK)
    return -1;
  uint64_t instead = head->method == RL_METHOD_HEAD ? bit(RL_METHOD_GET) : 0;
  switch (rl_route_match(&host->routes, path, bit(head->method), instead, match)) {
  case RL_ROUTE_FOUND: return match->id;
  case RL_ROUTE_NO_PATH: return -1;
  default: break;
  }
  *status = options ? 204 : 405;
  *allowed = with_automatic(match->allowed);
  return -1;
}

int rl_http_site_param(const struct rl_http_handler *handler, const struct rl_route_match *match,
                       struct rl_slice name, struct rl_slice *value, bool *integer) {
  struct rl_pattern pattern;
  struct rl_pattern_part part;
  rl_pattern_init(&pattern, handler->pattern);
  for (unsigned i = 0; rl_pattern_next(&pattern, &part) == 1;) {
    if (part.kind == RL_PATTERN_TEXT)
      continue;
    if (i < match->captured && rl_scan_equal(part.text, name)) {
      *value = match->captures[i];
      *integer = part.kind == RL_PATTERN_INTEGER;
      return 1;
    }
    i++;
  }
  return 0;
}
