/* Ports: a list under a lock, which is held while a socket is opened or closed: loops do that a few
 * times in their lives. */
#include "io/ports.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "io/bound.h"

struct rl_port {
  struct rl_list link;
  struct rl_address asked;
  unsigned turn; /* of port 0: the how manieth of its loops; else 0 */
  bool alone;
  struct rl_bound bound;
  struct rl_list members; /* never empty once it is in the list */
};

struct turn {
  struct rl_list link;
  struct rl_address asked;
  const void *loop;
  unsigned count;
};

void rl_ports_init(struct rl_ports *ports, struct rl_heap *heap) {
  pthread_mutex_init(&ports->lock, NULL);
  ports->heap = heap;
  rl_list_init(&ports->open);
  rl_list_init(&ports->turns);
}

void rl_ports_free(struct rl_ports *ports) {
  assert(rl_list_empty(&ports->open));
  for (struct rl_list *link; (link = rl_list_take(&ports->turns));)
    rl_free(ports->heap, RL_OF(link, struct turn, link), sizeof(struct turn));
  pthread_mutex_destroy(&ports->lock);
}

/* -- under the lock ------------------------------------------------------------------------ */

static struct turn *find_turn(struct rl_ports *ports, const void *loop,
                              const struct rl_address *asked) {
  for (struct rl_list *at = ports->turns.next; at != &ports->turns; at = at->next) {
    struct turn *turn = RL_OF(at, struct turn, link);
    if (turn->loop == loop && rl_address_equal(&turn->asked, asked))
      return turn;
  }
  struct turn *turn = rl_zalloc(ports->heap, sizeof *turn);
  if (!turn)
    return NULL;
  turn->loop = loop;
  turn->asked = *asked;
  rl_list_push(&ports->turns, &turn->link);
  return turn;
}

/* The how manieth of its kind a new listener is: in `number`. */
static int count_turn(struct rl_ports *ports, const void *loop, const struct rl_ports_wish *wish,
                      unsigned *number) {
  *number = 0;
  if (wish->alone || wish->address.kind != RL_ADDRESS_IP || wish->address.port != 0)
    return 0;
  struct turn *turn = find_turn(ports, loop, &wish->address);
  if (!turn)
    return UV_ENOMEM;
  *number = ++turn->count;
  return 0;
}

/* Of port 0 the one whose turn it is; of any other the one that is there, however it came about. */
static bool fits(const struct rl_port *port, const struct rl_address *asked, unsigned turn) {
  if (port->alone)
    return false;
  if (turn > 0)
    return port->turn == turn && rl_address_equal(&port->asked, asked);
  return rl_address_equal(&port->bound.address, asked);
}

static struct rl_port *find(struct rl_ports *ports, const struct rl_address *asked, unsigned turn) {
  for (struct rl_list *at = ports->open.next; at != &ports->open; at = at->next) {
    struct rl_port *port = RL_OF(at, struct rl_port, link);
    if (fits(port, asked, turn))
      return port;
  }
  return NULL;
}

static bool has_member(const struct rl_port *port, const void *loop) {
  for (struct rl_list *at = port->members.next; at != &port->members; at = at->next)
    if (RL_OF(at, struct rl_member, link)->loop == loop)
      return true;
  return false;
}

/* The descriptor, or an error. */
static int join(struct rl_port *port, const void *loop, int backlog) {
  if (has_member(port, loop))
    return UV_EADDRINUSE;
  int first = RL_OF(port->members.next, struct rl_member, link)->fd;
  return rl_bound_join(&port->bound, first, backlog);
}

static struct rl_port *claim(struct rl_ports *ports, const struct rl_ports_wish *wish,
                             unsigned turn, int *fd) {
  struct rl_port *port = rl_zalloc(ports->heap, sizeof *port);
  *fd = port ? rl_bound_claim(&port->bound, &wish->address, wish->backlog) : UV_ENOMEM;
  if (*fd < 0) {
    if (port)
      rl_free(ports->heap, port, sizeof *port);
    return NULL;
  }
  port->asked = wish->address;
  port->turn = turn;
  port->alone = wish->alone;
  rl_list_init(&port->members);
  rl_list_push(&ports->open, &port->link);
  return port;
}

static int enter(struct rl_ports *ports, struct rl_member *member, const void *loop,
                 const struct rl_ports_wish *wish) {
  unsigned turn;
  int fd = count_turn(ports, loop, wish, &turn);
  if (fd < 0)
    return fd;
  struct rl_port *port = wish->alone ? NULL : find(ports, &wish->address, turn);
  if (port)
    fd = join(port, loop, wish->backlog);
  else
    port = claim(ports, wish, turn, &fd);
  if (fd < 0)
    return fd;
  *member = (struct rl_member){.port = port, .loop = loop, .fd = fd};
  rl_list_push(&port->members, &member->link);
  return 0;
}

/* -- what others call ---------------------------------------------------------------------- */

int rl_ports_enter(struct rl_ports *ports, struct rl_member *member, const void *loop,
                   const struct rl_ports_wish *wish, struct rl_address *real) {
  pthread_mutex_lock(&ports->lock);
  int status = enter(ports, member, loop, wish);
  if (status == 0)
    *real = member->port->bound.address;
  pthread_mutex_unlock(&ports->lock);
  return status;
}

void rl_ports_leave(struct rl_ports *ports, struct rl_member *member) {
  struct rl_port *port = member->port;
  pthread_mutex_lock(&ports->lock);
  rl_list_remove(&member->link);
  bool last = rl_list_empty(&port->members);
  if (last) {
    rl_bound_remove(&port->bound);
    rl_list_remove(&port->link);
  }
  close(member->fd);
  pthread_mutex_unlock(&ports->lock);
  if (last)
    rl_free(ports->heap, port, sizeof *port);
}
