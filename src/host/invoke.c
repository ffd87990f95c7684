/* Invoke: calls from the host's C, on any thread, to functions of the first loop's scripts, and the
 * way back.
 *
 *     host, any thread                    the first loop
 *     copies name and arguments  ----->   arrive: starts a fiber
 *                                         run: finds the function, calls it, or detaches it
 *                                         ended: tells the host, frees the copies
 *
 * A call is in a list until it has ended, so that any thread finds it there to cancel it. What it
 * is cancelled with is a message of its own; if that is still under way when the call ends, it is
 * what frees it. A loop that computes hears no message: until it does, the ticker has whatever runs
 * there look whether it is the call. */
#include <lauxlib.h>
#include <stdatomic.h>
#include <string.h>

#include "domain/detach.h"
#include "domain/fiber.h"
#include "host/runtime.h"
#include "host/value.h"
#include "vm/call.h"
#include "vm/require.h"

struct invocation {
  struct rl_message message;
  struct rl_list link;   /* in the runtime's invocations; under their lock, as the writing of */
  atomic_bool cancelled; /* `cancellation` has been sent; its fiber looks, too */
  struct rl_message cancellation;
  bool heard;             /* it has arrived */
  struct rl_fiber *fiber; /* while it runs */
  struct rille *runtime;
  bool detached;
  rille_done *done; /* NULL: errors are logged */
  void *context;
  size_t size;      /* of the whole */
  const char *name; /* behind the arguments, as are their bytes */
  size_t count;
  struct rille_value arguments[];
};

/* -- the end ------------------------------------------------------------------------------- */

static void tell(struct invocation *call, const struct rille_value *results, size_t count) {
  if (call->done)
    call->done(call->runtime, call->context, 0, results, count);
}

static void tell_error(struct invocation *call, struct rille_value text) {
  if (call->done)
    call->done(call->runtime, call->context, 1, &text, 1);
  else
    rl_log_text(&call->runtime->settings.log, RL_LOG_ERROR, "rille: ", text.bytes, text.size);
}

/* [error] -> [.., text] */
static int text_of(lua_State *L) {
  size_t size;
  rl_traceback_text(L, 1, &size);
  return 1;
}

/* [.., error] -> [..] */
static void fail(struct invocation *call, lua_State *L) {
  struct rille_value text = rille_text("not enough memory");
  if (lua_checkstack(L, LUA_MINSTACK)) {
    lua_pushcfunction(L, text_of);
    lua_insert(L, -2);
    lua_pcall(L, 1, 1, 0); /* its own error, for want of memory, is a text, too */
    rl_value_read(L, -1, &text);
  }
  tell_error(call, text);
  lua_pop(L, 1);
}

/* Of the `count` results from `first` on, those that could be read. */
static size_t read_results(lua_State *L, int first, size_t count, struct rille_value *results) {
  size_t read = 0;
  while (read < count && rl_value_read(L, first + (int)read, &results[read]))
    read++;
  return read;
}

/* A table, mostly: C has no place for it. */
static void tell_unreadable(struct invocation *call, lua_State *L, int first, size_t index) {
  char text[200];
  snprintf(text, sizeof text,
           "result %zu of %.80s is a %s, which cannot go to C; rille.json makes text of tables",
           index + 1, call->name, luaL_typename(L, first + (int)index));
  tell_error(call, rille_text(text));
}

/* The results, which are the topmost values. */
static void succeed(struct invocation *call, lua_State *L, size_t count) {
  struct rl_heap *heap = &call->runtime->heap;
  struct rille_value *results = count > 0 ? rl_alloc(heap, count * sizeof *results) : NULL;
  int first = lua_gettop(L) - (int)count + 1;
  if (count > 0 && !results) {
    tell_error(call, rille_text("not enough memory"));
    return;
  }
  size_t read = read_results(L, first, count, results);
  if (read == count)
    tell(call, results, count);
  else
    tell_unreadable(call, L, first, read);
  rl_free(heap, results, count * sizeof *results);
}

static void drop(struct invocation *call) {
  rl_free(&call->runtime->heap, call, call->size);
}

/* It has ended: from now on nobody finds it. */
static void leave(struct invocation *call) {
  struct rl_invocations *all = &call->runtime->invocations;
  if (call->fiber)
    call->fiber->stop = NULL;
  call->fiber = NULL;
  pthread_mutex_lock(&all->lock);
  rl_list_remove(&call->link);
  bool awaits_cancellation = call->cancelled && !call->heard;
  pthread_mutex_unlock(&all->lock);
  if (!awaits_cancellation)
    drop(call);
}

static void ended(struct rl_fiber *fiber, lua_State *L, int status, int nresults) {
  struct invocation *call = fiber->owner;
  if (status == LUA_OK)
    succeed(call, L, (size_t)nresults);
  else
    fail(call, L);
  leave(call);
}

/* -- the call, inside its fiber -------------------------------------------------------------- */

/* [] -> [value]: of the module that the first `length` bytes of a name are. */
static void push_field(lua_State *L, const char *name, size_t length) {
  rl_require_push(L);
  lua_pushlstring(L, name, length);
  lua_call(L, 1, 1);
  if (lua_istable(L, -1))
    lua_getfield(L, -1, name + length + 1);
  else
    lua_pushnil(L);
  lua_remove(L, -2);
}

static void push_function(lua_State *L, const char *name) {
  const char *dot = strrchr(name, '.');
  if (dot)
    push_field(L, name, (size_t)(dot - name));
  else
    lua_getglobal(L, name);
  if (!lua_isfunction(L, -1))
    luaL_error(L, "%s is to be called, but is no function: %s", name, luaL_typename(L, -1));
}

static int returned(lua_State *L, int status, lua_KContext context) {
  (void)status, (void)context;
  return lua_gettop(L);
}

/* [light userdata invocation] -> [results..] */
static int run(lua_State *L) {
  const struct invocation *call = lua_touserdata(L, 1);
  lua_settop(L, 0);
  if (call->detached)
    lua_pushcfunction(L, rl_detach);
  push_function(L, call->name);
  rl_values_push(L, call->arguments, call->count);
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, returned);
  return returned(L, LUA_OK, 0);
}

/* -- the beginning ------------------------------------------------------------------------- */

/* [light userdata invocation] */
static int start(lua_State *L) {
  struct invocation *call = lua_touserdata(L, 1);
  struct rl_fiber *fiber = rl_fiber_new(L, ended, call);
  lua_pushcfunction(fiber->L, run);
  lua_pushlightuserdata(fiber->L, call);
  rl_fiber_start(fiber);
  fiber->stop = &call->cancelled;
  call->fiber = fiber;
  return 0;
}

static void arrive(struct rl_domain *here, struct rl_message *message) {
  struct invocation *call = RL_OF(message, struct invocation, message);
  lua_State *L = here->vm.L;
  if (rl_call_protected(L, start, call) == LUA_OK)
    return;
  fail(call, L);
  leave(call);
}

/* [light userdata invocation] */
static int cancel(lua_State *L) {
  const struct invocation *call = lua_touserdata(L, 1);
  lua_pushliteral(L, "cancelled");
  rl_fiber_cancel(L, call->fiber);
  return 0;
}

static void arrive_cancellation(struct rl_domain *here, struct rl_message *message) {
  struct invocation *call = RL_OF(message, struct invocation, cancellation);
  lua_State *L = here->vm.L;
  call->heard = true;
  rl_ticker_recalled(here->settings->ticker);
  if (!call->fiber) { /* it came too late */
    drop(call);
  } else if (rl_call_protected(L, cancel, call) != LUA_OK) {
    lua_pop(L, 1);
    rl_fiber_end(call->fiber); /* for another reason, which needs no memory */
  }
}

/* Under the lock, so that a cancellation comes after what it cancels. */
static void hand_over(struct invocation *call) {
  struct rille *runtime = call->runtime;
  pthread_mutex_lock(&runtime->invocations.lock);
  rl_list_push(&runtime->invocations.all, &call->link);
  rl_mailbox_push(&runtime->first.domain.mailbox, &call->message);
  pthread_mutex_unlock(&runtime->invocations.lock);
  rl_guest_stay(runtime);
}

/* Sends what `call` says, with the name and the arguments copied; 0, or -1 without memory. */
static int post(const struct invocation *call, const struct rille_value *arguments) {
  struct rille *runtime = call->runtime;
  size_t name_size = strlen(call->name) + 1;
  size_t size = sizeof *call + rl_values_size(arguments, call->count) + name_size;
  struct invocation *sent = rl_alloc(&runtime->heap, size);
  if (!sent)
    return -1;
  *sent = *call;
  sent->message.arrive = arrive;
  sent->cancellation.arrive = arrive_cancellation;
  rl_list_init(&sent->link);
  sent->size = size;
  char *name = rl_values_copy(arguments, call->count, sent->arguments);
  sent->name = memcpy(name, call->name, name_size);
  hand_over(sent);
  return 0;
}

int rille_call(rille_t *runtime, const char *name, const struct rille_value *arguments,
               size_t count, rille_done *done, void *context) {
  struct invocation call = {
      .runtime = runtime, .done = done, .context = context, .name = name, .count = count};
  return post(&call, arguments);
}

int rille_detach(rille_t *runtime, const char *name, const struct rille_value *arguments,
                 size_t count, rille_done *done, void *context) {
  struct invocation call = {.runtime = runtime,
                            .detached = true,
                            .done = done,
                            .context = context,
                            .name = name,
                            .count = count};
  return post(&call, arguments);
}

static bool is_meant(const struct invocation *call, rille_done *done, const void *context) {
  return call->done == done && call->context == context && !call->cancelled;
}

int rille_cancel(rille_t *runtime, rille_done *done, void *context) {
  struct rl_list *all = &runtime->invocations.all;
  int count = 0;
  pthread_mutex_lock(&runtime->invocations.lock);
  for (struct rl_list *at = all->next; at != all; at = at->next) {
    struct invocation *call = RL_OF(at, struct invocation, link);
    if (!is_meant(call, done, context))
      continue;
    atomic_store(&call->cancelled, true);
    rl_ticker_recall(&runtime->ticker); /* before its message, which takes it back */
    rl_mailbox_push(&runtime->first.domain.mailbox, &call->cancellation);
    count++;
  }
  pthread_mutex_unlock(&runtime->invocations.lock);
  return count;
}
