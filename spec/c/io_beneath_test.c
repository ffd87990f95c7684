/* io/beneath.h: no way out of a directory, with openat2 and without. */
#include "folder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "io/beneath.h"

static struct folder folder;

/*   secret            outside
 *   root/a/b/file     and links to it, to its folder, and to the secret */
static int make(void **state) {
  (void)state;
  folder_make(&folder);
  folder_write(&folder, "secret", "secret");
  folder_folder(&folder, "root");
  folder_folder(&folder, "root/a");
  folder_folder(&folder, "root/a/b");
  folder_write(&folder, "root/a/b/file", "file");
  folder_link(&folder, "a/b/file", "root/inside");
  folder_link(&folder, "../a", "root/a/up");
  folder_link(&folder, "../secret", "root/out");
  folder_link(&folder, "..", "root/parent");
  folder_link(&folder, "/etc/passwd", "root/absolute");
  folder_link(&folder, "loop", "root/loop");
  folder_link(&folder, "nothing", "root/dangling");
  folder_link(&folder, "/proc/self/root", "root/magic");
  return 0;
}

static int clean(void **state) {
  (void)state;
  folder_remove(&folder);
  return 0;
}

static struct rl_beneath beneath;

static void begin(bool links, bool stepwise) {
  assert_int_equal(rl_beneath_open(&beneath, folder_at(&folder, "root"), links), 0);
  beneath.stepwise = stepwise;
}

/* What is read, or an error. */
static int reads(const char *path, char text[16]) {
  int fd = rl_beneath_find(&beneath, path);
  if (fd < 0)
    return fd;
  ssize_t size = read(fd, text, 15);
  assert_true(size >= 0);
  text[size] = 0;
  return close(fd);
}

static void check_reads(const char *path) {
  char text[16];
  assert_int_equal(reads(path, text), 0);
  assert_string_equal(text, "file");
}

static void check_fails(const char *path) {
  int fd = rl_beneath_find(&beneath, path);
  if (fd >= 0)
    fail_msg("%s was opened", path);
}

static void check_no_way_out(void) {
  static const char *const out[] = {"out",         "absolute",       "parent/secret",
                                    "../secret",   "a/../../secret", "magic",
                                    "magic/etc",   "/etc/passwd",    "//etc/passwd",
                                    "..",          "a/../..",        "loop",
                                    "dangling",    "parent",         "a/b/../../../secret",
                                    "./../secret", "a/b/file/..",    "a/b/file/",
                                    "nothing",     "a/nothing/b",    "a/./../../secret"};
  for (size_t i = 0; i < sizeof out / sizeof *out; i++)
    check_fails(out[i]);
}

static void what_is_inside_is_opened(void **state) {
  (void)state;
  for (int stepwise = 0; stepwise < 2; stepwise++) {
    begin(false, stepwise);
    check_reads("a/b/file");
    check_reads("./a//b/./file");
    int fd = rl_beneath_find(&beneath, "");
    assert_true(fd >= 0);
    close(fd);
    fd = rl_beneath_find(&beneath, "a/");
    assert_true(fd >= 0);
    close(fd);
    rl_beneath_close(&beneath);
  }
}

static void nothing_outside_is(void **state) {
  (void)state;
  for (int mode = 0; mode < 4; mode++) {
    begin(mode & 1, mode & 2);
    check_no_way_out();
    rl_beneath_close(&beneath);
  }
}

static void links_inside_are_followed_when_wanted(void **state) {
  (void)state;
  begin(true, false);
  if (!beneath.stepwise) {
    check_reads("inside");
    check_reads("a/up/b/file");
  }
  rl_beneath_close(&beneath);
  for (int mode = 1; mode < 4; mode++) {
    begin(mode == 2, mode >= 2);
    check_fails("inside");
    check_fails("a/up/b/file");
    rl_beneath_close(&beneath);
  }
}

static void names_may_be_long(void **state) {
  (void)state;
  char name[8192];
  for (int stepwise = 0; stepwise < 2; stepwise++) {
    begin(true, stepwise);
    memset(name, 'x', sizeof name);
    for (size_t size = 254; size <= 257; size++) {
      name[size] = 0;
      check_fails(name);
      name[size] = 'x';
    }
    name[sizeof name - 1] = 0;
    assert_int_equal(rl_beneath_find(&beneath, name), UV_ENAMETOOLONG);
    rl_beneath_close(&beneath);
  }
}

static void a_pipe_does_not_block(void **state) {
  (void)state;
  assert_int_equal(mkfifo(folder_at(&folder, "root/pipe"), 0644), 0);
  for (int stepwise = 0; stepwise < 2; stepwise++) {
    begin(true, stepwise);
    int fd = rl_beneath_find(&beneath, "pipe");
    assert_true(fd >= 0);
    close(fd);
    rl_beneath_close(&beneath);
  }
}

/* Exchanges a folder and a link that leads outside, over and over. */
static void *exchange(void *over) {
  int fd = open(folder.path, O_PATH | O_DIRECTORY);
  while (!atomic_load((atomic_bool *)over))
    renameat2(fd, "root/swap", fd, "swap", RENAME_EXCHANGE);
  close(fd);
  return NULL;
}

static void nor_while_somebody_renames(void **state) {
  (void)state;
  atomic_bool over = false;
  pthread_t other;
  char text[16];
  folder_folder(&folder, "root/swap");
  folder_write(&folder, "root/swap/secret", "file");
  folder_link(&folder, "..", "swap"); /* leads outside once it stands in the root */
  assert_int_equal(pthread_create(&other, NULL, exchange, &over), 0);
  for (int mode = 0; mode < 4; mode++) {
    int found = 0;
    begin(mode & 1, mode & 2);
    for (int i = 0; i < 20000; i++)
      if (reads("swap/secret", text) == 0) {
        assert_string_equal(text, "file");
        found++;
      }
    assert_true(found > 0);
    rl_beneath_close(&beneath);
  }
  atomic_store(&over, true);
  pthread_join(other, NULL);
}

static void a_missing_directory_is_an_error(void **state) {
  (void)state;
  assert_int_equal(rl_beneath_open(&beneath, folder_at(&folder, "none"), true), UV_ENOENT);
  assert_int_equal(rl_beneath_open(&beneath, folder_at(&folder, "secret"), true), UV_ENOTDIR);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_inside_is_opened),
      cmocka_unit_test(nothing_outside_is),
      cmocka_unit_test(links_inside_are_followed_when_wanted),
      cmocka_unit_test(names_may_be_long),
      cmocka_unit_test(a_pipe_does_not_block),
      cmocka_unit_test(nor_while_somebody_renames),
      cmocka_unit_test(a_missing_directory_is_an_error),
  };
  return cmocka_run_group_tests(tests, make, clean);
}
