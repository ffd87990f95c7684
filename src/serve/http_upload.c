/* HTTP upload: a block that its userdata and its exchange hold. The exchange's end drops the file,
 * also one that is just being written: whoever waits for that is told. */
#include "serve/http_upload.h"

#include <lauxlib.h>

#include "domain/domain.h"
#include "io/spool.h"

struct upload {
  struct rl_http_ending ending; /* first */
  struct rl_heap *heap;
  struct rl_spool *spool; /* NULL once it is over */
  struct rl_wait wait;
  unsigned holders;
  bool finished; /* from now on it lives as long as the request */
};

static void let_go(struct upload *upload) {
  if (--upload->holders == 0)
    rl_free(upload->heap, upload, sizeof *upload);
}

static void drop(struct upload *upload) {
  if (!upload->spool)
    return;
  rl_spool_drop(upload->spool);
  upload->spool = NULL;
  rl_list_remove(&upload->ending.link);
  rl_wake(&upload->wait, 0);
  let_go(upload); /* the exchange does */
}

static void on_request_over(struct rl_http_ending *ending) {
  drop(RL_OF(ending, struct upload, ending));
}

static void on_done(struct rl_spool *spool) {
  struct upload *upload = spool->owner;
  rl_wake(&upload->wait, 0);
}

static struct upload *check(lua_State *L) {
  struct upload **box = luaL_checkudata(L, 1, RL_HTTP_UPLOAD);
  return *box;
}

static int fail(lua_State *L, const struct upload *upload) {
  luaL_pushfail(L);
  if (upload->spool)
    lua_pushfstring(L, "%s: %s", uv_err_name(upload->spool->error),
                    uv_strerror(upload->spool->error));
  else
    lua_pushliteral(L, "the request has ended");
  return 2;
}

static bool has_failed(const struct upload *upload) {
  return !upload->spool || upload->spool->error;
}

/* -- what waits ---------------------------------------------------------------------------- */

/* [.., userdata] */
static int opened(lua_State *L, int status, lua_KContext context) {
  struct upload *upload = *(struct upload **)lua_touserdata(L, -1);
  (void)status, (void)context;
  return has_failed(upload) ? fail(L, upload) : 1;
}

static struct upload *create(lua_State *L, struct rl_http_exchange *exchange,
                             struct rl_slice prefix, unsigned mode) {
  struct rl_domain *domain = exchange->http->domain;
  struct upload **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, RL_HTTP_UPLOAD);
  struct rl_heap *heap = exchange->http->heap;
  struct upload *upload = rl_zalloc(heap, sizeof *upload);
  if (!upload)
    luaL_error(L, "not enough memory");
  *upload = (struct upload){.heap = heap, .holders = 1, .ending = {.over = on_request_over}};
  rl_list_init(&upload->ending.link);
  *box = upload;
  upload->spool = rl_spool_create(&domain->errands, heap, prefix, mode, on_done, upload);
  if (!upload->spool)
    luaL_error(L, "not enough memory");
  upload->holders++;
  rl_list_push(&exchange->endings, &upload->ending.link);
  return upload;
}

int rl_http_upload_open(lua_State *L, struct rl_http_exchange *exchange, struct rl_slice prefix,
                        unsigned mode) {
  rl_wait_check(L, "part:save");
  struct upload *upload = create(L, exchange, prefix, mode);
  rl_spool_open(upload->spool);
  return rl_park(L, &upload->wait, NULL, opened, 0);
}

/* The upload at index 1, to which nothing happens now. Raises. */
static struct upload *check_idle(lua_State *L) {
  struct upload *upload = check(L);
  if (!upload || !upload->spool || upload->finished)
    luaL_error(L, "the file is not being written any more");
  if (upload->spool->busy)
    luaL_error(L, "another fiber writes to this file");
  rl_wait_check(L, "part:save");
  return upload;
}

static int written(lua_State *L, int status, lua_KContext context) {
  const struct upload *upload = check(L);
  (void)status, (void)context;
  if (has_failed(upload))
    return fail(L, upload);
  lua_pushboolean(L, true);
  return 1;
}

int rl_http_upload_write(lua_State *L) {
  struct rl_slice bytes;
  bytes.bytes = luaL_checklstring(L, 2, &bytes.size);
  struct upload *upload = check_idle(L);
  rl_spool_write(upload->spool, bytes);
  return rl_park(L, &upload->wait, NULL, written, 0);
}

static int finished(lua_State *L, int status, lua_KContext context) {
  struct upload *upload = check(L);
  (void)status, (void)context;
  if (has_failed(upload))
    return fail(L, upload);
  upload->finished = true;
  lua_pushstring(L, upload->spool->stays ? upload->spool->target : upload->spool->path);
  lua_pushinteger(L, (lua_Integer)upload->spool->size);
  return 2;
}

int rl_http_upload_finish(lua_State *L) {
  struct rl_slice target;
  target.bytes = luaL_optlstring(L, 2, "", &target.size);
  struct upload *upload = check_idle(L);
  if (target.size)
    rl_spool_move(upload->spool, target);
  else
    rl_spool_close(upload->spool);
  return rl_park(L, &upload->wait, NULL, finished, 0);
}

int rl_http_upload_collect(lua_State *L) {
  struct upload **box = luaL_checkudata(L, 1, RL_HTTP_UPLOAD);
  struct upload *upload = *box;
  *box = NULL;
  if (!upload)
    return 0;
  if (!upload->finished)
    drop(upload);
  let_go(upload);
  return 0;
}
