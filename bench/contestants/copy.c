/* copy: what copying alone costs for the strings of lib/payloads.lua, in one thread.
 *   copy warm    memcpy to memory that is already there
 *   copy fresh   malloc, memcpy, free: page faults included
 * Prints "key value" lines, the median in microseconds. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TRIPS = 101 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void *allocate(size_t size) {
  void *bytes = aligned_alloc(64, size);
  if (!bytes)
    abort();
  return bytes;
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static double measure(size_t size, bool fresh) {
  double trips[TRIPS];
  char *from = memset(allocate(size), 'x', size);
  char *kept = memset(allocate(size), 'y', size);
  for (int i = 0; i < TRIPS; i++) {
    double start = now();
    char *to = fresh ? allocate(size) : kept;
    memcpy(to, from, size);
    __asm__ volatile("" : : "r"(to) : "memory"); /* or the copy is left out */
    if (fresh)
      free(to);
    trips[i] = now() - start;
  }
  free(kept);
  free(from);
  qsort(trips, TRIPS, sizeof(double), compare);
  return trips[TRIPS / 2];
}

int main(int argc, char **argv) {
  static const struct {
    const char *key;
    size_t size;
  } cases[] = {{"string_1k", 1u << 10},
               {"string_64k", 1u << 16},
               {"string_1m", 1u << 20},
               {"string_16m", 1u << 24},
               {"string_64m", 1u << 26}};
  bool fresh = argc > 1 && strcmp(argv[1], "fresh") == 0;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    printf("%s %.2f\n", cases[i].key, measure(cases[i].size, fresh));
  return 0;
}
