/* Simulation: see the header. */
#include "domain/simulation.h"

#include <assert.h>
#include <inttypes.h>
#include <lauxlib.h>

#include "base/heap.h"
#include "domain/fiber.h"
#include "domain/ticker.h"
#include "domain/timer.h"

enum {
  BEGINNING = 1000 * 1000 * 1000, /* ns: the clock at the start, for 0 means no time at all */
  TICK = 4 * 1000 * 1000,         /* ns between two looks at what waits for a time */
  INSTRUCTION = 10,               /* ns that one takes */
  SWITCH = 1000,                  /* ns at most for going from one domain to another */
  FEW = 8,                        /* instructions: half of the stretches are as short as that, */
  MANY = 1000,                    /* the others up to this long */
  SLICED = 8,                     /* one in so many stretches ends a task's slice */
  SURVEYS = 32                    /* looks at a standstill before it is hopeless */
};

/* -- telling ------------------------------------------------------------------------------- */

static void tell(const struct rl_actor *actor, const char *what) {
  const struct rl_simulation *simulation = actor->simulation;
  if (!simulation->tells)
    return;
  uint64_t time = rl_clock_now(&simulation->settings->clock) - BEGINNING;
  const struct rl_vm *vm = &actor->domain->vm;
  rl_log_line(&simulation->settings->log, RL_LOG_INFO, "%6" PRIu64 ".%09" PRIu64 " %s %u %s",
              time / 1000000000, time % 1000000000, vm->compute ? "domain" : "main", vm->number,
              what);
}

/* -- whose turn it is ---------------------------------------------------------------------- */

static bool can_go_on(const struct rl_actor *actor) {
  struct rl_domain *domain = actor->domain;
  return !actor->rests || !atomic_load(&domain->mailbox.sleeping) ||
         uv_backend_timeout(domain->loop) == 0 ||
         rl_timer_next(&domain->timers) <= rl_domain_now(domain);
}

static struct rl_actor *actor_of(struct rl_list *link) {
  return RL_OF(link, struct rl_actor, link);
}

/* One of those that can go on; NULL if there is none. */
static struct rl_actor *draw_actor(struct rl_simulation *simulation) {
  struct rl_list *all = &simulation->actors;
  struct rl_actor *drawn = NULL;
  unsigned count = 0;
  for (struct rl_list *at = all->next; at != all; at = at->next)
    if (can_go_on(actor_of(at)) && rl_draw_below(&simulation->draw, ++count) == 0)
      drawn = actor_of(at);
  return drawn;
}

static void set_time(struct rl_simulation *simulation, uint64_t time) {
  struct rl_clock *clock = &simulation->settings->clock;
  if (time > clock->time)
    clock->time = time;
}

/* True if it will have to be done again, whatever else happens. */
static bool tick(struct rl_simulation *simulation) {
  uint64_t now = rl_clock_now(&simulation->settings->clock);
  simulation->ticked = now;
  return rl_ticker_do_chore(simulation->settings->ticker, now);
}

static void spend(struct rl_simulation *simulation, uint64_t nanoseconds) {
  uint64_t now = rl_clock_now(&simulation->settings->clock) + nanoseconds;
  set_time(simulation, now);
  if (now - simulation->ticked >= TICK)
    tick(simulation);
}

/* Nobody can go on: lets time pass until somebody may. False if nobody ever will. */
static bool let_time_pass(struct rl_simulation *simulation) {
  struct rl_list *all = &simulation->actors;
  uint64_t next = tick(simulation) ? simulation->ticked + TICK : RL_NEVER;
  for (struct rl_list *at = all->next; at != all; at = at->next) {
    uint64_t due = rl_timer_next(&actor_of(at)->domain->timers);
    next = due < next ? due : next;
  }
  if (next == RL_NEVER)
    return false;
  set_time(simulation, next);
  return true;
}

/* Whoever is to see that all wait for one another (standstill.h) looks several times, asks, looks
 * again, and tells. */
static bool survey(struct rl_simulation *simulation) {
  rl_ticker_survey(simulation->settings->ticker);
  return ++simulation->surveys < SURVEYS;
}

static struct rl_actor *choose(struct rl_simulation *simulation) {
  struct rl_actor *actor;
  while (!(actor = draw_actor(simulation)))
    if (!let_time_pass(simulation) && !survey(simulation))
      return &simulation->main;
  return actor;
}

/* -- going from one to another ------------------------------------------------------------- */

static void bury(struct rl_simulation *simulation) {
  struct rl_actor *gone = simulation->gone;
  simulation->gone = NULL;
  if (!gone)
    return;
  rl_strand_close(&gone->strand);
  rl_free(simulation->settings->heap, gone, sizeof *gone);
}

static void make_current(struct rl_simulation *simulation, struct rl_actor *next) {
  spend(simulation, rl_draw_below(&simulation->draw, SWITCH));
  tell(next, next->begun ? "goes on" : "begins");
  next->begun = true;
  simulation->current = next;
}

static void give_way(struct rl_simulation *simulation) {
  struct rl_actor *here = simulation->current, *next = choose(simulation);
  if (next == here)
    return;
  make_current(simulation, next);
  rl_strand_switch(&here->strand, &next->strand);
  bury(simulation);
}

/* On its own stack, which it leaves for good. */
static void run(void *argument) {
  struct rl_actor *actor = argument;
  struct rl_simulation *simulation = actor->simulation;
  bury(simulation);
  actor->run(actor->argument);
  tell(actor, "ends");
  rl_list_remove(&actor->link);
  simulation->gone = actor;
  struct rl_actor *next = choose(simulation);
  make_current(simulation, next);
  rl_strand_leave(&actor->strand, &next->strand);
}

void rl_simulation_poll(struct rl_domain *domain, bool asleep) {
  struct rl_simulation *simulation = domain->settings->simulation;
  struct rl_actor *actor = simulation->current;
  assert(actor->domain == domain);
  actor->rests = asleep;
  if (asleep)
    tell(actor, "rests");
  give_way(simulation);
  if (can_go_on(actor))
    rl_domain_keep_polling(domain); /* it has waited here; if not, libuv may know of something */
  actor->rests = false;
  rl_timer_fire(&domain->timers);
}

/* -- within Lua code ------------------------------------------------------------------------ */

/* Instructions until the next hook; more than one, or 5.4 would not advance after a yield. */
static int draw_stretch(struct rl_simulation *simulation) {
  unsigned limit = rl_draw_below(&simulation->draw, 2) ? FEW : MANY;
  return 2 + (int)rl_draw_below(&simulation->draw, limit);
}

static void on_stretch(lua_State *L, lua_Debug *ar) {
  struct rl_domain *domain = rl_domain_of(L);
  struct rl_simulation *simulation = domain->settings->simulation;
  spend(simulation, (uint64_t)lua_gethookcount(L) * INSTRUCTION);
  if (!domain->running)
    return; /* what runs is not a fiber: a state that opens or closes, and no others to see */
  simulation->surveys = 0;
  give_way(simulation);
  if (lua_gethook(L) == on_stretch) { /* not one that counts the instructions of a task */
    domain->count_every = draw_stretch(simulation);
    lua_sethook(L, on_stretch, LUA_MASKCOUNT, domain->count_every);
  }
  rl_ticker_look(domain->settings->ticker, domain, rl_domain_now(domain));
  if (domain->feed && rl_draw_below(&simulation->draw, SLICED) == 0)
    atomic_fetch_or(&domain->watch.asks, RL_ASK_SLICE);
  if (atomic_load(&domain->watch.asks) != 0)
    domain->look(L, ar); /* may raise, or yield */
}

void rl_simulation_refuse(lua_State *L, const char *name) {
  if (rl_domain_of(L)->settings->simulation)
    luaL_error(L, "%s%sthere are no sockets in a simulation", name ? name : "", name ? ": " : "");
}

void rl_simulation_prepare(struct rl_domain *domain) {
  struct rl_simulation *simulation = domain->settings->simulation;
  domain->usual = domain->count = on_stretch;
  domain->count_every = draw_stretch(simulation);
  domain->vm.seed = rl_draw(&simulation->draw) | 1; /* 0 would be none */
}

/* -- life ---------------------------------------------------------------------------------- */

void rl_simulation_init(struct rl_simulation *simulation, struct rl_settings *settings,
                        uint64_t seed, bool tells) {
  *simulation = (struct rl_simulation){.settings = settings, .tells = tells, .draw.state = seed};
  rl_list_init(&simulation->actors);
  settings->simulation = simulation;
  settings->clock = (struct rl_clock){.simulated = true, .time = BEGINNING};
  simulation->ticked = BEGINNING;
}

void rl_simulation_destroy(struct rl_simulation *simulation) {
  bury(simulation);
}

void rl_simulation_enter(struct rl_simulation *simulation, struct rl_domain *main) {
  struct rl_actor *actor = &simulation->main;
  if (simulation->current)
    return;
  *actor = (struct rl_actor){.simulation = simulation, .domain = main, .begun = true};
  rl_strand_adopt(&actor->strand);
  rl_list_push(&simulation->actors, &actor->link);
  simulation->current = actor;
}

int rl_simulation_start(struct rl_simulation *simulation, struct rl_domain *domain, size_t stack,
                        void (*code)(void *argument), void *argument) {
  struct rl_heap *heap = simulation->settings->heap;
  struct rl_actor *actor = rl_zalloc(heap, sizeof *actor);
  if (!actor)
    return UV_ENOMEM;
  *actor = (struct rl_actor){
      .simulation = simulation, .domain = domain, .run = code, .argument = argument};
  if (rl_strand_open(&actor->strand, stack, run, actor) != 0) {
    rl_free(heap, actor, sizeof *actor);
    return UV_ENOMEM;
  }
  rl_list_push(&simulation->actors, &actor->link);
  return 0;
}
