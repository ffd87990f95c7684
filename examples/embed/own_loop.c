/* A host with a loop of its own: it waits by poll(2), for its own descriptors and for Rille's, and
 * lets Rille have its turn. Here its own is a timer that ticks while a Lua task computes on another
 * core.
 *
 *     cc own_loop.c $(pkg-config --cflags --libs rille) -o own_loop */
#include <poll.h>
#include <rille.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const char text[] = "local rille = require 'rille'\n"
                           "\n"
                           "local function sum(n)\n"
                           "  local total = 0\n"
                           "  for i = 1, n do total = total + i end\n"
                           "  return total\n"
                           "end\n"
                           "\n"
                           "print('sum: ' .. rille.detach(sum, 10000000))\n"
                           "rille.sleep(0.2)\n";

enum { TICK_NS = 10 * 1000 * 1000 };

/* The host's own work. */
static int open_ticks(void) {
  struct timespec every = {.tv_nsec = TICK_NS};
  struct itimerspec times = {.it_interval = every, .it_value = every};
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  if (fd >= 0)
    timerfd_settime(fd, 0, &times, NULL);
  return fd;
}

static uint64_t read_ticks(int fd) {
  uint64_t count = 0;
  return read(fd, &count, sizeof count) == (ssize_t)sizeof count ? count : 0;
}

/* Both at once, until Rille has nothing left to do; the ticks that came meanwhile. */
static uint64_t serve(rille_t *runtime, int ticks) {
  struct pollfd fds[] = {
      {.fd = ticks, .events = POLLIN},
      {.fd = rille_descriptor(runtime), .events = POLLIN},
  };
  uint64_t count = 0;
  while (rille_turn(runtime)) {
    if (poll(fds, 2, rille_timeout(runtime)) > 0 && fds[0].revents)
      count += read_ticks(ticks);
  }
  return count;
}

int main(void) {
  struct rille_script script = {.name = "=own_loop", .text = text, .size = strlen(text)};
  int ticks = open_ticks();
  rille_t *runtime = ticks >= 0 ? rille_new(NULL) : NULL;
  if (!runtime) {
    fprintf(stderr, "own_loop: not enough memory or descriptors\n");
    return EXIT_FAILURE;
  }

  int status = EXIT_FAILURE;
  if (rille_start(runtime, &script) == 0) {
    uint64_t count = serve(runtime, ticks);
    status = rille_run(runtime); /* it is over: ends it in order, and tells how it went */
    printf("the host went on: %s\n", count > 0 ? "yes" : "no");
  }
  rille_free(runtime);
  close(ticks);
  return status;
}
