/* fair: how soon a server answers `GET /` beside what it computes. Sends one every 10 ms for
 * SECONDS on one connection to 127.0.0.1 that is kept, and takes the time until the answer is
 * there. With a number of further connections it keeps that many `GET /fib` outstanding meanwhile,
 * and counts their answers. Prints "key value" lines: milliseconds. Usage: fair PORT SECONDS
 * OUTSTANDING */
#define _GNU_SOURCE /* ppoll */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

enum { MOST_TIMES = 100000, MOST_OUTSTANDING = 64 };

static const double GAP_MS = 10;

static void ask(int server, const char *path) {
  char text[128];
  int size = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
  if (write(server, text, (size_t)size) != size)
    fail("write");
}

/* Answers are small: one that does not come in one piece is an error. */
static void take(int server) {
  char text[4096];
  ssize_t got;
  do
    got = read(server, text, sizeof text - 1);
  while (got < 0 && errno == EINTR);
  if (got <= 0)
    fail("read");
  text[got] = '\0';
  if (strncmp(text, "HTTP/1.1 200", 12) != 0 || !strstr(text, "\r\n\r\n")) {
    fprintf(stderr, "fair: %s\n", text);
    exit(1);
  }
}

/* Until `time`: takes what is computed, and asks for more. How many that were. */
static int keep_busy(struct pollfd *busy, int outstanding, double time) {
  int answers = 0;
  for (double left; (left = time - now()) > 0;) {
    struct timespec wait = {.tv_sec = (time_t)(left / 1e3),
                            .tv_nsec = (long)(left * 1e6) % 1000000000};
    if (ppoll(busy, (nfds_t)outstanding, &wait, NULL) <= 0)
      continue;
    for (int i = 0; i < outstanding; i++) {
      if (!busy[i].revents)
        continue;
      take(busy[i].fd);
      ask(busy[i].fd, "/fib");
      answers++;
    }
  }
  return answers;
}

int main(int argc, char **argv) {
  static double times[MOST_TIMES];
  struct pollfd busy[MOST_OUTSTANDING];
  if (argc != 4)
    return 1;
  int outstanding = atoi(argv[3]), count = 0, answers = 0;
  if (outstanding > MOST_OUTSTANDING)
    return 1;
  int server = connect_to(argv[1]);
  for (int i = 0; i < outstanding; i++) {
    busy[i] = (struct pollfd){.fd = connect_to(argv[1]), .events = POLLIN};
    ask(busy[i].fd, "/fib");
  }
  keep_busy(busy, outstanding, now() + 500); /* all are computing */
  double start = now(), end = start + atof(argv[2]) * 1e3;
  while (now() < end && count < MOST_TIMES) {
    double begun = now();
    ask(server, "/");
    take(server);
    times[count++] = now() - begun;
    answers += keep_busy(busy, outstanding, begun + GAP_MS);
  }
  double seconds = (now() - start) / 1e3;
  qsort(times, (size_t)count, sizeof times[0], compare);
  printf("p50_ms %.4f\np99_ms %.4f\nmax_ms %.4f\ncount %d\nper_second %.3f\n", times[count / 2],
         times[count * 99 / 100], times[count - 1], count, answers / seconds);
  return 0;
}
