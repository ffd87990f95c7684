/* io/log_writer.h: threads that log, and what the lines go to: a file, a pipe that nobody reads, a
 * full disk. */
#include "check.h"
#include "folder.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/log.h"
#include "io/log_writer.h"

enum { THREADS = 4, LINES = 2000 };

struct trial {
  struct folder folder;
  struct rl_log log;
  struct rl_log_writer writer;
};

static void begin(struct trial *trial) {
  folder_make(&trial->folder);
  rl_log_init(&trial->log);
  rl_log_writer_init(&trial->writer, &trial->log);
  trial->log.write = rl_log_writer_put;
  trial->log.context = &trial->writer;
}

static void end(struct trial *trial) {
  folder_remove(&trial->folder);
}

static void open_at(struct trial *trial, const char *name) {
  assert_int_equal(rl_log_writer_open(&trial->writer, folder_at(&trial->folder, name)), 0);
}

/* What a file holds; valid until the next one. */
static const char *content(struct trial *trial, const char *name) {
  static char text[4 << 20];
  FILE *file = fopen(folder_at(&trial->folder, name), "r");
  if (!file)
    return NULL;
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  return text;
}

static void *log_many(void *argument) {
  struct trial *trial = argument;
  for (int i = 0; i < LINES; i++)
    rl_log_line(&trial->log, RL_LOG_INFO, "line %04d of a thread", i);
  return NULL;
}

/* How many lines there are, each of which must be whole. */
static int count_lines(const char *text) {
  int lines = 0;
  for (; *text; text += 22, lines++) {
    assert_memory_equal(text, "line ", 5);
    assert_memory_equal(text + 9, " of a thread\n", 13);
  }
  return lines;
}

static void run_threads(struct trial *trial, void *(*meanwhile)(struct trial *trial)) {
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, log_many, trial), 0);
  meanwhile(trial);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
}

static void *nothing(struct trial *trial) {
  return trial;
}

static void many_threads_tear_no_line(void **state) {
  (void)state;
  static struct trial trial;
  begin(&trial);
  open_at(&trial, "log");
  run_threads(&trial, nothing);
  rl_log_writer_destroy(&trial.writer);
  assert_int_equal(rl_log_writer_lost(&trial.writer), 0);
  assert_int_equal(count_lines(content(&trial, "log")), THREADS * LINES);
  end(&trial);
}

static void *rotate(struct trial *trial) {
  char from[PATH_MAX], to[16];
  strcpy(from, folder_at(&trial->folder, "log"));
  for (int i = 0; i < 5; i++) {
    rl_log_writer_flush(&trial->writer);
    snprintf(to, sizeof to, "log.%d", i);
    assert_int_equal(rename(from, folder_at(&trial->folder, to)), 0);
    rl_log_writer_reopen(&trial->writer);
    while (access(from, F_OK) != 0)
      usleep(1000);
  }
  return NULL;
}

static void a_rotation_loses_nothing(void **state) {
  (void)state;
  static struct trial trial;
  begin(&trial);
  open_at(&trial, "log");
  run_threads(&trial, rotate);
  rl_log_writer_destroy(&trial.writer);
  int lines = count_lines(content(&trial, "log"));
  for (int i = 0; i < 5; i++) {
    char name[16];
    snprintf(name, sizeof name, "log.%d", i);
    lines += count_lines(content(&trial, name));
  }
  assert_int_equal(lines, THREADS * LINES);
  end(&trial);
}

static void a_flush_waits_for_the_file(void **state) {
  (void)state;
  static struct trial trial;
  begin(&trial);
  open_at(&trial, "log");
  rl_log_line(&trial.log, RL_LOG_INFO, "there");
  rl_log_writer_flush(&trial.writer);
  assert_string_equal(content(&trial, "log"), "there\n");
  rl_log_writer_destroy(&trial.writer);
  end(&trial);
}

/* A full disk, and another that is not. */
static void what_a_full_disk_took_not_goes_on_elsewhere(void **state) {
  (void)state;
  static struct trial trial;
  begin(&trial);
  assert_int_equal(rl_log_writer_open(&trial.writer, "/dev/full"), 0);
  for (int i = 0; i < 100000; i++)
    rl_log_line(&trial.log, RL_LOG_INFO, "line %d", i);
  rl_log_writer_flush(&trial.writer);
  uint64_t lost = rl_log_writer_lost(&trial.writer);
  assert_true(lost > 0);
  open_at(&trial, "log");
  rl_log_writer_destroy(&trial.writer);
  const char *text = content(&trial, "log");
  assert_memory_equal(text, "line 0\nline 1\n", 14);
  char report[64];
  snprintf(report, sizeof report, "\n%llu lines of the log were lost\n", (unsigned long long)lost);
  assert_string_equal(text + strlen(text) - strlen(report), report);
  end(&trial);
}

static void a_full_disk_does_not_keep_the_end_waiting(void **state) {
  (void)state;
  static struct trial trial;
  begin(&trial);
  assert_int_equal(rl_log_writer_open(&trial.writer, "/dev/full"), 0);
  rl_log_line(&trial.log, RL_LOG_INFO, "one");
  rl_log_line(&trial.log, RL_LOG_INFO, "two");
  rl_log_writer_destroy(&trial.writer);
  assert_int_equal(rl_log_writer_lost(&trial.writer), 2);
  end(&trial);
}

/* What can be read from a descriptor within a moment. */
static size_t drain(int fd, char *to, size_t room) {
  size_t size = 0;
  ssize_t count;
  while ((count = read(fd, to + size, room - 1 - size)) > 0)
    size += (size_t)count;
  to[size] = '\0';
  return size;
}

static void a_pipe_that_nobody_reads_loses_lines_and_says_so(void **state) {
  (void)state;
  static struct trial trial;
  static char text[4 << 20];
  begin(&trial);
  assert_int_equal(mkfifo(folder_at(&trial.folder, "pipe"), 0600), 0);
  int reader = open(folder_at(&trial.folder, "pipe"), O_RDONLY | O_NONBLOCK);
  open_at(&trial, "pipe");
  for (int i = 0; i < 100000; i++)
    rl_log_line(&trial.log, RL_LOG_INFO, "line %05d of a flood of lines", i);
  assert_true(rl_log_writer_lost(&trial.writer) > 0);
  size_t size = 0;
  for (int i = 0; i < 5000 && !strstr(text, " lines of the log were lost\n"); i++) {
    size += drain(reader, text + size, sizeof text - size);
    usleep(1000);
  }
  assert_memory_equal(text, "line 00000 of a flood of lines\nline 00001 ", 42);
  assert_non_null(strstr(text, " lines of the log were lost\n"));
  rl_log_line(&trial.log, RL_LOG_INFO, "after that");
  rl_log_writer_destroy(&trial.writer);
  drain(reader, text + size, sizeof text - size);
  assert_string_equal(text + strlen(text) - 12, "\nafter that\n");
  close(reader);
  end(&trial);
}

static void a_reader_that_left_does_no_harm(void **state) {
  (void)state;
  static struct trial trial;
  begin(&trial);
  assert_int_equal(mkfifo(folder_at(&trial.folder, "pipe"), 0600), 0);
  int reader = open(folder_at(&trial.folder, "pipe"), O_RDONLY | O_NONBLOCK);
  open_at(&trial, "pipe");
  close(reader);
  signal(SIGPIPE, SIG_DFL); /* which would end the process */
  rl_log_line(&trial.log, RL_LOG_INFO, "nobody");
  rl_log_writer_destroy(&trial.writer);
  assert_int_equal(rl_log_writer_lost(&trial.writer), 1);
  end(&trial);
}

static void a_file_that_cannot_be_opened_changes_nothing(void **state) {
  (void)state;
  static struct trial trial;
  begin(&trial);
  open_at(&trial, "log");
  assert_int_equal(rl_log_writer_open(&trial.writer, "/nowhere/log"), ENOENT);
  folder_folder(&trial.folder, "folder");
  const char *folder = folder_at(&trial.folder, "folder");
  assert_int_equal(rl_log_writer_open(&trial.writer, folder), EISDIR);
  rl_log_line(&trial.log, RL_LOG_INFO, "here");
  rl_log_writer_destroy(&trial.writer);
  assert_string_equal(content(&trial, "log"), "here\n");
  end(&trial);
}

/* The folder of the file is gone when it is to be opened anew. */
static void a_lost_folder_is_told_where_the_log_is(void **state) {
  (void)state;
  static struct trial trial;
  char moved[PATH_MAX];
  begin(&trial);
  atomic_store(&trial.log.form, RL_LOG_JSON);
  folder_folder(&trial.folder, "logs");
  open_at(&trial, "logs/log");
  rl_log_line(&trial.log, RL_LOG_INFO, "before");
  rl_log_writer_flush(&trial.writer);
  strcpy(moved, folder_at(&trial.folder, "moved"));
  assert_int_equal(rename(folder_at(&trial.folder, "logs"), moved), 0);
  rl_log_writer_reopen(&trial.writer);
  rl_log_line(&trial.log, RL_LOG_INFO, "after");
  rl_log_writer_destroy(&trial.writer);
  const char *text = content(&trial, "moved/log");
  assert_non_null(strstr(text, "\"before\""));
  assert_non_null(strstr(text, "cannot reopen the log "));
  assert_non_null(strstr(text, "\"error\":\"No such file or directory\""));
  assert_non_null(strstr(text, "\"after\""));
  end(&trial);
}

static void without_a_thread_whoever_logs_writes(void **state) {
  (void)state;
  static struct trial trial;
  begin(&trial);
  trial.writer.direct = true;
  open_at(&trial, "log");
  rl_log_line(&trial.log, RL_LOG_INFO, "at once");
  assert_string_equal(content(&trial, "log"), "at once\n");
  assert_int_equal(rl_log_writer_open(&trial.writer, "/dev/full"), 0);
  rl_log_line(&trial.log, RL_LOG_INFO, "lost");
  assert_int_equal(rl_log_writer_lost(&trial.writer), 1);
  rl_log_writer_destroy(&trial.writer);
  end(&trial);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many_threads_tear_no_line),
      cmocka_unit_test(a_rotation_loses_nothing),
      cmocka_unit_test(a_flush_waits_for_the_file),
      cmocka_unit_test(what_a_full_disk_took_not_goes_on_elsewhere),
      cmocka_unit_test(a_full_disk_does_not_keep_the_end_waiting),
      cmocka_unit_test(a_pipe_that_nobody_reads_loses_lines_and_says_so),
      cmocka_unit_test(a_reader_that_left_does_no_harm),
      cmocka_unit_test(a_file_that_cannot_be_opened_changes_nothing),
      cmocka_unit_test(a_lost_folder_is_told_where_the_log_is),
      cmocka_unit_test(without_a_thread_whoever_logs_writes),
  };
  return cmocka_run_group_tests_name("log_writer", tests, NULL, NULL);
}
