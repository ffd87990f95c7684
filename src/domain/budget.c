/* Budget: what the fibers of one task may take together, memory and instructions, and what becomes
 * of a fiber that takes more, or that crosses the limit of its domain. Declared in fiber.h.
 *
 * A block that crosses a limit is given if it could fit, were all else garbage; at the next
 * instruction a hook collects, and finds out. Until then hardly more is given beyond the limit:
 * Lua's allocator fails, upon which Lua collects and asks again, but for the buffers of its string
 * functions, whose errors are ordinary ones.
 *
 * A task that is over a limit is ended as by a timeout: by an error that insists. A bare memory
 * error is given the limit's name where it is caught, and insists from there. So that it can clean
 * up, the task may have SPARE bytes more from then on. Code of a main domain that crosses the limit
 * of that gets an ordinary error. The texts are made beforehand: in the end there may be no memory.
 */
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "base/heap.h"
#include "domain/domain.h"
#include "domain/fiber.h"
#include "domain/interrupt.h"
#include "domain/limits.h"

enum {
  SPARE = 256 << 10,
  SLACK = 16 << 10 /* the same, for the rest of the instruction that crosses a limit */
};

/* -- the end of a fiber ---------------------------------------------------------------------- */

static void overdraw(struct rl_fiber *fiber, int error) {
  if (fiber->exceeded != LUA_NOREF)
    return;
  fiber->exceeded = error;
  if (fiber->budget && error != fiber->domain->limit_error)
    fiber->budget->over = error;
  rl_ledger_spare(&fiber->domain->vm.ledger, SPARE);
}

/* Code of a main domain, but for tasks, may catch what becomes of the domain's limit. */
static bool may_catch(const struct rl_fiber *fiber, int error) {
  const struct rl_domain *domain = fiber->domain;
  return error == domain->limit_error && !domain->feed && !fiber->detached;
}

/* A bare memory error is on its way. */
static void end_told(struct rl_fiber *fiber, int error) {
  overdraw(fiber, error);
  rl_fiber_end_told(fiber, fiber->exceeded);
  fiber->domain->spoilt = true;
}

/* -- errors -------------------------------------------------------------------------------- */

static void push_size(lua_State *L, size_t bytes) {
  static const struct {
    size_t size;
    const char *name;
  } units[] = {{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, "bytes"}};
  size_t i = 0;
  while (bytes % units[i].size != 0)
    i++;
  lua_pushfstring(L, "%I %s", (LUAI_UACINT)(bytes / units[i].size), units[i].name);
}

/* [.., size or number] -> [..]: a reference to the error. */
static int make_error(lua_State *L, const char *name, const char *of) {
  lua_pushfstring(L, "%s: more than %s %s", name, lua_tostring(L, -1), of);
  lua_remove(L, -2);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* [error] -> [text]: with the place before it. */
static int add_place(lua_State *L) {
  const struct rl_domain *domain = rl_domain_of(L);
  lua_pushfstring(L, "%s%s", domain->crossing.place, lua_tostring(L, 1));
  return 1;
}

static bool is_bare(lua_State *L, int index) {
  static const char text[] = "not enough memory";
  return lua_type(L, index) == LUA_TSTRING &&
         strncmp(lua_tostring(L, index), text, sizeof text - 1) == 0;
}

void rl_budget_explain(lua_State *L) {
  struct rl_domain *domain = rl_domain_of(L);
  struct rl_fiber *fiber = domain->running;
  struct rl_ledger *ledger = &domain->vm.ledger;
  if (!is_bare(L, -1))
    return;
  if (ledger->refused == 0) { /* the system has no more */
    domain->starved = true;
    return;
  }
  int error = domain->crossing.error;
  if (!fiber->whole.cancelled && !may_catch(fiber, error))
    end_told(fiber, error);
  lua_rawgeti(L, LUA_REGISTRYINDEX, error);
  lua_replace(L, -2);
  ledger->refused = 0;
  if (!lua_checkstack(L, 3))
    return;
  lua_pushcfunction(L, add_place);
  lua_pushvalue(L, -2);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK)
    lua_replace(L, -2);
  else
    lua_pop(L, 1);
}

/* -- over a limit -------------------------------------------------------------------------- */

/* At the next instruction the hook looks. */
static void ask(struct rl_domain *domain, enum rl_ask what) {
  atomic_fetch_or(&domain->watch.asks, what);
  rl_interrupt_arm(domain);
}

static int error_of(const struct rl_fiber *fiber, enum rl_limit which) {
  return which == RL_LIMIT_METER ? fiber->budget->memory_error : fiber->domain->limit_error;
}

/* Reads what the interpreter has saved, and changes nothing: so it may be done anywhere. */
static void note_place(struct rl_domain *domain) {
  struct rl_crossing *crossing = &domain->crossing;
  lua_State *L = domain->innermost;
  lua_Debug at = {.currentline = -1};
  for (int level = 0; at.currentline < 0 && lua_getstack(L, level, &at); level++)
    lua_getinfo(L, "Sl", &at);
  crossing->place[0] = '\0';
  if (at.currentline >= 0)
    snprintf(crossing->place, sizeof crossing->place, "%s:%d: ", at.short_src, at.currentline);
}

/* It cannot be had: the bare error that follows is the end of a task. */
static void refuse(struct rl_fiber *fiber, int error, size_t more, bool finally) {
  struct rl_domain *domain = fiber->domain;
  struct rl_crossing *crossing = &domain->crossing;
  domain->vm.ledger.refused = more;
  crossing->error = error;
  note_place(domain);
  if (may_catch(fiber, error) || fiber->whole.cancelled)
    return;
  if (finally)
    end_told(fiber, error);
  else
    ask(domain, RL_ASK_COLLECT);
}

static bool crossed(struct rl_ledger *ledger, enum rl_limit which, size_t more) {
  struct rl_domain *domain = RL_OF(ledger, struct rl_domain, vm.ledger);
  struct rl_crossing *crossing = &domain->crossing;
  struct rl_fiber *fiber = domain->running;
  bool possible = more <= (which == RL_LIMIT_METER ? ledger->meter->limit : ledger->limit);
  bool ending = fiber->exceeded != LUA_NOREF || fiber->whole.cancelled;
  if (possible && !crossing->pending && !ending) {
    crossing->pending = true;
    rl_ledger_spare(ledger, more + SLACK);
    ask(domain, RL_ASK_COLLECT);
    return true;
  }
  bool again = ledger->refused == more; /* Lua has collected since */
  refuse(fiber, error_of(fiber, which), more, !possible || again);
  return false;
}

void rl_budget_collect(lua_State *L) {
  struct rl_domain *domain = rl_domain_of(L);
  struct rl_crossing *crossing = &domain->crossing;
  struct rl_fiber *fiber = domain->running;
  bool refused = domain->vm.ledger.refused != 0;
  if (!refused)
    lua_gc(L, LUA_GCCOLLECT);
  crossing->pending = false;
  if (fiber->exceeded == LUA_NOREF)
    domain->vm.ledger.spare = 0;
  enum rl_limit which = rl_ledger_limit(&domain->vm.ledger, 0);
  if ((which == RL_LIMIT_NONE && !refused) || fiber->exceeded != LUA_NOREF)
    return;
  int error = refused ? crossing->error : error_of(fiber, which);
  domain->vm.ledger.refused = 0;
  if (may_catch(fiber, error)) {
    luaL_where(L, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, error);
    lua_concat(L, 2);
    lua_error(L);
  }
  domain->spoilt = true;
  overdraw(fiber, error);
}

/* -- what waits in channels ------------------------------------------------------------------- */

static bool has_room(const struct rl_budget *budget) {
  size_t waiting = atomic_load(&budget->freight->bytes);
  return waiting <= budget->limits.memory && budget->meter.held <= budget->limits.memory - waiting;
}

struct rl_freight *rl_budget_load(lua_State *L, size_t bytes) {
  struct rl_domain *domain = rl_domain_of(L);
  struct rl_fiber *fiber = domain->running;
  struct rl_budget *budget = fiber ? fiber->budget : NULL;
  if (!budget || budget->limits.memory == 0)
    return NULL;
  rl_freight_load(budget->freight, bytes);
  if (has_room(budget) || fiber->exceeded != LUA_NOREF || fiber->whole.cancelled)
    return budget->freight;
  lua_gc(L, LUA_GCCOLLECT);
  if (!has_room(budget)) {
    overdraw(fiber, budget->memory_error);
    ask(domain, RL_ASK_STOP);
  }
  return budget->freight;
}

/* -- instructions -------------------------------------------------------------------------- */

static bool is_counted(const struct rl_fiber *fiber) {
  return fiber && fiber->budget && fiber->budget->limits.instructions != 0;
}

static void count_step(struct rl_domain *domain, struct rl_fiber *fiber) {
  struct rl_budget *budget = fiber->budget;
  budget->instructions += RL_LIMITS_STEP;
  bool over = budget->instructions > budget->limits.instructions;
  if (!over || fiber->exceeded != LUA_NOREF || fiber->whole.cancelled)
    return;
  overdraw(fiber, budget->instructions_error);
  ask(domain, RL_ASK_STOP);
}

/* A hook. A thread that outlives its task may still have it. */
static void count(lua_State *L, lua_Debug *ar) {
  struct rl_domain *domain = rl_domain_of(L);
  struct rl_fiber *fiber = domain->running;
  if (!is_counted(fiber)) {
    lua_sethook(L, NULL, 0, 0);
    return;
  }
  count_step(domain, fiber);
  if (domain->usual)
    domain->usual(L, ar);
}

/* Of a turn of the fiber; NULL: between turns, or in one without a limit. */
static void set_count(struct rl_domain *domain, const struct rl_fiber *fiber) {
  bool counted = is_counted(fiber);
  domain->count = counted ? count : domain->usual;
  if (counted)
    domain->count_every = RL_LIMITS_STEP;
}

/* -- who draws on it ----------------------------------------------------------------------- */

void rl_budget_join(struct rl_fiber *fiber, struct rl_budget *budget) {
  fiber->budget = budget;
  fiber->exceeded = LUA_NOREF;
  fiber->held = 0;
  fiber->peak = 0;
  if (budget)
    budget->references++;
  if (is_counted(fiber))
    lua_sethook(fiber->L, count, LUA_MASKCOUNT, RL_LIMITS_STEP);
  else if (fiber->domain->usual)
    lua_sethook(fiber->L, fiber->domain->usual, LUA_MASKCOUNT, fiber->domain->count_every);
}

static struct rl_budget *create(struct rl_domain *domain, const struct rl_limits *limits) {
  struct rl_budget *budget = rl_zalloc(domain->settings->heap, sizeof *budget);
  if (!budget)
    return NULL;
  budget->limits = *limits;
  budget->memory_error = budget->instructions_error = budget->over = LUA_NOREF;
  if (limits->memory == 0)
    return budget;
  budget->freight = rl_freight_new(domain->settings->heap);
  if (!budget->freight) {
    rl_free(domain->settings->heap, budget, sizeof *budget);
    return NULL;
  }
  rl_meter_open(&domain->vm.ledger, &budget->meter, limits->memory);
  return budget;
}

void rl_budget_open(lua_State *L, struct rl_fiber *fiber, const struct rl_limits *limits,
                    const char *name) {
  struct rl_budget *budget = create(fiber->domain, limits);
  if (!budget)
    luaL_error(L, "not enough memory");
  rl_budget_join(fiber, budget); /* which frees it if something raises now */
  budget->root = fiber;
  if (limits->memory != 0) {
    push_size(L, limits->memory);
    budget->memory_error = make_error(L, name, "of memory (its option memory)");
  }
  if (limits->instructions != 0) {
    lua_pushfstring(L, "%I", (LUAI_UACINT)limits->instructions);
    budget->instructions_error = make_error(L, name, "instructions (its option instructions)");
  }
}

void rl_budget_leave(struct rl_fiber *fiber) {
  struct rl_budget *budget = fiber->budget;
  fiber->budget = NULL;
  if (!budget)
    return;
  if (budget->root == fiber)
    budget->root = NULL;
  if (--budget->references > 0)
    return;
  struct rl_domain *domain = fiber->domain;
  if (budget->limits.memory != 0) {
    rl_meter_close(&domain->vm.ledger, &budget->meter);
    rl_freight_unload(budget->freight, 0);
  }
  luaL_unref(domain->vm.L, LUA_REGISTRYINDEX, budget->memory_error);
  luaL_unref(domain->vm.L, LUA_REGISTRYINDEX, budget->instructions_error);
  rl_free(domain->settings->heap, budget, sizeof *budget);
}

/* -- turns --------------------------------------------------------------------------------- */

/* Of a fiber that has a budget, or is over a limit. */
static void draw(struct rl_domain *domain, struct rl_fiber *fiber) {
  struct rl_budget *budget = fiber->budget;
  set_count(domain, fiber);
  if (budget && fiber->exceeded == LUA_NOREF)
    fiber->exceeded = budget->over;
  bool metered = budget && budget->limits.memory != 0;
  rl_ledger_begin(&domain->vm.ledger, metered ? &budget->meter : NULL);
  if (fiber->exceeded != LUA_NOREF)
    rl_ledger_spare(&domain->vm.ledger, SPARE);
}

void rl_budget_begin(struct rl_fiber *fiber) {
  struct rl_domain *domain = fiber->domain;
  domain->crossing.pending = false;
  if (fiber->budget || fiber->exceeded != LUA_NOREF)
    draw(domain, fiber);
  else
    rl_ledger_begin(&domain->vm.ledger, NULL);
}

size_t rl_budget_peak(const struct rl_fiber *fiber) {
  const struct rl_ledger *ledger = &fiber->domain->vm.ledger;
  if (fiber->budget && fiber->budget->limits.memory != 0)
    return fiber->budget->meter.peak;
  size_t high = ledger->bytes > ledger->high ? ledger->bytes : ledger->high;
  size_t now = fiber->held + (high - ledger->start);
  return now > fiber->peak ? now : fiber->peak;
}

uint64_t rl_budget_instructions(const struct rl_fiber *fiber) {
  return fiber->budget ? fiber->budget->instructions : 0;
}

/* The task ends if any fiber of it is over the budget. */
static void end_root(struct rl_budget *budget) {
  struct rl_fiber *root = budget->root;
  if (budget->over == LUA_NOREF || !root || root->exceeded != LUA_NOREF)
    return;
  root->exceeded = budget->over;
  rl_fiber_end_for(root, budget->over);
}

/* Lua's string buffers do not collect when they get no memory, and what failed may have left most
 * of it as garbage, in small blocks: without this the next fibers would fail as well. */
static void relieve(struct rl_domain *domain) {
  domain->starved = false;
  domain->innermost = domain->vm.L; /* runs finalizers */
  lua_gc(domain->vm.L, LUA_GCCOLLECT);
  rl_heap_trim(domain->settings->heap);
}

void rl_budget_end(struct rl_fiber *fiber) {
  struct rl_ledger *ledger = &fiber->domain->vm.ledger;
  rl_ledger_end(ledger);
  size_t peak = fiber->held + (ledger->high - ledger->start);
  if (peak > fiber->peak)
    fiber->peak = peak;
  size_t held = fiber->held + ledger->bytes;
  fiber->held = held > ledger->start ? held - ledger->start : 0;
  set_count(fiber->domain, NULL);
  if (fiber->budget)
    end_root(fiber->budget);
  if (fiber->domain->starved)
    relieve(fiber->domain);
}

/* -- the limit of all domains -------------------------------------------------------------- */

void rl_budget_prepare(struct rl_domain *domain) {
  domain->vm.ledger.crossed = crossed;
  domain->limit_error = LUA_NOREF;
}

void rl_budget_heed(lua_State *L) {
  struct rl_domain *domain = rl_domain_of(L);
  size_t limit = atomic_load_explicit(&domain->settings->memory_limit, memory_order_relaxed);
  if (limit == domain->memory_limit)
    return;
  if (limit != 0) {
    push_size(L, limit);
    int error = make_error(L, "a domain", "of memory (rille.domains.set_memory_limit)");
    if (domain->limit_error == LUA_NOREF) {
      domain->limit_error = error;
    } else { /* fibers may be about to end with the one before */
      lua_rawgeti(L, LUA_REGISTRYINDEX, error);
      lua_rawseti(L, LUA_REGISTRYINDEX, domain->limit_error);
      luaL_unref(L, LUA_REGISTRYINDEX, error);
    }
  }
  domain->memory_limit = limit;
  domain->vm.ledger.limit = limit != 0 ? limit : SIZE_MAX;
}
