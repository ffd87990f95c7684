/* io/spool.h: a file that is written by other threads. */
#include "folder.h"

#include "io/spool.h"

static struct rl_heap heap;
static struct folder folder;
static uv_loop_t loop;
static struct rl_errands errands = {.loop = &loop};
static int descriptors, calls;

static int make(void **state) {
  (void)state;
  rl_heap_init(&heap);
  folder_make(&folder);
  return uv_loop_init(&loop);
}

static int clean(void **state) {
  (void)state;
  folder_remove(&folder);
  assert_int_equal(errands.out, 0);
  return uv_loop_close(&loop);
}

static void on_done(struct rl_spool *spool) {
  assert_ptr_equal(spool->owner, &heap);
  calls++;
}

static struct rl_slice text(const char *bytes) {
  return (struct rl_slice){bytes, strlen(bytes)};
}

/* Each waits for what it began. */
static struct rl_spool *begin(const char *name) {
  descriptors = folder_descriptors();
  calls = 0;
  struct rl_spool *spool =
      rl_spool_create(&errands, &heap, text(folder_at(&folder, name)), 0600, on_done, &heap);
  assert_non_null(spool);
  rl_spool_open(spool);
  uv_run(&loop, UV_RUN_DEFAULT);
  return spool;
}

static void put(struct rl_spool *spool, const char *bytes) {
  rl_spool_write(spool, text(bytes));
  uv_run(&loop, UV_RUN_DEFAULT);
}

static void end(struct rl_spool *spool) {
  rl_spool_drop(spool);
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(atomic_load(&heap.blocks), 0);
  assert_int_equal(folder_descriptors(), descriptors);
}

static void assert_content(const char *path, const char *expected) {
  char found[64] = "";
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  assert_true(fread(found, 1, sizeof found - 1, file) < sizeof found);
  fclose(file);
  assert_string_equal(found, expected);
}

static void holds_what_was_written_until_it_is_dropped(void **state) {
  (void)state;
  char path[PATH_MAX];
  struct rl_spool *spool = begin("a-");
  put(spool, "one ");
  put(spool, "");
  put(spool, "two");
  rl_spool_close(spool);
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(calls, 5);
  assert_int_equal(spool->error, 0);
  assert_int_equal(spool->size, 7);
  snprintf(path, sizeof path, "%s", spool->path);
  assert_content(path, "one two");
  end(spool);
  assert_int_not_equal(access(path, F_OK), 0);
  assert_int_equal(calls, 5);
}

static void stays_where_it_was_moved(void **state) {
  (void)state;
  char path[PATH_MAX], target[PATH_MAX];
  folder_fill(&folder, "old", "old", 3);
  snprintf(target, sizeof target, "%s", folder_at(&folder, "old"));
  struct rl_spool *spool = begin("b-");
  snprintf(path, sizeof path, "%s", spool->path);
  put(spool, "new");
  assert_content(target, "old");
  rl_spool_move(spool, text(target));
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(spool->error, 0);
  end(spool);
  assert_content(target, "new");
  assert_int_not_equal(access(path, F_OK), 0);
}

static void is_removed_when_dropped_at_any_moment(void **state) {
  (void)state;
  for (int step = 0; step < 4; step++) {
    char path[PATH_MAX];
    struct rl_spool *spool = begin("c-");
    snprintf(path, sizeof path, "%s", spool->path);
    if (step == 1)
      rl_spool_write(spool, text("bytes"));
    else if (step == 2)
      rl_spool_close(spool);
    else if (step == 3)
      rl_spool_move(spool, text(folder_at(&folder, "missing/x")));
    end(spool);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(calls, 1);
  }
}

static void says_what_the_system_says(void **state) {
  (void)state;
  struct rl_spool *spool = begin("missing/d-");
  assert_int_equal(spool->error, UV_ENOENT);
  end(spool);
  spool = begin("e-");
  rl_spool_move(spool, text(folder_at(&folder, "missing/e")));
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(spool->error, UV_ENOENT);
  end(spool);
}

#ifdef RILLE_FAULTS
static void lives_without_memory(void **state) {
  (void)state;
  struct rl_slice name = text(folder_at(&folder, "f-"));
  for (int n = 1; n <= 2; n++) {
    atomic_store(&heap.fail_in, n);
    assert_null(rl_spool_create(&errands, &heap, name, 0600, on_done, &heap));
  }
  atomic_store(&heap.fail_in, 0);
  struct rl_spool *spool = begin("f-");
  atomic_store(&heap.fail_in, 1);
  put(spool, "bytes");
  assert_int_equal(spool->error, UV_ENOMEM);
  atomic_store(&heap.fail_in, 1);
  rl_spool_move(spool, name);
  uv_run(&loop, UV_RUN_DEFAULT);
  atomic_store(&heap.fail_in, 0);
  assert_int_equal(spool->error, UV_ENOMEM);
  end(spool);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(holds_what_was_written_until_it_is_dropped),
      cmocka_unit_test(stays_where_it_was_moved),
      cmocka_unit_test(is_removed_when_dropped_at_any_moment),
      cmocka_unit_test(says_what_the_system_says),
#ifdef RILLE_FAULTS
      cmocka_unit_test(lives_without_memory),
#endif
  };
  return cmocka_run_group_tests(tests, make, clean);
}
