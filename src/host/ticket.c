/* Ticket: see the header. */
#include "host/ticket.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "domain/domain.h"
#include "domain/fiber.h"
#include "host/value.h"
#include "vm/call.h"

struct rille_ticket {
  atomic_uint references; /* the host's, and the domain's */

  pthread_mutex_t lock;
  struct rl_domain *domain; /* whose fiber waits; NULL once it is decided how the call ends */

  /* of the one who has decided, then on the domain's thread */
  struct rl_message message;
  struct rille_value *results; /* owned, with their bytes */
  size_t count;
  bool failed; /* the only result is an error */

  /* domain's thread */
  struct rl_wait wait;
  void (*cancelled)(void *context);
  void *context;
};

/* -- life ---------------------------------------------------------------------------------- */

struct rille_ticket *rl_ticket_new(struct rl_domain *domain, void (*cancelled)(void *context),
                                   void *context) {
  struct rille_ticket *ticket = calloc(1, sizeof *ticket);
  if (!ticket)
    return NULL;
  atomic_init(&ticket->references, 2);
  pthread_mutex_init(&ticket->lock, NULL);
  ticket->domain = domain;
  ticket->cancelled = cancelled;
  ticket->context = context;
  return ticket;
}

static void let_go(struct rille_ticket *ticket) {
  if (atomic_fetch_sub(&ticket->references, 1) > 1)
    return;
  pthread_mutex_destroy(&ticket->lock);
  free(ticket->results);
  free(ticket);
}

/* -- the domain's end ------------------------------------------------------------------------ */

/* The fiber is cancelled. If the call is completed already, that is to arrive yet. */
static void undo(struct rl_wait *wait) {
  struct rille_ticket *ticket = RL_OF(wait, struct rille_ticket, wait);
  pthread_mutex_lock(&ticket->lock);
  struct rl_domain *domain = ticket->domain;
  ticket->domain = NULL;
  pthread_mutex_unlock(&ticket->lock);
  if (!domain)
    return;
  rl_domain_handed_back(domain);
  if (ticket->cancelled)
    ticket->cancelled(ticket->context);
  let_go(ticket);
}

static void arrive(struct rl_domain *here, struct rl_message *message) {
  struct rille_ticket *ticket = RL_OF(message, struct rille_ticket, message);
  pthread_mutex_lock(&ticket->lock); /* until whoever sent this has left the mailbox */
  pthread_mutex_unlock(&ticket->lock);
  rl_domain_handed_back(here);
  if (rl_wait_pending(&ticket->wait))
    rl_wake(&ticket->wait, 0);
  else
    let_go(ticket);
}

/* Inside the fiber. */
static int finish(lua_State *L, int status, lua_KContext context) {
  struct rille_ticket *ticket = (struct rille_ticket *)context;
  bool failed = ticket->failed;
  size_t count = ticket->count;
  status = rl_values_push_protected(L, ticket->results, count);
  let_go(ticket);
  if (failed && count == 0)
    lua_pushliteral(L, "the host has given the call up");
  return status != LUA_OK || failed ? rl_raise_here(L) : (int)count;
}

int rl_ticket_park(lua_State *L, struct rille_ticket *ticket, const char *what) {
  rl_fiber_running(L)->what = what;
  rl_domain_hand_out(rl_domain_of(L));
  return rl_park(L, &ticket->wait, undo, finish, (lua_KContext)ticket);
}

/* -- the host's end -------------------------------------------------------------------------- */

/* Takes the results, which are a block of their own; false if it came too late. */
static bool complete(struct rille_ticket *ticket, struct rille_value *results, size_t count,
                     bool failed) {
  pthread_mutex_lock(&ticket->lock);
  struct rl_domain *domain = ticket->domain;
  if (domain) {
    ticket->domain = NULL;
    ticket->results = results;
    ticket->count = count;
    ticket->failed = failed;
    ticket->message.arrive = arrive;
    rl_mailbox_push(&domain->mailbox, &ticket->message);
  }
  pthread_mutex_unlock(&ticket->lock);
  return domain;
}

static int complete_with_copy(struct rille_ticket *ticket, const struct rille_value *values,
                              size_t count, bool failed) {
  struct rille_value *copy = NULL;
  if (count > 0) {
    copy = malloc(rl_values_size(values, count));
    if (!copy)
      return -1;
    rl_values_copy(values, count, copy);
  }
  if (complete(ticket, copy, count, failed))
    return 0;
  free(copy);
  return 1;
}

int rille_resume(struct rille_ticket *ticket, const struct rille_value *results, size_t count) {
  return complete_with_copy(ticket, results, count, false);
}

int rille_resume_error(struct rille_ticket *ticket, const char *message) {
  struct rille_value error = rille_text(message);
  return complete_with_copy(ticket, &error, 1, true);
}

void rille_release(struct rille_ticket *ticket) {
  if (!ticket)
    return;
  complete(ticket, NULL, 0, true);
  let_go(ticket);
}
