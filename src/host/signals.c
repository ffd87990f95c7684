/* Signals: they come to the ticker's thread, since the loops may be busy. */
#include "host/signals.h"

#include <fcntl.h>
#include <signal.h>

#include "domain/domain.h"
#include "domain/prompt.h"
#include "domain/ticker.h"
#include "host/course.h"
#include "io/log_writer.h"

enum { URGINGS = 1 }; /* after so many further signals a halted program is left as it is */

static void on_end(struct rl_signals *signals, int number) {
  struct rl_course *course = signals->course;
  enum rl_stage stage = rl_course_stage(course);
  if (stage >= RL_HALTED) { /* something does not let itself be ended */
    if (++signals->urgings > URGINGS)
      rl_course_leave(course, 128 + number);
  } else if (stage == RL_STOPPING) { /* the second one means it */
    rl_course_advance(course, RL_HALTED);
  } else {
    atomic_store(&course->signal, number);
    rl_course_advance(course, RL_STOPPING);
  }
}

/* Its file was renamed. */
static void reopen_log(const struct rl_settings *settings) {
  if (settings->log_writer)
    rl_log_writer_reopen(settings->log_writer);
}

static void on_signal(uv_signal_t *handle, int number) {
  struct rl_signals *signals = handle->data;
  if (number == SIGUSR1)
    reopen_log(signals->course->settings);
  else if (number == SIGINT && rl_prompt_press(signals->course->settings))
    rl_course_tell(signals->course);
  else if (number == SIGHUP && !signals->has_terminal)
    rl_log_line(&signals->course->settings->log, RL_LOG_WARN,
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
  static const int numbers[RL_TICKER_SIGNALS] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};
  struct rl_ticker *ticker = course->settings->ticker;
  bool hangs_up = !is_ignored(SIGHUP); /* or it was started to outlive its terminal, by nohup */
  signals->course = course;
  signals->has_terminal = has_terminal();
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  rl_ticker_watch_signals(ticker, numbers, hangs_up ? RL_TICKER_SIGNALS : RL_TICKER_SIGNALS - 1,
                          on_signal, signals);
  rl_ticker_want(ticker);
}
