/* io/mailbox.h: order, and that no message is left lying while its owner sleeps. */
#include "check.h"

#include "io/mailbox.h"

enum { SENDERS = 4, MESSAGES = 20000 };

struct letter {
  struct rl_message message; /* first */
  int sender, number;
};

struct sender {
  uv_thread_t thread;
  struct rl_mailbox *mailbox;
  struct letter letters[MESSAGES];
};

struct owner {
  struct rl_mailbox mailbox;
  int next[SENDERS]; /* the number expected of each */
  int taken;
};

static void woken(uv_async_t *wake) {
  (void)wake;
}

static void send_all(void *argument) {
  struct sender *sender = argument;
  for (int i = 0; i < MESSAGES; i++)
    rl_mailbox_push(sender->mailbox, &sender->letters[i].message);
}

static void take_all(struct owner *owner) {
  struct rl_message *message = rl_mailbox_take(&owner->mailbox);
  while (message) {
    struct letter *letter = (struct letter *)(void *)message;
    message = message->next;
    assert_int_equal(letter->number, owner->next[letter->sender]++);
    owner->taken++;
  }
}

static void an_empty_mailbox_gives_nothing(void **state) {
  (void)state;
  uv_loop_t loop;
  struct rl_mailbox mailbox;
  assert_int_equal(uv_loop_init(&loop), 0);
  assert_int_equal(rl_mailbox_open(&mailbox, &loop, woken), 0);
  assert_true(rl_mailbox_empty(&mailbox));
  assert_null(rl_mailbox_take(&mailbox));
  uv_close((uv_handle_t *)&mailbox.wake, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&loop), 0);
}

static void messages_come_in_the_order_of_their_pushes(void **state) {
  (void)state;
  uv_loop_t loop;
  struct owner owner = {.taken = 0};
  struct letter letters[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
  assert_int_equal(uv_loop_init(&loop), 0);
  assert_int_equal(rl_mailbox_open(&owner.mailbox, &loop, woken), 0);
  for (int i = 0; i < 3; i++)
    rl_mailbox_push(&owner.mailbox, &letters[i].message);
  assert_false(rl_mailbox_empty(&owner.mailbox));
  take_all(&owner);
  assert_int_equal(owner.taken, 3);
  uv_close((uv_handle_t *)&owner.mailbox.wake, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&loop), 0);
}

/* The owner polls without a time limit each time: one lost wake-up and this test never ends. */
static void nothing_is_lost_between_busy_senders_and_a_sleepy_owner(void **state) {
  (void)state;
  uv_loop_t loop;
  struct owner owner = {.taken = 0};
  struct sender *senders = calloc(SENDERS, sizeof *senders);
  assert_non_null(senders);
  assert_int_equal(uv_loop_init(&loop), 0);
  assert_int_equal(rl_mailbox_open(&owner.mailbox, &loop, woken), 0);
  for (int s = 0; s < SENDERS; s++) {
    senders[s].mailbox = &owner.mailbox;
    for (int i = 0; i < MESSAGES; i++)
      senders[s].letters[i] = (struct letter){.sender = s, .number = i};
    assert_int_equal(uv_thread_create(&senders[s].thread, send_all, &senders[s]), 0);
  }
  while (owner.taken < SENDERS * MESSAGES) {
    rl_mailbox_sleep(&owner.mailbox, true);
    if (rl_mailbox_empty(&owner.mailbox))
      uv_run(&loop, UV_RUN_ONCE);
    rl_mailbox_sleep(&owner.mailbox, false);
    take_all(&owner);
  }
  for (int s = 0; s < SENDERS; s++)
    uv_thread_join(&senders[s].thread);
  assert_true(rl_mailbox_empty(&owner.mailbox));
  uv_close((uv_handle_t *)&owner.mailbox.wake, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&loop), 0);
  free(senders);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_mailbox_gives_nothing),
      cmocka_unit_test(messages_come_in_the_order_of_their_pushes),
      cmocka_unit_test(nothing_is_lost_between_busy_senders_and_a_sleepy_owner),
  };
  return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
