/* Inbox: see the header. */
#include "domain/inbox.h"

#include "domain/task.h"

void rl_inbox_init(struct rl_inbox *inbox) {
  atomic_init(&inbox->newest, NULL);
  atomic_init(&inbox->count, 0);
  atomic_init(&inbox->room, 0);
  atomic_init(&inbox->looking, 0);
  atomic_init(&inbox->brief, 0);
}

/* Whether somebody will come for the last of so many tasks. */
static bool is_promised(const struct rl_inbox *inbox, unsigned count, uint64_t now) {
  return count <= atomic_load(&inbox->room) &&
         (count <= atomic_load(&inbox->looking) || now < atomic_load(&inbox->brief));
}

bool rl_inbox_put(struct rl_inbox *inbox, struct rl_task *task, bool *alone) {
  uint64_t now = task->submitted;
  unsigned count = atomic_fetch_add_explicit(&inbox->count, 1, memory_order_relaxed) + 1;
  if (!is_promised(inbox, count, now)) {
    atomic_fetch_sub_explicit(&inbox->count, 1, memory_order_relaxed);
    return false;
  }
  struct rl_message *newest = atomic_load_explicit(&inbox->newest, memory_order_relaxed);
  do
    task->message.next = newest;
  while (!atomic_compare_exchange_weak(&inbox->newest, &newest, &task->message));
  *alone = !is_promised(inbox, count, now);
  return true;
}

struct rl_message *rl_inbox_take(struct rl_inbox *inbox) {
  if (!atomic_load(&inbox->newest))
    return NULL;
  struct rl_message *newest = atomic_exchange(&inbox->newest, NULL), *oldest = NULL;
  unsigned count = 0;
  for (struct rl_message *before; newest; newest = before, count++) {
    before = newest->next;
    newest->next = oldest;
    oldest = newest;
  }
  atomic_fetch_sub_explicit(&inbox->count, count, memory_order_relaxed);
  return oldest;
}
