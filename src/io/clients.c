/* Clients: a hash table of lists, under a lock that is held for a few instructions. */
#include "io/clients.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

enum { FEWEST = 16 }; /* slots */

struct key {
  unsigned char address[16]; /* IPv4 in its mapped form */
  uint16_t port;
};

struct rl_client {
  struct rl_client *next; /* in the same slot */
  struct key key;
  unsigned connections;
};

void rl_clients_init(struct rl_clients *clients, struct rl_heap *heap) {
  *clients = (struct rl_clients){.heap = heap};
  pthread_mutex_init(&clients->lock, NULL);
  if (getrandom(&clients->seed, sizeof clients->seed, GRND_NONBLOCK) < 0)
    clients->seed = (uint64_t)(size_t)clients; /* early in the life of a machine */
}

void rl_clients_free(struct rl_clients *clients) {
  assert(clients->count == 0);
  rl_free(clients->heap, clients->slots, clients->capacity * sizeof *clients->slots);
  pthread_mutex_destroy(&clients->lock);
}

static struct key key_of(const union rl_endpoint *peer, uint16_t port) {
  static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
  struct key key;
  memset(&key, 0, sizeof key);
  key.port = port;
  if (peer->any.sa_family == AF_INET) {
    memcpy(key.address, mapped, sizeof mapped);
    memcpy(key.address + sizeof mapped, &peer->in.sin_addr, 4);
  } else {
    bool whole = IN6_IS_ADDR_V4MAPPED(&peer->in6.sin6_addr);
    memcpy(key.address, &peer->in6.sin6_addr, whole ? 16 : 8);
  }
  return key;
}

bool rl_clients_is_loopback(const union rl_endpoint *peer) {
  if (peer->any.sa_family == AF_INET)
    return ntohl(peer->in.sin_addr.s_addr) >> 24 == 127;
  const struct in6_addr *address = &peer->in6.sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(address) ||
         (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

/* -- under the lock ------------------------------------------------------------------------ */

static struct rl_client **slot_of(const struct rl_clients *clients, const struct key *key) {
  uint64_t hash = XXH3_64bits_withSeed(key, sizeof *key, clients->seed);
  return &clients->slots[hash & (clients->capacity - 1)];
}

static int grow(struct rl_clients *clients) {
  struct rl_clients larger = *clients;
  larger.capacity = clients->capacity ? clients->capacity * 2 : FEWEST;
  larger.slots = rl_zalloc(clients->heap, larger.capacity * sizeof *larger.slots);
  if (!larger.slots)
    return -1;
  for (size_t i = 0; i < clients->capacity; i++)
    for (struct rl_client *client = clients->slots[i], *next; client; client = next) {
      struct rl_client **slot = slot_of(&larger, &client->key);
      next = client->next;
      client->next = *slot;
      *slot = client;
    }
  rl_free(clients->heap, clients->slots, clients->capacity * sizeof *clients->slots);
  clients->slots = larger.slots;
  clients->capacity = larger.capacity;
  return 0;
}

static struct rl_client *find(struct rl_clients *clients, const struct key *key) {
  struct rl_client *client = clients->capacity ? *slot_of(clients, key) : NULL;
  while (client && memcmp(&client->key, key, sizeof *key) != 0)
    client = client->next;
  return client;
}

static struct rl_client *add(struct rl_clients *clients, const struct key *key) {
  if (clients->count >= clients->capacity && grow(clients) != 0 && clients->capacity == 0)
    return NULL;
  struct rl_client *client = rl_zalloc(clients->heap, sizeof *client);
  if (!client)
    return NULL;
  struct rl_client **slot = slot_of(clients, key);
  client->key = *key;
  client->next = *slot;
  *slot = client;
  clients->count++;
  return client;
}

static void drop(struct rl_clients *clients, struct rl_client *client) {
  struct rl_client **at = slot_of(clients, &client->key);
  while (*at != client)
    at = &(*at)->next;
  *at = client->next;
  clients->count--;
  rl_free(clients->heap, client, sizeof *client);
}

/* -- what others call ---------------------------------------------------------------------- */

struct rl_client *rl_clients_enter(struct rl_clients *clients, const union rl_endpoint *peer,
                                   uint16_t port, unsigned limit) {
  struct key key = key_of(peer, port);
  pthread_mutex_lock(&clients->lock);
  struct rl_client *client = find(clients, &key);
  if (!client && limit > 0)
    client = add(clients, &key);
  if (client && client->connections >= limit)
    client = NULL;
  if (client)
    client->connections++;
  pthread_mutex_unlock(&clients->lock);
  return client;
}

void rl_clients_leave(struct rl_clients *clients, struct rl_client *client) {
  pthread_mutex_lock(&clients->lock);
  if (--client->connections == 0)
    drop(clients, client);
  pthread_mutex_unlock(&clients->lock);
}
