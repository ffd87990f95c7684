/* List: a doubly linked ring whose links live inside the things it holds. A head that points to
 * itself is empty; a link that points to itself is in no list. Nothing is ever allocated. */
#ifndef RL_BASE_LIST_H
#define RL_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct rl_list {
  struct rl_list *next, *previous;
};

/* The thing of type `type` that embeds `link` as its field `field`. */
#define RL_OF(link, type, field) ((type *)(void *)((char *)(link)-offsetof(type, field)))

static inline void rl_list_init(struct rl_list *list) {
  list->next = list->previous = list;
}

static inline bool rl_list_empty(const struct rl_list *list) {
  return list->next == list;
}

static inline void rl_list_push(struct rl_list *list, struct rl_list *link) {
  link->previous = list->previous;
  link->next = list;
  list->previous->next = link;
  list->previous = link;
}

/* Takes a link out of whichever list it is in, if any. */
static inline void rl_list_remove(struct rl_list *link) {
  link->previous->next = link->next;
  link->next->previous = link->previous;
  rl_list_init(link);
}

/* The first link, taken out; NULL when the list is empty. */
static inline struct rl_list *rl_list_take(struct rl_list *list) {
  struct rl_list *first = list->next;
  if (first == list)
    return NULL;
  rl_list_remove(first);
  return first;
}

/* Moves all of `from` to the end of `list`. */
static inline void rl_list_move(struct rl_list *list, struct rl_list *from) {
  if (rl_list_empty(from))
    return;
  from->next->previous = list->previous;
  list->previous->next = from->next;
  from->previous->next = list;
  list->previous = from->previous;
  rl_list_init(from);
}

#endif
