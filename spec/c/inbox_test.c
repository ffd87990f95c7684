/* The inbox of a pool: what may come by it, in which order it leaves, and that no task is lost
 * while promises come and go. */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "domain/inbox.h"
#include "domain/task.h"

enum { SENDERS = 3, TASKS = 20000, ROUNDS = 40, NOW = 1000 };

static bool put(struct rl_inbox *inbox, struct rl_task *task) {
  bool alone = true;
  task->submitted = NOW;
  bool in = rl_inbox_put(inbox, task, &alone);
  assert_true(!in || !alone);
  return in;
}

static void takes_nothing_that_nobody_will_look_for(void **state) {
  (void)state;
  struct rl_inbox inbox;
  struct rl_task task = {.submitted = 0};
  rl_inbox_init(&inbox);
  assert_false(put(&inbox, &task));
  atomic_store(&inbox.looking, 1); /* but there is no room */
  assert_false(put(&inbox, &task));
  atomic_store(&inbox.looking, 0);
  atomic_store(&inbox.room, 10); /* room, but nobody looks */
  assert_false(put(&inbox, &task));
  assert_true(rl_inbox_empty(&inbox));
  assert_int_equal(atomic_load(&inbox.count), 0);
}

static void takes_one_for_each_domain_that_looks(void **state) {
  (void)state;
  struct rl_inbox inbox;
  struct rl_task tasks[3] = {{.submitted = 0}};
  rl_inbox_init(&inbox);
  atomic_store(&inbox.room, 10);
  atomic_store(&inbox.looking, 2);
  assert_true(put(&inbox, &tasks[0]));
  assert_true(put(&inbox, &tasks[1]));
  assert_false(put(&inbox, &tasks[2]));
}

static void takes_any_number_for_one_that_will_be_back_soon(void **state) {
  (void)state;
  struct rl_inbox inbox;
  struct rl_task tasks[5] = {{.submitted = 0}};
  rl_inbox_init(&inbox);
  atomic_store(&inbox.room, 4);
  atomic_store(&inbox.brief, NOW);
  assert_false(put(&inbox, &tasks[0])); /* it would have been back by now */
  atomic_store(&inbox.brief, NOW + 1);
  for (int i = 0; i < 4; i++)
    assert_true(put(&inbox, &tasks[i]));
  assert_false(put(&inbox, &tasks[4])); /* no more room */
}

static void gives_the_oldest_first(void **state) {
  (void)state;
  struct rl_inbox inbox;
  struct rl_task tasks[3] = {{.submitted = 0}};
  rl_inbox_init(&inbox);
  assert_null(rl_inbox_take(&inbox));
  atomic_store(&inbox.room, 10);
  atomic_store(&inbox.looking, 3);
  for (int i = 0; i < 3; i++)
    assert_true(put(&inbox, &tasks[i]));
  struct rl_message *message = rl_inbox_take(&inbox);
  for (int i = 0; i < 3; i++, message = message->next)
    assert_ptr_equal(message, &tasks[i].message);
  assert_null(message);
  assert_true(rl_inbox_empty(&inbox));
  assert_int_equal(atomic_load(&inbox.count), 0);
}

/* -- with threads ----------------------------------------------------------------------------- */

struct trial {
  struct rl_inbox inbox;
  pthread_mutex_t lock;
  long taken;      /* under the lock */
  unsigned asleep; /* the same: how often the taker relied on the inbox being empty */
  atomic_int sending;
};

/* Under the lock. */
static void empty(struct trial *trial) {
  for (struct rl_message *at = rl_inbox_take(&trial->inbox); at; at = at->next)
    trial->taken++;
}

/* What is refused it keeps; what is alone it sees to. */
static void *send_all(void *argument) {
  struct trial *trial = argument;
  struct rl_task *tasks = calloc(TASKS, sizeof *tasks);
  assert_non_null(tasks);
  for (int i = 0; i < TASKS; i++) {
    bool alone = false, in = rl_inbox_put(&trial->inbox, &tasks[i], &alone);
    if (in && !alone)
      continue;
    pthread_mutex_lock(&trial->lock);
    if (in)
      empty(trial);
    else
      trial->taken++;
    pthread_mutex_unlock(&trial->lock);
  }
  atomic_fetch_sub(&trial->sending, 1);
  return tasks;
}

/* Without a promise nothing stays there: what comes in late, its sender sees to. */
static bool becomes_empty(const struct rl_inbox *inbox) {
  for (int tries = 0; tries < 5000; tries++) {
    if (rl_inbox_empty(inbox))
      return true;
    usleep(1000);
  }
  return false;
}

static void give_promises(struct trial *trial) {
  while (atomic_load(&trial->sending) > 0) {
    pthread_mutex_lock(&trial->lock);
    atomic_store(&trial->inbox.looking, 2);
    pthread_mutex_unlock(&trial->lock);
    sched_yield();
    pthread_mutex_lock(&trial->lock);
    atomic_store(&trial->inbox.looking, 0);
    empty(trial);
    pthread_mutex_unlock(&trial->lock);
    assert_true(becomes_empty(&trial->inbox));
  }
}

static void try_promises(void) {
  struct trial trial = {.lock = PTHREAD_MUTEX_INITIALIZER};
  rl_inbox_init(&trial.inbox);
  atomic_store(&trial.inbox.room, 1000);
  atomic_init(&trial.sending, SENDERS);
  pthread_t threads[SENDERS];
  for (int i = 0; i < SENDERS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, send_all, &trial), 0);
  give_promises(&trial);
  void *tasks[SENDERS];
  for (int i = 0; i < SENDERS; i++)
    assert_int_equal(pthread_join(threads[i], &tasks[i]), 0);
  assert_int_equal(trial.taken, (long)SENDERS * TASKS);
  assert_true(rl_inbox_empty(&trial.inbox));
  assert_int_equal(atomic_load(&trial.inbox.count), 0);
  for (int i = 0; i < SENDERS; i++)
    free(tasks[i]);
}

static void loses_no_task_while_promises_come_and_go(void **state) {
  (void)state;
  for (int i = 0; i < ROUNDS; i++)
    try_promises();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_nothing_that_nobody_will_look_for),
      cmocka_unit_test(takes_one_for_each_domain_that_looks),
      cmocka_unit_test(takes_any_number_for_one_that_will_be_back_soon),
      cmocka_unit_test(gives_the_oldest_first),
      cmocka_unit_test(loses_no_task_while_promises_come_and_go),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
