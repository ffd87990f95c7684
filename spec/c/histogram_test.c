/* base/histogram.h: quantiles within 1/16, merging. */
#include "check.h"

#include "base/histogram.h"

static void check_near(uint64_t value, uint64_t wanted) {
  assert_in_range(value, wanted, wanted + wanted / 16);
}

static void an_empty_one_says_zero(void **state) {
  (void)state;
  struct rl_histogram histogram;
  rl_histogram_init(&histogram);
  assert_int_equal(rl_histogram_quantile(&histogram, 0.5), 0);
}

static void small_values_are_exact(void **state) {
  (void)state;
  struct rl_histogram histogram;
  rl_histogram_init(&histogram);
  for (uint64_t value = 1; value <= 10; value++)
    rl_histogram_record(&histogram, value);
  assert_int_equal(rl_histogram_quantile(&histogram, 0), 0);
  assert_int_equal(rl_histogram_quantile(&histogram, 0.1), 1);
  assert_int_equal(rl_histogram_quantile(&histogram, 0.5), 5);
  assert_int_equal(rl_histogram_quantile(&histogram, 1), 10);
}

static void any_single_value_is_found_within_a_sixteenth(void **state) {
  (void)state;
  for (unsigned shift = 0; shift < 46; shift++)
    for (uint64_t extra = 0; extra < 3; extra++) {
      struct rl_histogram histogram;
      uint64_t value = ((uint64_t)1 << shift) + extra * (((uint64_t)1 << shift) / 3);
      rl_histogram_init(&histogram);
      rl_histogram_record(&histogram, value);
      rl_histogram_record(&histogram, UINT64_C(1) << 50);
      check_near(rl_histogram_quantile(&histogram, 0.5), value);
    }
}

static void quantiles_of_many_values(void **state) {
  (void)state;
  struct rl_histogram histogram;
  rl_histogram_init(&histogram);
  for (uint64_t value = 1; value <= 100000; value++)
    rl_histogram_record(&histogram, value * 1000);
  check_near(rl_histogram_quantile(&histogram, 0.5), 50000000);
  check_near(rl_histogram_quantile(&histogram, 0.9), 90000000);
  check_near(rl_histogram_quantile(&histogram, 0.99), 99000000);
  assert_int_equal(rl_histogram_quantile(&histogram, 1), 100000000);
  assert_int_equal(atomic_load(&histogram.count), 100000);
  assert_int_equal(atomic_load(&histogram.total), UINT64_C(5000050000000));
}

static void no_value_is_too_great(void **state) {
  (void)state;
  struct rl_histogram histogram;
  rl_histogram_init(&histogram);
  rl_histogram_record(&histogram, UINT64_MAX);
  assert_int_equal(atomic_load(&histogram.max), UINT64_MAX);
  assert_int_equal(atomic_load(&histogram.count), 1);
  assert_true(rl_histogram_quantile(&histogram, 0.5) > UINT64_C(1) << 46);
}

static void merging_adds(void **state) {
  (void)state;
  struct rl_histogram low, high;
  rl_histogram_init(&low);
  rl_histogram_init(&high);
  for (int i = 0; i < 90; i++)
    rl_histogram_record(&low, 10);
  for (int i = 0; i < 10; i++)
    rl_histogram_record(&high, 1 << 20);
  rl_histogram_merge(&low, &high);
  assert_int_equal(atomic_load(&low.count), 100);
  assert_int_equal(atomic_load(&low.max), 1 << 20);
  assert_int_equal(rl_histogram_quantile(&low, 0.9), 10);
  assert_int_equal(rl_histogram_quantile(&low, 0.91), 1 << 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_one_says_zero),
      cmocka_unit_test(small_values_are_exact),
      cmocka_unit_test(any_single_value_is_found_within_a_sixteenth),
      cmocka_unit_test(quantiles_of_many_values),
      cmocka_unit_test(no_value_is_too_great),
      cmocka_unit_test(merging_adds),
  };
  return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
