/* Mailbox: see the header for the protocol. */
#include "io/mailbox.h"

int rl_mailbox_open(struct rl_mailbox *mailbox, uv_loop_t *loop, uv_async_cb woken) {
  atomic_init(&mailbox->top, NULL);
  atomic_init(&mailbox->sleeping, false);
  return uv_async_init(loop, &mailbox->wake, woken);
}

void rl_mailbox_wake(struct rl_mailbox *mailbox) {
  /* The plain load first: a domain that works is not disturbed by a locked instruction. */
  if (atomic_load(&mailbox->sleeping) && atomic_exchange(&mailbox->sleeping, false))
    uv_async_send(&mailbox->wake);
}

void rl_mailbox_push(struct rl_mailbox *mailbox, struct rl_message *message) {
  struct rl_message *top = atomic_load_explicit(&mailbox->top, memory_order_relaxed);
  do
    message->next = top;
  while (!atomic_compare_exchange_weak(&mailbox->top, &top, message));
  rl_mailbox_wake(mailbox);
}

struct rl_message *rl_mailbox_take(struct rl_mailbox *mailbox) {
  if (rl_mailbox_empty(mailbox))
    return NULL;
  struct rl_message *newest = atomic_exchange(&mailbox->top, NULL), *oldest = NULL;
  while (newest) {
    struct rl_message *next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  return oldest;
}
