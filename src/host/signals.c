/* Signals: they come to the ticker's thread, since the loops may be busy. */
#include "host/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "domain/domain.h"
#include "domain/ticker.h"
#include "host/course.h"

enum { URGINGS = 1 }; /* after so many further signals a halted program is left as it is */

static void on_end(struct rl_signals *signals, int number) {
  struct rl_course *course = signals->course;
  enum rl_stage stage = rl_course_stage(course);
  if (stage >= RL_HALTED) { /* something does not let itself be ended */
    if (++signals->urgings > URGINGS)
      _exit(128 + number);
  } else if (stage == RL_STOPPING) { /* the second one means it */
    rl_course_advance(course, RL_HALTED);
  } else {
    atomic_store(&course->signal, number);
    rl_course_advance(course, RL_STOPPING);
  }
}

static void on_signal(uv_signal_t *handle, int number) {
  struct rl_signals *signals = handle->data;
  if (number == SIGHUP && !signals->has_terminal)
    rl_log_line(&signals->course->settings->log,
                "rille: SIGHUP: the script goes on as it was loaded; SIGTERM stops it in order");
  else
    on_end(signals, number);
}

static bool has_terminal(void) {
  int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0)
    close(fd);
  return fd >= 0;
}

static bool is_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void rl_signals_watch(struct rl_signals *signals, struct rl_course *course) {
  static const int numbers[RL_TICKER_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
  struct rl_ticker *ticker = course->settings->ticker;
  bool hangs_up = !is_ignored(SIGHUP); /* or it was started to outlive its terminal, by nohup */
  signals->course = course;
  signals->has_terminal = has_terminal();
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  rl_ticker_watch_signals(ticker, numbers, hangs_up ? 3 : 2, on_signal, signals);
  rl_ticker_want(ticker);
}
