/* base/cores.h: control groups, tried on made-up ones in a temporary folder. */
#include "check.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cores.h"

static char root[] = "/tmp/rille-cores-XXXXXX";

static void write_file(const char *name, const char *text) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", root, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static void make_directory(const char *name) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", root, name);
  assert_int_equal(mkdir(path, 0700), 0);
}

/* One mount of type `type` whose root is `from`, at root/`at`. */
static void write_mount(const char *from, const char *at, const char *type) {
  char line[2 * PATH_MAX];
  snprintf(line, sizeof line,
           "22 1 8:1 / / rw - ext4 /dev/root rw\n"
           "36 25 0:31 %s %s/%s rw,relatime shared:9 - %s\n",
           from, root, at, type);
  write_file("mountinfo", line);
}

static double granted(void) {
  char mountinfo[PATH_MAX], cgroup[PATH_MAX];
  snprintf(mountinfo, sizeof mountinfo, "%s/mountinfo", root);
  snprintf(cgroup, sizeof cgroup, "%s/cgroup", root);
  return rl_cores_granted(mountinfo, cgroup);
}

static int make_root(void **state) {
  (void)state;
  return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
  (void)state;
  char command[PATH_MAX + 16];
  snprintf(command, sizeof command, "rm -r '%s'", root);
  return system(command);
}

static void no_control_groups_set_no_bound(void **state) {
  (void)state;
  assert_true(granted() == 0);
}

static void version_2_counts_every_level(void **state) {
  (void)state;
  make_directory("two");
  make_directory("two/app");
  make_directory("two/app/leaf");
  write_mount("/", "two", "cgroup2 cgroup2 rw");
  write_file("cgroup", "1:cpu:/other\n0::/app/leaf\n");
  assert_true(granted() == 0);
  write_file("two/app/leaf/cpu.max", "max 100000\n");
  assert_true(granted() == 0);
  write_file("two/app/cpu.max", "150000 100000\n");
  assert_true(granted() == 1.5);
  write_file("two/app/leaf/cpu.max", "300000 100000\n");
  assert_true(granted() == 1.5);
  write_file("two/cpu.max", "50000 100000\n");
  assert_true(granted() == 0.5);
}

static void version_2_in_a_container_of_its_own(void **state) {
  (void)state;
  make_directory("container");
  write_mount("/", "container", "cgroup2 cgroup2 rw");
  write_file("cgroup", "0::/\n");
  write_file("container/cpu.max", "250000 100000\n");
  assert_true(granted() == 2.5);
}

static void version_1_with_part_of_the_hierarchy_mounted(void **state) {
  (void)state;
  make_directory("one");
  make_directory("one/leaf");
  write_mount("/docker/abc", "one", "cgroup cgroup rw,cpuacct,cpu");
  write_file("cgroup", "5:cpuset:/nowhere\n4:cpu,cpuacct:/docker/abc/leaf\n");
  write_file("one/cpu.cfs_quota_us", "-1\n");
  write_file("one/cpu.cfs_period_us", "100000\n");
  assert_true(granted() == 0);
  write_file("one/leaf/cpu.cfs_quota_us", "75000\n");
  write_file("one/leaf/cpu.cfs_period_us", "50000\n");
  assert_true(granted() == 1.5);
}

static void version_1_without_the_controller_is_passed_by(void **state) {
  (void)state;
  write_mount("/docker/abc", "one", "cgroup cgroup rw,cpuset");
  assert_true(granted() == 0);
}

static void affinity_bounds_what_is_usable(void **state) {
  (void)state;
  cpu_set_t before, one;
  assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
  assert_in_range(rl_cores_usable(), 1, CPU_COUNT(&before));
  size_t first = 0;
  while (!CPU_ISSET(first, &before))
    first++;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
  assert_int_equal(rl_cores_usable(), 1);
  assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_control_groups_set_no_bound),
      cmocka_unit_test(version_2_counts_every_level),
      cmocka_unit_test(version_2_in_a_container_of_its_own),
      cmocka_unit_test(version_1_with_part_of_the_hierarchy_mounted),
      cmocka_unit_test(version_1_without_the_controller_is_passed_by),
      cmocka_unit_test(affinity_bounds_what_is_usable),
  };
  return cmocka_run_group_tests_name("cores", tests, make_root, remove_root);
}
