/* base/list.h: order, removal, moving. */
#include "check.h"

#include "base/list.h"

struct thing {
  int number;
  struct rl_list link;
};

static int take(struct rl_list *list) {
  struct rl_list *link = rl_list_take(list);
  return link ? RL_OF(link, struct thing, link)->number : 0;
}

static void a_new_list_is_empty(void **state) {
  (void)state;
  struct rl_list list;
  rl_list_init(&list);
  assert_true(rl_list_empty(&list));
  assert_null(rl_list_take(&list));
}

static void things_leave_in_the_order_they_came(void **state) {
  (void)state;
  struct rl_list list;
  struct thing things[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
  rl_list_init(&list);
  for (int i = 0; i < 3; i++)
    rl_list_push(&list, &things[i].link);
  assert_int_equal(take(&list), 1);
  assert_int_equal(take(&list), 2);
  assert_int_equal(take(&list), 3);
  assert_true(rl_list_empty(&list));
}

static void a_thing_leaves_from_the_middle_and_may_leave_twice(void **state) {
  (void)state;
  struct rl_list list;
  struct thing things[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
  rl_list_init(&list);
  for (int i = 0; i < 3; i++)
    rl_list_push(&list, &things[i].link);
  rl_list_remove(&things[1].link);
  rl_list_remove(&things[1].link);
  assert_int_equal(take(&list), 1);
  assert_int_equal(take(&list), 3);
  assert_true(rl_list_empty(&list));
}

static void moving_appends_and_empties(void **state) {
  (void)state;
  struct rl_list list, from;
  struct thing things[4] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
  rl_list_init(&list);
  rl_list_init(&from);
  rl_list_move(&list, &from);
  assert_true(rl_list_empty(&list));
  rl_list_push(&list, &things[0].link);
  for (int i = 1; i < 4; i++)
    rl_list_push(&from, &things[i].link);
  rl_list_move(&list, &from);
  assert_true(rl_list_empty(&from));
  for (int i = 1; i <= 4; i++)
    assert_int_equal(take(&list), i);
  assert_true(rl_list_empty(&list));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_list_is_empty),
      cmocka_unit_test(things_leave_in_the_order_they_came),
      cmocka_unit_test(a_thing_leaves_from_the_middle_and_may_leave_twice),
      cmocka_unit_test(moving_appends_and_empties),
  };
  return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
