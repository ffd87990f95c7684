/* ping: how soon a line server answers. Sends "ping" every 10 ms on one connection to 127.0.0.1 and
 * takes the time until a line comes back, until it is asked to end (SIGTERM). Prints "key value"
 * lines: milliseconds. Usage: ping PORT */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

enum { PINGS_MOST = 100000, GAP_NS = 10000000 };

static volatile sig_atomic_t ending;

static void end(int signal) {
  (void)signal;
  ending = 1;
}

static double ping(int server) {
  char answer[256];
  double start = now();
  if (write(server, "ping\n", 5) != 5)
    fail("write");
  for (;;) {
    ssize_t got = read(server, answer, sizeof answer);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      fail("read");
    if (memchr(answer, '\n', (size_t)got))
      return now() - start;
  }
}

int main(int argc, char **argv) {
  static double times[PINGS_MOST];
  const struct timespec gap = {.tv_nsec = GAP_NS};
  int count = 0;
  if (argc != 2)
    return 1;
  int server = connect_to(argv[1]);
  signal(SIGTERM, end);
  while (!ending && count < PINGS_MOST) {
    times[count++] = ping(server);
    nanosleep(&gap, NULL);
  }
  qsort(times, (size_t)count, sizeof times[0], compare);
  if (count > 0)
    printf("p50_ms %.3f\np99_ms %.3f\nmax_ms %.3f\ncount %d\n", times[count / 2],
           times[count * 99 / 100], times[count - 1], count);
  return 0;
}
