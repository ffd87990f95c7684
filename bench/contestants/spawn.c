/* spawn: how long a program takes from its start, to its first byte of output or, if it writes
 * nothing, to its end. Runs several programs in turn, every second round in reversed order:
 *
 *     spawn ROUNDS program arguments.. -- program arguments.. -- ..
 *
 * Prints one line each, in their order: the median and the 99th percentile in microseconds. A
 * program that fails ends the measurement. */
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { PROGRAMS_MOST = 16, ROUNDS_MOST = 10000 };

static void fail(const char *what) {
  fprintf(stderr, "spawn: %s\n", what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static double run(char **argv) {
  int ends[2], status;
  char byte;
  pid_t pid;
  posix_spawn_file_actions_t actions;
  if (pipe(ends) != 0)
    fail("no pipe");
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  double start = now();
  if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) != 0)
    fail("cannot start the program");
  close(ends[1]);
  bool wrote = read(ends[0], &byte, 1) == 1;
  double first = now();
  if (waitpid(pid, &status, 0) != pid || status != 0)
    fail("the program failed");
  double end = now();
  posix_spawn_file_actions_destroy(&actions);
  close(ends[0]);
  return (wrote ? first : end) - start;
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/* Cuts the arguments at "--" into programs; returns how many. */
static int cut(char **arguments, char **programs[PROGRAMS_MOST]) {
  int count = 0;
  for (char **at = arguments; *at; at++) {
    if (count == PROGRAMS_MOST)
      fail("too many programs");
    programs[count++] = at;
    while (*at && strcmp(*at, "--") != 0)
      at++;
    if (!*at)
      break;
    *at = NULL;
  }
  return count;
}

int main(int argc, char **argv) {
  char **programs[PROGRAMS_MOST];
  static double times[PROGRAMS_MOST][ROUNDS_MOST];
  int rounds = argc > 2 ? atoi(argv[1]) : 0;
  if (rounds < 1 || rounds > ROUNDS_MOST)
    fail("usage: spawn ROUNDS program arguments.. [-- program arguments..]..");
  int count = cut(argv + 2, programs);
  for (int round = 0; round < rounds; round++)
    for (int i = 0; i < count; i++) {
      int turn = round % 2 == 0 ? i : count - 1 - i;
      times[turn][round] = run(programs[turn]);
    }
  for (int i = 0; i < count; i++) {
    qsort(times[i], (size_t)rounds, sizeof(double), compare);
    printf("%.1f %.1f\n", times[i][rounds / 2], times[i][rounds * 99 / 100]);
  }
  return 0;
}
