/* Standstill: see the header. */
#include "domain/standstill.h"

#include <lauxlib.h>
#include <stdio.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/pool.h"

enum { LOOKS = 3, DEEPEST = 10 };

void rl_standstill_init(struct rl_standstill *standstill) {
  *standstill = (struct rl_standstill){.looks = 0};
  pthread_mutex_init(&standstill->lock, NULL);
}

void rl_standstill_destroy(struct rl_standstill *standstill) {
  pthread_mutex_destroy(&standstill->lock);
}

/* -- the domain's part --------------------------------------------------------------------- */

static struct rl_standstill *of(struct rl_domain *domain) {
  return domain->settings->standstill;
}

/* Whether its loop has nothing to wait for but messages. */
static bool has_only_messages(struct rl_domain *domain) {
  uv_handle_t *wake = (uv_handle_t *)&domain->mailbox.wake;
  bool kept = uv_has_ref(wake);
  uv_unref(wake);
  bool alive = uv_loop_alive(domain->loop);
  if (kept)
    uv_ref(wake);
  return !alive;
}

void rl_standstill_rest(struct rl_domain *domain) {
  struct rl_watch *watch = &domain->watch;
  if (!of(domain)->alone || domain->ending || domain->outside > 0 || !has_only_messages(domain))
    return;
  atomic_store(&watch->dealing, domain->dealing);
  atomic_fetch_add(&watch->rest, 1);
}

void rl_standstill_rouse(struct rl_domain *domain) {
  struct rl_watch *watch = &domain->watch;
  if (atomic_load_explicit(&watch->rest, memory_order_relaxed) % 2 == 1)
    atomic_fetch_add(&watch->rest, 1);
}

/* Where the fiber waits, and in what. */
static int describe(char *to, size_t size, const struct rl_fiber *fiber) {
  char where[32] = "a main domain";
  if (fiber->domain->feed)
    snprintf(where, sizeof where, "domain %u", fiber->domain->vm.number);
  lua_Debug frame;
  for (int level = 0; level < DEEPEST && lua_getstack(fiber->innermost, level, &frame); level++) {
    lua_getinfo(fiber->innermost, "Sl", &frame);
    if (frame.currentline > 0)
      return snprintf(to, size, "\n\t%s:%d waits in %s (%s)", frame.short_src, frame.currentline,
                      fiber->what, where);
  }
  return snprintf(to, size, "\n\ta fiber waits in %s (%s)", fiber->what, where);
}

struct find {
  const struct rl_domain *domain;
  bool found;
};

/* Sockets, perhaps idle, whose peers may do something that ends a wait. */
static void find_other(uv_handle_t *handle, void *data) {
  struct find *find = data;
  const struct rl_domain *domain = find->domain;
  bool ours = handle == (const uv_handle_t *)&domain->mailbox.wake ||
              handle == (const uv_handle_t *)&domain->prepare ||
              handle == (const uv_handle_t *)&domain->check ||
              handle == (const uv_handle_t *)&domain->idle;
  if (!ours && handle->type != UV_TIMER)
    find->found = true;
}

/* Whether something that does not keep the loop alive may still end a wait here. */
static bool has_prospects(struct rl_domain *here) {
  struct find find = {.domain = here};
  uv_walk(here->loop, find_other, &find);
  for (struct rl_list *at = here->parked.next; at != &here->parked; at = at->next)
    find.found |= RL_OF(at, struct rl_fiber, link)->deadline != 0;
  return find.found;
}

static void asked(struct rl_domain *here, struct rl_message *message) {
  (void)message;
  struct rl_standstill *standstill = of(here);
  pthread_mutex_lock(&standstill->lock);
  standstill->doubtful |= has_prospects(here);
  for (struct rl_list *at = here->parked.next; at != &here->parked; at = at->next) {
    size_t left = sizeof standstill->text - standstill->size;
    int size =
        describe(standstill->text + standstill->size, left, RL_OF(at, struct rl_fiber, link));
    if ((size_t)size >= left) {
      standstill->text[standstill->size] = 0; /* there are more */
      break;
    }
    standstill->size += (size_t)size;
  }
  pthread_mutex_unlock(&standstill->lock);
}

/* From the head each time: ending one wait may make other fibers ready. */
static void told(struct rl_domain *here, struct rl_message *message) {
  (void)message;
  struct rl_list waiting;
  rl_list_init(&waiting);
  rl_list_move(&waiting, &here->parked);
  for (struct rl_list *link; (link = rl_list_take(&waiting));) {
    struct rl_fiber *fiber = RL_OF(link, struct rl_fiber, link);
    rl_list_push(&here->parked, link);
    if (fiber->wait->fail)
      fiber->wait->fail(fiber->wait);
  }
}

int rl_standstill_raise(lua_State *L) {
  struct rl_standstill *standstill = of(rl_domain_of(L));
  char text[RL_STANDSTILL_TEXT];
  pthread_mutex_lock(&standstill->lock);
  snprintf(text, sizeof text, "%s", standstill->text);
  pthread_mutex_unlock(&standstill->lock);
  return luaL_error(L, "%s", text);
}

/* -- the ticker's part --------------------------------------------------------------------- */

struct view {
  uint64_t rests, turns;
  unsigned dealing, computing;
  struct rl_pool *pool;
};

/* False: somebody is active, or about to be. */
static bool view(struct view *view, struct rl_list *domains) {
  for (struct rl_list *at = domains->next; at != domains; at = at->next) {
    struct rl_domain *domain = RL_OF(at, struct rl_domain, watch.link);
    uint64_t rest = atomic_load(&domain->watch.rest);
    if (rest % 2 == 0 || !rl_mailbox_empty(&domain->mailbox))
      return false;
    view->rests += rest;
    view->turns += atomic_load(&domain->watch.turn);
    view->dealing += atomic_load(&domain->watch.dealing);
    view->computing += domain->feed != NULL;
    view->pool = domain->settings->pool;
  }
  return view->dealing > 0;
}

/* A domain that starts, or one that has something to do when it ends, is not among them. */
static bool is_pool_idle(const struct view *view) {
  return !rl_pool_has_work(view->pool) && atomic_load(&view->pool->threads) == view->computing &&
         (view->computing == 0 || !rl_broadcasts_any_at_stop(&view->pool->broadcasts));
}

static void tell_all(struct rl_list *domains,
                     void (*arrive)(struct rl_domain *here, struct rl_message *message)) {
  for (struct rl_list *at = domains->next; at != domains; at = at->next) {
    struct rl_domain *domain = RL_OF(at, struct rl_domain, watch.link);
    domain->watch.message.arrive = arrive;
    rl_mailbox_push(&domain->mailbox, &domain->watch.message);
  }
}

static void ask(struct rl_standstill *standstill, struct rl_list *domains) {
  pthread_mutex_lock(&standstill->lock);
  standstill->size =
      (size_t)snprintf(standstill->text, sizeof standstill->text,
                       "deadlock: every fiber waits, and nothing is left that could wake one:");
  standstill->doubtful = false;
  pthread_mutex_unlock(&standstill->lock);
  tell_all(domains, asked);
}

static bool is_doubtful(struct rl_standstill *standstill) {
  pthread_mutex_lock(&standstill->lock);
  bool doubtful = standstill->doubtful;
  pthread_mutex_unlock(&standstill->lock);
  return doubtful;
}

/* All rest, and have since the last looks. */
static void act(struct rl_standstill *standstill, struct rl_list *domains, uint64_t turns) {
  bool again = standstill->asked && standstill->turns == turns;
  if (again && is_doubtful(standstill)) /* until some fiber has run */
    return;
  standstill->turns = turns;
  standstill->asked = !again;
  if (again)
    tell_all(domains, told);
  else
    ask(standstill, domains);
}

void rl_standstill_look(void *owner, struct rl_list *domains) {
  struct rl_standstill *standstill = owner;
  struct view now = {.pool = NULL};
  if (!standstill->alone || !view(&now, domains) || !is_pool_idle(&now)) {
    standstill->looks = 0;
  } else if (standstill->looks == 0 || standstill->rests != now.rests) {
    standstill->rests = now.rests;
    standstill->looks = 1;
  } else if (++standstill->looks == LOOKS) {
    standstill->looks = 0;
    act(standstill, domains, now.turns);
  }
}
