/* Signals: what a program does about those that end it, or would. Once in a process. */
#ifndef RL_HOST_SIGNALS_H
#define RL_HOST_SIGNALS_H

#include <stdbool.h>

struct rl_course;

/* Zeroed before it watches; the ticker's thread from then on. */
struct rl_signals {
  struct rl_course *course;
  bool has_terminal; /* which SIGHUP says is gone */
  int urgings;       /* that came when the program was halted already */
};

/* SIGINT and SIGTERM stop the program in order, a second one at once. SIGHUP does the same where
 * there is a terminal, which is gone then; elsewhere it asks daemons to begin anew, which is logged
 * and goes on; where it is ignored already it stays so. SIGUSR1 has the log's file opened anew.
 * SIGPIPE and SIGXFSZ are errors of what is written. Before the ticker first wakes. */
void rl_signals_watch(struct rl_signals *signals, struct rl_course *course);

#endif
