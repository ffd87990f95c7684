/* domain/queue.h: each rule alone, then random operations beside a naive queue that scans a list.
 */
#include "check.h"

#include <stdio.h>

#include "domain/queue.h"

#define SECOND UINT64_C(1000000000)

struct thing {
  struct rl_entry entry;
  int number;
};

static int take(struct rl_queue *queue) {
  struct rl_entry *entry = rl_queue_take(queue);
  return entry ? RL_OF(entry, struct thing, entry)->number : 0;
}

static void push(struct rl_queue *queue, struct thing *thing, int number, struct rl_group *group,
                 uint64_t since, uint64_t deadline) {
  *thing = (struct thing){.number = number,
                          .entry = {.group = group,
                                    .since = since,
                                    .deadline = deadline,
                                    .latest = deadline,
                                    .estimate = 10}};
  rl_queue_push(queue, &thing->entry);
}

struct line {
  struct rl_lane lane;
  struct rl_group group;
};

static void init_line(struct line *line, enum rl_level level, unsigned max) {
  rl_lane_init(&line->lane, level);
  rl_group_init(&line->group, &line->lane, max);
}

/* -- rules alone -------------------------------------------------------------------------- */

static void what_has_no_group_leaves_in_its_order(void **state) {
  (void)state;
  struct rl_queue queue;
  struct thing things[3];
  rl_queue_init(&queue);
  for (int i = 0; i < 3; i++)
    push(&queue, &things[i], i + 1, NULL, (uint64_t)i, 0);
  assert_int_equal(rl_queue_ready(&queue), 3);
  for (int i = 1; i <= 3; i++)
    assert_int_equal(take(&queue), i);
  assert_int_equal(take(&queue), 0);
  assert_int_equal(queue.length, 0);
}

static void levels_are_strict(void **state) {
  (void)state;
  struct rl_queue queue;
  struct line high, low;
  struct thing things[3];
  rl_queue_init(&queue);
  init_line(&high, RL_LEVEL_HIGH, 0);
  init_line(&low, RL_LEVEL_LOW, 0);
  push(&queue, &things[0], 1, &low.group, 1, 0);
  push(&queue, &things[1], 2, NULL, 2, 0);
  push(&queue, &things[2], 3, &high.group, 3, 0);
  assert_int_equal(take(&queue), 3);
  assert_int_equal(take(&queue), 2);
  assert_int_equal(take(&queue), 1);
}

static void an_entry_rises_a_level_for_each_patience_that_it_waits(void **state) {
  (void)state;
  struct rl_queue queue;
  struct line high, low;
  struct thing things[3];
  rl_queue_init(&queue);
  init_line(&high, RL_LEVEL_HIGH, 0);
  init_line(&low, RL_LEVEL_LOW, 0);
  push(&queue, &things[0], 1, &low.group, 1, 0);
  push(&queue, &things[1], 2, &high.group, 2 * RL_QUEUE_PATIENCE + 2, 0);
  push(&queue, &things[2], 3, NULL, RL_QUEUE_PATIENCE + 3, 0);
  assert_int_equal(take(&queue), 1);
  assert_int_equal(take(&queue), 2);
  assert_int_equal(take(&queue), 3);
}

static void the_earliest_deadline_goes_first(void **state) {
  (void)state;
  struct rl_queue queue;
  struct thing things[4];
  rl_queue_init(&queue);
  push(&queue, &things[0], 1, NULL, 1, 0);
  push(&queue, &things[1], 2, NULL, 2, SECOND / 2);
  push(&queue, &things[2], 3, NULL, 3, SECOND / 4);
  push(&queue, &things[3], 4, NULL, 4, 9 * SECOND);
  assert_int_equal(take(&queue), 3);
  assert_int_equal(take(&queue), 2);
  assert_int_equal(take(&queue), 1);
  assert_int_equal(take(&queue), 4);
}

static void keys_take_turns(void **state) {
  (void)state;
  struct rl_queue queue;
  struct line many, few;
  struct thing things[6];
  rl_queue_init(&queue);
  init_line(&many, RL_LEVEL_NORMAL, 0);
  init_line(&few, RL_LEVEL_NORMAL, 0);
  for (int i = 0; i < 4; i++)
    push(&queue, &things[i], i + 1, &many.group, (uint64_t)i, 0);
  push(&queue, &things[4], 5, &few.group, 4, 0);
  push(&queue, &things[5], 6, &few.group, 5, 0);
  int expected[] = {1, 5, 2, 6, 3, 4};
  for (int i = 0; i < 6; i++)
    assert_int_equal(take(&queue), expected[i]);
}

static void a_group_has_no_more_out_than_its_maximum(void **state) {
  (void)state;
  struct rl_queue queue;
  struct line line;
  struct thing things[4];
  rl_queue_init(&queue);
  init_line(&line, RL_LEVEL_HIGH, 2);
  for (int i = 0; i < 3; i++)
    push(&queue, &things[i], i + 1, &line.group, (uint64_t)i, 0);
  push(&queue, &things[3], 4, NULL, 9, 0);
  assert_int_equal(rl_queue_ready(&queue), 3);
  assert_int_equal(queue.length, 4);
  assert_int_equal(take(&queue), 1);
  assert_int_equal(take(&queue), 2);
  assert_int_equal(take(&queue), 4);
  assert_int_equal(take(&queue), 0);
  rl_queue_ended(&queue, &things[1].entry, 10);
  assert_int_equal(take(&queue), 3);
}

static void an_entry_begins_to_age_when_its_group_has_room(void **state) {
  (void)state;
  struct rl_queue queue;
  struct line low;
  struct thing things[3];
  rl_queue_init(&queue);
  init_line(&low, RL_LEVEL_LOW, 1);
  push(&queue, &things[0], 1, &low.group, 1, 0);
  push(&queue, &things[1], 2, &low.group, 2, 0);
  assert_int_equal(take(&queue), 1);
  rl_queue_ended(&queue, &things[0].entry, 10 * RL_QUEUE_PATIENCE);
  push(&queue, &things[2], 3, NULL, 9 * RL_QUEUE_PATIENCE, 0);
  assert_int_equal(take(&queue), 3);
  assert_int_equal(take(&queue), 2);
}

static void of_equal_turns_the_higher_level_goes_first(void **state) {
  (void)state;
  struct rl_queue queue;
  struct line high;
  struct thing things[2];
  rl_queue_init(&queue);
  init_line(&high, RL_LEVEL_HIGH, 0);
  push(&queue, &things[0], 1, NULL, 5, 0);
  push(&queue, &things[1], 2, &high.group, 5 + RL_QUEUE_PATIENCE, 0);
  assert_int_equal(take(&queue), 2);
}

static void what_leaves_the_middle_makes_room_in_its_group(void **state) {
  (void)state;
  struct rl_queue queue;
  struct line line;
  struct thing things[3];
  rl_queue_init(&queue);
  init_line(&line, RL_LEVEL_NORMAL, 1);
  for (int i = 0; i < 3; i++)
    push(&queue, &things[i], i + 1, &line.group, (uint64_t)i, 0);
  rl_queue_remove(&queue, &things[1].entry, 5);
  assert_int_equal(rl_queue_ready(&queue), 1);
  rl_queue_remove(&queue, &things[0].entry, 5);
  assert_int_equal(take(&queue), 3);
  assert_int_equal(queue.length, 0);
}

static void the_expired_are_found_wherever_they_are(void **state) {
  (void)state;
  struct rl_queue queue;
  struct line line;
  struct thing things[3];
  rl_queue_init(&queue);
  init_line(&line, RL_LEVEL_LOW, 1);
  for (int i = 0; i < 3; i++)
    push(&queue, &things[i], i + 1, &line.group, 1, SECOND - (uint64_t)i);
  assert_null(rl_queue_expired(&queue, SECOND - 3));
  assert_ptr_equal(rl_queue_expired(&queue, SECOND - 2), &things[2].entry);
  rl_queue_remove(&queue, &things[2].entry, SECOND);
  assert_ptr_equal(rl_queue_expired(&queue, SECOND), &things[1].entry);
}

static void everything_can_be_taken_out(void **state) {
  (void)state;
  struct rl_queue queue;
  struct line line;
  struct thing things[4];
  rl_queue_init(&queue);
  init_line(&line, RL_LEVEL_NORMAL, 1);
  for (int i = 0; i < 4; i++)
    push(&queue, &things[i], i + 1, &line.group, (uint64_t)i, i == 3 ? SECOND : 0);
  for (int i = 0; i < 4; i++)
    assert_non_null(rl_queue_take_any(&queue));
  assert_null(rl_queue_take_any(&queue));
  for (int i = 0; i < 4; i++)
    rl_queue_ended(&queue, &things[i].entry, 9);
  assert_int_equal(line.group.out, 0);
  assert_int_equal(line.group.work, 0);
}

static void the_work_ahead_is_that_of_higher_levels_and_of_as_many_turns(void **state) {
  (void)state;
  struct rl_queue queue;
  struct line high, key;
  struct thing things[12];
  rl_queue_init(&queue);
  init_line(&high, RL_LEVEL_HIGH, 0);
  init_line(&key, RL_LEVEL_NORMAL, 0);
  assert_int_equal(rl_queue_ahead(&queue, NULL), 0);
  push(&queue, &things[0], 1, &high.group, 1, 0);
  for (int i = 1; i < 11; i++)
    push(&queue, &things[i], i + 1, NULL, 1, 0);
  assert_int_equal(rl_queue_ahead(&queue, &high.group), 10);
  assert_int_equal(rl_queue_ahead(&queue, NULL), 110);
  push(&queue, &things[11], 12, &key.group, 1, 0);
  assert_int_equal(rl_queue_ahead(&queue, &key.group), 30);
  assert_int_equal(rl_queue_ahead(&queue, NULL), 120);
}

/* -- beside a naive queue ------------------------------------------------------------------ */

enum { THINGS = 60, LANES = 6, GROUPS = 12, STEPS = 200 };

/* Entries in the order in which they came to where they are; the rings as arrays. */
struct model {
  struct thing *queued[THINGS]; /* in order of coming */
  int count;
  struct thing *eligible[THINGS]; /* in the order in which they entered their lane */
  int ready;
  struct rl_lane *ring[RL_LEVELS][LANES + 1];
  int lanes[RL_LEVELS];
};

struct trial {
  struct rl_queue queue;
  struct model model;
  struct rl_lane lanes[LANES];
  struct rl_group groups[GROUPS];
  unsigned out[GROUPS]; /* the model's count */
  struct thing things[THINGS];
  uint64_t now, seed;
};

static unsigned draw(struct trial *t, unsigned below) {
  t->seed = t->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (unsigned)(t->seed >> 33) % below;
}

static struct rl_lane *lane_of(struct trial *t, const struct thing *thing) {
  return thing->entry.group ? thing->entry.group->lane : &t->queue.levels[RL_LEVEL_NORMAL].keyless;
}

static void erase(struct thing **list, int *count, const struct thing *thing) {
  int at = 0;
  while (at < *count && list[at] != thing)
    at++;
  assert_true(at < *count);
  memmove(&list[at], &list[at + 1], (size_t)(*count - at - 1) * sizeof *list);
  --*count;
}

static bool is_eligible(const struct model *m, const struct thing *thing) {
  for (int i = 0; i < m->ready; i++)
    if (m->eligible[i] == thing)
      return true;
  return false;
}

static int in_lane(struct trial *t, const struct rl_lane *lane) {
  int count = 0;
  for (int i = 0; i < t->model.ready; i++)
    count += lane_of(t, t->model.eligible[i]) == lane;
  return count;
}

static void leave_ring(struct model *m, const struct rl_lane *lane) {
  int at = 0, *lanes = &m->lanes[lane->level];
  while (m->ring[lane->level][at] != lane)
    at++;
  memmove(&m->ring[lane->level][at], &m->ring[lane->level][at + 1],
          (size_t)(*lanes - at - 1) * sizeof(struct rl_lane *));
  --*lanes;
}

static void model_enter(struct trial *t, struct thing *thing) {
  struct model *m = &t->model;
  struct rl_lane *lane = lane_of(t, thing);
  if (in_lane(t, lane) == 0)
    m->ring[lane->level][m->lanes[lane->level]++] = lane;
  m->eligible[m->ready++] = thing;
  if (thing->entry.group)
    t->out[thing->entry.group - t->groups]++;
}

static bool model_room(struct trial *t, const struct rl_group *group) {
  return !group || group->max == 0 || t->out[group - t->groups] < group->max;
}

static void model_push(struct trial *t, struct thing *thing) {
  t->model.queued[t->model.count++] = thing;
  if (model_room(t, thing->entry.group))
    model_enter(t, thing);
}

static void model_release(struct trial *t, struct rl_group *group) {
  for (int i = 0; i < t->model.count && model_room(t, group); i++) {
    struct thing *thing = t->model.queued[i];
    if (thing->entry.group == group && !is_eligible(&t->model, thing))
      model_enter(t, thing);
  }
}

static void model_leave(struct trial *t, struct thing *thing) {
  struct rl_lane *lane = lane_of(t, thing);
  erase(t->model.eligible, &t->model.ready, thing);
  if (in_lane(t, lane) == 0)
    leave_ring(&t->model, lane);
}

static void model_remove(struct trial *t, struct thing *thing) {
  struct rl_group *group = thing->entry.group;
  erase(t->model.queued, &t->model.count, thing);
  if (!is_eligible(&t->model, thing))
    return;
  model_leave(t, thing);
  if (!group)
    return;
  t->out[group - t->groups]--;
  model_release(t, group);
}

/* When it is due among those of its lane. */
static uint64_t due(const struct thing *thing) {
  const struct rl_entry *entry = &thing->entry;
  return entry->deadline ? entry->deadline : entry->since + RL_QUEUE_PATIENCE;
}

static struct thing *model_head(struct trial *t, const struct rl_lane *lane) {
  struct thing *best = NULL, *oldest = NULL;
  for (int i = 0; i < t->model.ready; i++) {
    struct thing *thing = t->model.eligible[i];
    if (lane_of(t, thing) != lane)
      continue;
    if (!thing->entry.deadline) /* first in, first out, whatever their age */
      oldest = oldest ? oldest : thing;
    else if (!best || due(thing) < due(best))
      best = thing;
  }
  return !best || (oldest && due(oldest) < due(best)) ? oldest : best;
}

static struct thing *model_take(struct trial *t) {
  struct thing *best = NULL;
  for (unsigned level = 0; level < RL_LEVELS; level++) {
    if (t->model.lanes[level] == 0)
      continue;
    struct thing *head = model_head(t, t->model.ring[level][0]);
    if (!best || head->entry.since + level * RL_QUEUE_PATIENCE <
                     best->entry.since + lane_of(t, best)->level * RL_QUEUE_PATIENCE)
      best = head;
  }
  if (!best)
    return NULL;
  struct rl_lane *lane = lane_of(t, best);
  erase(t->model.queued, &t->model.count, best);
  model_leave(t, best);
  if (in_lane(t, lane) > 0) {
    leave_ring(&t->model, lane);
    t->model.ring[lane->level][t->model.lanes[lane->level]++] = lane;
  }
  return best;
}

/* -- steps --------------------------------------------------------------------------------- */

static void step_push(struct trial *t) {
  struct thing *thing = &t->things[draw(t, THINGS)];
  struct rl_entry *entry = &thing->entry;
  if (entry->place != RL_PLACE_NONE)
    return;
  unsigned group = draw(t, GROUPS + 4);
  entry->group = group < GROUPS ? &t->groups[group] : NULL;
  entry->since = t->now;
  /* Deadlines differ, for which of two equal ones goes first is open. */
  entry->deadline = draw(t, 3) == 0 ? t->now + draw(t, 3000) * SECOND / 1000 + 1 : 0;
  entry->latest = entry->deadline - draw(t, 2) * SECOND / 10;
  entry->estimate = draw(t, 1000);
  model_push(t, thing);
  rl_queue_push(&t->queue, entry);
}

static void step_take(struct trial *t) {
  struct thing *expected = model_take(t);
  struct rl_entry *entry = rl_queue_take(&t->queue);
  assert_ptr_equal(entry, expected ? &expected->entry : NULL);
}

static void step_end(struct trial *t) {
  struct thing *thing = &t->things[draw(t, THINGS)];
  struct rl_group *group = thing->entry.group;
  if (thing->entry.place != RL_PLACE_OUT)
    return;
  rl_queue_ended(&t->queue, &thing->entry, t->now);
  if (!group)
    return;
  t->out[group - t->groups]--;
  model_release(t, group);
}

static void step_remove(struct trial *t) {
  struct thing *thing = &t->things[draw(t, THINGS)];
  if (!rl_queue_holds(&thing->entry))
    return;
  model_remove(t, thing);
  rl_queue_remove(&t->queue, &thing->entry, t->now);
}

static void step_expire(struct trial *t) {
  uint64_t earliest = UINT64_MAX;
  for (int i = 0; i < t->model.count; i++) {
    const struct rl_entry *entry = &t->model.queued[i]->entry;
    if (entry->deadline && entry->latest <= t->now && entry->latest < earliest)
      earliest = entry->latest;
  }
  struct rl_entry *entry = rl_queue_expired(&t->queue, t->now);
  assert_int_equal(entry ? entry->latest : UINT64_MAX, earliest);
  if (!entry)
    return;
  model_remove(t, RL_OF(entry, struct thing, entry));
  rl_queue_remove(&t->queue, entry, t->now);
}

static void check_sums(struct trial *t) {
  uint64_t work[RL_LEVELS] = {0};
  for (int i = 0; i < t->model.ready; i++)
    work[lane_of(t, t->model.eligible[i])->level] += t->model.eligible[i]->entry.estimate;
  for (int level = 0; level < RL_LEVELS; level++)
    assert_int_equal(t->queue.levels[level].work, work[level]);
  for (int i = 0; i < GROUPS; i++)
    assert_int_equal(t->groups[i].out, t->out[i]);
  assert_int_equal(rl_queue_ready(&t->queue), t->model.ready);
  assert_int_equal(t->queue.length, t->model.count);
}

static void run_trial(uint64_t seed) {
  static void (*const steps[])(struct trial *) = {step_push, step_push,   step_push,
                                                  step_take, step_take,   step_end,
                                                  step_end,  step_remove, step_expire};
  static struct trial t;
  memset(&t, 0, sizeof t);
  t.seed = seed;
  t.now = SECOND;
  rl_queue_init(&t.queue);
  for (int i = 0; i < LANES; i++)
    rl_lane_init(&t.lanes[i], (enum rl_level)(i % RL_LEVELS));
  for (int i = 0; i < GROUPS; i++)
    rl_group_init(&t.groups[i], &t.lanes[draw(&t, LANES)], draw(&t, 4));
  for (int step = 0; step < STEPS; step++) {
    t.now += 1 + draw(&t, 1000) * (SECOND / 10000);
    steps[draw(&t, sizeof steps / sizeof *steps)](&t);
    check_sums(&t);
  }
}

static void it_does_what_a_naive_queue_does(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 5000; seed++)
    run_trial(seed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_has_no_group_leaves_in_its_order),
      cmocka_unit_test(levels_are_strict),
      cmocka_unit_test(an_entry_rises_a_level_for_each_patience_that_it_waits),
      cmocka_unit_test(the_earliest_deadline_goes_first),
      cmocka_unit_test(keys_take_turns),
      cmocka_unit_test(a_group_has_no_more_out_than_its_maximum),
      cmocka_unit_test(an_entry_begins_to_age_when_its_group_has_room),
      cmocka_unit_test(of_equal_turns_the_higher_level_goes_first),
      cmocka_unit_test(what_leaves_the_middle_makes_room_in_its_group),
      cmocka_unit_test(the_expired_are_found_wherever_they_are),
      cmocka_unit_test(everything_can_be_taken_out),
      cmocka_unit_test(the_work_ahead_is_that_of_higher_levels_and_of_as_many_turns),
      cmocka_unit_test(it_does_what_a_naive_queue_does),
  };
  return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
