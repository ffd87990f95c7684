/* Broadcast: see the header. The next function begins by way of the mailbox, so that a domain with
 * much to hear gives its sockets their turn. */
#include "domain/broadcast.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/heap.h"
#include "domain/domain.h"
#include "domain/report.h"
#include "domain/ticker.h"
#include "vm/call.h"

static struct rl_notice *notice_of(struct rl_list *link) {
  return RL_OF(link, struct rl_notice, link);
}

static void lock(struct rl_broadcasts *broadcasts) {
  pthread_mutex_lock(&broadcasts->lock);
}

static void unlock(struct rl_broadcasts *broadcasts) {
  pthread_mutex_unlock(&broadcasts->lock);
}

/* -- notices ------------------------------------------------------------------------------- */

void rl_broadcasts_init(struct rl_broadcasts *broadcasts, struct rl_heap *heap) {
  *broadcasts = (struct rl_broadcasts){.heap = heap};
  pthread_mutex_init(&broadcasts->lock, NULL);
  rl_list_init(&broadcasts->notices);
  rl_list_init(&broadcasts->hearings);
}

void rl_broadcasts_destroy(struct rl_broadcasts *broadcasts) {
  assert(rl_list_empty(&broadcasts->hearings));
  for (struct rl_list *link; (link = rl_list_take(&broadcasts->notices));)
    rl_notice_free(notice_of(link));
  pthread_mutex_destroy(&broadcasts->lock);
}

struct rl_notice *rl_notice_new(struct rl_broadcasts *broadcasts, enum rl_occasion occasion) {
  struct rl_notice *notice = rl_zalloc(broadcasts->heap, sizeof *notice);
  if (!notice)
    return NULL;
  rl_list_init(&notice->link);
  notice->heap = broadcasts->heap;
  notice->occasion = occasion;
  rl_parcel_init(&notice->parcel, broadcasts->heap);
  notice->parcel.copies = true;
  return notice;
}

void rl_notice_free(struct rl_notice *notice) {
  rl_parcel_free(&notice->parcel, false);
  rl_free(notice->heap, notice->text, notice->size);
  rl_free(notice->heap, notice, sizeof *notice);
}

/* -- under the lock ------------------------------------------------------------------------ */

static void tell(struct rl_hearing *hearing) {
  if (hearing->told || !hearing->hears || !hearing->open)
    return;
  hearing->told = true;
  rl_mailbox_push(&hearing->domain->mailbox, &hearing->news);
}

/* Whether it is counted in notice->pending until it has run that. */
static bool is_awaited(const struct rl_hearing *hearing, const struct rl_notice *notice) {
  return notice->occasion == RL_AT_ONCE && notice->number > hearing->joined;
}

static bool concerns(const struct rl_hearing *hearing, const struct rl_notice *notice) {
  if (notice->number <= hearing->heard || notice->withdrawn)
    return false;
  return is_awaited(hearing, notice) ||
         (notice->occasion != RL_AT_STOP && notice->number <= hearing->joined);
}

/* The last one is looked for from the end: usually there is little that is new. */
static struct rl_notice *next_of(struct rl_hearing *hearing) {
  struct rl_list *notices = &hearing->broadcasts->notices;
  struct rl_notice *next = NULL;
  for (struct rl_list *at = notices->previous;
       at != notices && notice_of(at)->number > hearing->heard; at = at->previous)
    if (concerns(hearing, notice_of(at)))
      next = notice_of(at);
  return next;
}

static void settle(struct rl_notice *notice) {
  if (--notice->pending > 0)
    return;
  notice->withdrawn = notice->failed == notice->told;
  rl_mailbox_push(&notice->origin->mailbox, &notice->done);
}

/* Takes over the text, of `size` bytes; NULL: there was no memory for it. */
static void note_failure(struct rl_notice *notice, unsigned where, char *text, size_t size) {
  if (notice->failed++ > 0) {
    rl_free(notice->heap, text, size);
    return;
  }
  notice->text = text;
  notice->size = text ? size : 0;
  notice->where = where;
}

bool rl_broadcasts_any_at_stop(struct rl_broadcasts *broadcasts) {
  bool any = false;
  pthread_mutex_lock(&broadcasts->lock);
  for (struct rl_list *at = broadcasts->notices.next; at != &broadcasts->notices; at = at->next)
    any |= notice_of(at)->occasion == RL_AT_STOP;
  pthread_mutex_unlock(&broadcasts->lock);
  return any;
}

int rl_broadcasts_post(struct rl_broadcasts *broadcasts, struct rl_notice *notice) {
  lock(broadcasts);
  if (broadcasts->kept >= RL_BROADCASTS_MOST) {
    unlock(broadcasts);
    return -1;
  }
  broadcasts->kept++;
  notice->number = ++broadcasts->last;
  rl_list_push(&broadcasts->notices, &notice->link);
  struct rl_list *hearings = &broadcasts->hearings;
  for (struct rl_list *at = hearings->next; notice->occasion == RL_AT_ONCE && at != hearings;
       at = at->next) {
    notice->told++;
    tell(RL_OF(at, struct rl_hearing, link));
  }
  int told = (int)notice->told;
  notice->pending = notice->told;
  unlock(broadcasts);
  rl_ticker_want(notice->origin->settings->ticker); /* what computes there has to give way */
  return told;
}

/* -- running ------------------------------------------------------------------------------- */

/* Inside the fiber: the function and its arguments. */
static int enter(struct rl_fiber *fiber, lua_State *L) {
  struct rl_hearing *hearing = fiber->owner;
  return rl_unpack(L, &hearing->copy);
}

static void log_failure(const struct rl_hearing *hearing, const char *text, size_t size) {
  char prefix[128];
  const char *what = hearing->stopping ? "on_stop" : "broadcast or on_start";
  snprintf(prefix, sizeof prefix, "error in a function of domains.%s (domain %u): ", what,
           hearing->domain->vm.number);
  rl_report_text(hearing->domain, NULL, RL_LOG_ERROR, prefix, text, size);
}

/* What `busy` was told is over; text NULL: without an error. */
static void conclude(struct rl_hearing *hearing, const char *text, size_t size) {
  struct rl_broadcasts *broadcasts = hearing->broadcasts;
  struct rl_heap *heap = broadcasts->heap;
  char *copy = text ? rl_alloc(heap, size + 1) : NULL;
  if (copy)
    memcpy(copy, text, size + 1);
  lock(broadcasts);
  struct rl_notice *notice = hearing->busy;
  bool awaited = notice && is_awaited(hearing, notice);
  if (awaited) {
    if (text)
      note_failure(notice, hearing->domain->vm.number, copy, size + 1);
    settle(notice);
    copy = NULL;
  }
  hearing->busy = NULL;
  tell(hearing);
  unlock(broadcasts);
  rl_free(heap, copy, size + 1);
  bool cut = hearing->domain->settings->ending && !hearing->stopping; /* nobody has use for it */
  if (text && !awaited && !cut)
    log_failure(hearing, text, size);
}

static int text_of(lua_State *L) {
  size_t size;
  const char *text = rl_traceback_text(L, 2, &size);
  conclude(lua_touserdata(L, 1), text, size);
  return 0;
}

/* [.., error] -> [.., error] */
static void conclude_failed(struct rl_hearing *hearing, lua_State *L) {
  static const char none[] = "not enough memory (to say why)";
  if (lua_checkstack(L, 4)) {
    lua_pushcfunction(L, text_of);
    lua_pushlightuserdata(L, hearing);
    lua_pushvalue(L, -3);
    if (lua_pcall(L, 2, 0, 0) == LUA_OK)
      return;
    lua_pop(L, 1);
  }
  conclude(hearing, none, sizeof none - 1);
}

static void ended(struct rl_fiber *fiber, lua_State *L, int status, int nresults) {
  struct rl_hearing *hearing = fiber->owner;
  (void)nresults;
  rl_parcel_free(&hearing->copy, false);
  hearing->fiber = NULL;
  hearing->over = true;
  if (status == LUA_OK && fiber->whole.seen && lua_checkstack(L, 1)) { /* it caught that */
    lua_rawgeti(L, LUA_REGISTRYINDEX, fiber->whole.reason);
    status = LUA_ERRRUN;
  }
  if (status == LUA_OK)
    conclude(hearing, NULL, 0);
  else
    conclude_failed(hearing, L);
}

static int make_fiber(lua_State *L) {
  struct rl_hearing *hearing = lua_touserdata(L, 1);
  hearing->fiber = rl_fiber_new(L, ended, hearing);
  hearing->fiber->enter = enter;
  return 0;
}

/* Gets a fiber and a copy for what the notice says; false if it could not, which is concluded. */
static bool prepare(struct rl_hearing *hearing, const struct rl_notice *notice) {
  static const char none[] = "not enough memory";
  lua_State *L = hearing->domain->vm.L;
  if (rl_parcel_copy(&notice->parcel, &hearing->copy) != 0) {
    conclude(hearing, none, sizeof none - 1);
    return false;
  }
  if (rl_call_protected(L, make_fiber, hearing) == LUA_OK)
    return true;
  rl_parcel_free(&hearing->copy, false);
  conclude_failed(hearing, L);
  lua_pop(L, 1);
  return false;
}

/* Begins the next one, unless one is running; when there is none, tasks may come. */
static void go_on(struct rl_hearing *hearing) {
  struct rl_broadcasts *broadcasts = hearing->broadcasts;
  lock(broadcasts);
  struct rl_notice *next = hearing->hears && !hearing->busy ? next_of(hearing) : NULL;
  bool busy = hearing->busy;
  if (next) {
    hearing->busy = next;
    hearing->heard = next->number;
  }
  unlock(broadcasts);
  if (next && prepare(hearing, next))
    rl_fiber_start(hearing->fiber);
  if (!next && !busy)
    hearing->opening = false;
}

static void news_arrived(struct rl_domain *here, struct rl_message *message) {
  (void)here;
  struct rl_hearing *hearing = RL_OF(message, struct rl_hearing, news);
  lock(hearing->broadcasts);
  hearing->told = false;
  unlock(hearing->broadcasts);
  go_on(hearing);
}

/* -- a domain's life ------------------------------------------------------------------------ */

void rl_hearing_init(struct rl_hearing *hearing, struct rl_broadcasts *broadcasts,
                     struct rl_domain *domain) {
  *hearing = (struct rl_hearing){.broadcasts = broadcasts, .domain = domain};
  rl_list_init(&hearing->link);
  rl_parcel_init(&hearing->copy, broadcasts->heap);
  hearing->news.arrive = news_arrived;
}

void rl_hearing_join(struct rl_hearing *hearing) {
  struct rl_broadcasts *broadcasts = hearing->broadcasts;
  lock(broadcasts);
  hearing->hears = hearing->opening = true;
  hearing->joined = broadcasts->last;
  rl_list_push(&broadcasts->hearings, &hearing->link);
  unlock(broadcasts);
}

void rl_hearing_open(struct rl_hearing *hearing) {
  lock(hearing->broadcasts);
  hearing->open = true;
  unlock(hearing->broadcasts);
  go_on(hearing);
}

void rl_hearing_leave(struct rl_hearing *hearing) {
  struct rl_broadcasts *broadcasts = hearing->broadcasts;
  lock(broadcasts);
  if (hearing->hears) {
    if (hearing->busy && is_awaited(hearing, hearing->busy))
      settle(hearing->busy);
    hearing->busy = NULL;
    for (struct rl_notice *next; (next = next_of(hearing)); hearing->heard = next->number)
      if (is_awaited(hearing, next))
        settle(next);
  }
  hearing->hears = false;
  rl_list_remove(&hearing->link);
  unlock(broadcasts);
}

bool rl_hearing_runs(const struct rl_hearing *hearing, const struct rl_fiber *fiber) {
  return hearing->fiber && hearing->fiber->task == fiber->task;
}

/* -- the end -------------------------------------------------------------------------------- */

static void overdue(lua_State *L, struct rl_fiber *fiber) {
  (void)fiber;
  lua_pushliteral(L, "the time for the end of a domain is over (domains.set_cleanup_time)");
}

static int cancel_waiting(lua_State *L) {
  struct rl_hearing *hearing = lua_touserdata(L, 1);
  lua_pushliteral(L, "a function of domains.on_stop cannot wait");
  rl_fiber_cancel(L, hearing->fiber);
  return 0;
}

static void run_at_stop(struct rl_hearing *hearing, const struct rl_notice *notice) {
  struct rl_domain *domain = hearing->domain;
  hearing->over = false;
  if (!prepare(hearing, notice))
    return;
  hearing->fiber->deadline = rl_ticker_cleanup_end(domain->settings->ticker);
  hearing->fiber->overdue = overdue;
  rl_fiber_run(hearing->fiber);
  if (!hearing->over && hearing->fiber->state == RL_FIBER_PARKED &&
      rl_call_protected(domain->vm.L, cancel_waiting, hearing) != LUA_OK)
    lua_pop(domain->vm.L, 1);
  while (!hearing->over && rl_fiber_run_ready(domain))
    ;
  if (!hearing->over)
    rl_fiber_abandon(hearing->fiber);
}

static struct rl_notice *before(struct rl_broadcasts *broadcasts, uint64_t number) {
  lock(broadcasts);
  struct rl_list *at = broadcasts->notices.previous;
  while (at != &broadcasts->notices &&
         (notice_of(at)->number >= number || notice_of(at)->occasion != RL_AT_STOP))
    at = at->previous;
  struct rl_notice *notice = at == &broadcasts->notices ? NULL : notice_of(at);
  unlock(broadcasts);
  return notice;
}

void rl_hearing_stop(struct rl_hearing *hearing) {
  struct rl_domain *domain = hearing->domain;
  rl_hearing_leave(hearing);
  struct rl_notice *notice = before(hearing->broadcasts, UINT64_MAX);
  hearing->stopping = true;
  domain->ending = domain->closing = true; /* it starts nothing any more, but for these */
  for (; notice; notice = before(hearing->broadcasts, notice->number))
    run_at_stop(hearing, notice);
  domain->closing = false;
}
