/* Server trial: a script that serves a Unix or a TCP socket, in this process, while clients on a
 * thread without Rille make its allocations fail: the n-th one, for every n that serving takes,
 * alone or with all that follow. A client must get its answer or see its connection end, never
 * hang; the next one is served as if nothing had been; and in the end every block of memory is
 * back. */
#ifndef RILLE_SPEC_SERVER_TRIAL_H
#define RILLE_SPEC_SERVER_TRIAL_H

#include "check.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "domain/domain.h"
#include "rille.h"

enum { TRIAL_ROUNDS = 1500 };

enum trial_answer { TRIAL_ANSWERED, TRIAL_CLOSED, TRIAL_HUNG };

struct trial {
  const char *server; /* the script; arg[1] is the URL at which it listens */
  char *argument;     /* arg[2]; NULL: none */
  const char *ask;    /* what each client sends: the last byte of its answer is a dot */
  const char *quit;   /* what ends the server */
  void (*clients)(struct trial *trial); /* on the thread: what they do until the end */
  bool tcp;                             /* else it is a Unix socket */
  bool for_ever;                        /* every allocation fails after the first that does */
  struct rl_heap *heap;
  union {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_in ip;
  } where;
  socklen_t size;
  char url[128];
  int reserved;   /* a socket that keeps the port for the server; -1: none */
  long failures;  /* rounds in which one has failed */
  int hung;       /* clients that got neither answer nor end */
  int unanswered; /* clients that got none though nothing failed */
  int held[TRIAL_ROUNDS];
};

/* A connection to the server, -1 if there is none. */
static inline int trial_dial(const struct trial *trial) {
  struct timeval patience = {.tv_sec = 30};
  int fd = socket(trial->where.any.sa_family, SOCK_STREAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd, &trial->where.any, trial->size) == 0)
    return fd;
  close(fd);
  return -1;
}

static inline enum trial_answer trial_ask(const struct trial *trial, const char *text) {
  char reply[65536], last = 0;
  int fd = trial_dial(trial);
  if (fd < 0)
    return TRIAL_CLOSED;
  ssize_t count = send(fd, text, strlen(text), MSG_NOSIGNAL);
  while (count > 0 && (count = recv(fd, reply, sizeof reply, 0)) > 0)
    last = reply[count - 1];
  bool hung = count < 0 && errno == EAGAIN;
  close(fd);
  return hung ? TRIAL_HUNG : last == '.' ? TRIAL_ANSWERED : TRIAL_CLOSED;
}

/* One client while the n-th allocation fails; false if there was no n-th. Another client is kept
 * open, so that the server's spare fiber is in use. */
static inline bool trial_fail(struct trial *trial, long n) {
  trial->held[n] = trial_dial(trial);
  atomic_store(&trial->heap->fail_on, trial->for_ever);
  atomic_store(&trial->heap->fail_in, n);
  trial->hung += trial_ask(trial, trial->ask) == TRIAL_HUNG;
  long left = atomic_exchange(&trial->heap->fail_in, 0);
  bool failed = trial->for_ever ? left == 1 : left == 0;
  trial->failures += failed;
  trial->unanswered += trial_ask(trial, trial->ask) != TRIAL_ANSWERED;
  return failed;
}

/* Clients for every n. The last allocation of a round may be the first to miss; a few misses mean
 * that it is over. */
static inline void trial_fail_each(struct trial *trial) {
  long n = 1;
  for (int missed = 0; missed < 5 && n < TRIAL_ROUNDS; n++)
    missed = trial_fail(trial, n) ? 0 : missed + 1;
  while (--n > 0)
    close(trial->held[n]);
}

static inline void *trial_thread(void *argument) {
  struct trial *trial = argument;
  while (trial_ask(trial, trial->ask) != TRIAL_ANSWERED)
    usleep(1000);
  trial->clients(trial);
  trial_ask(trial, trial->quit);
  return NULL;
}

static inline void trial_log_nothing(void *context, const char *text, size_t size) {
  (void)context, (void)text, (void)size;
}

static inline void trial_place_unix(struct trial *trial) {
  struct sockaddr_un *where = &trial->where.local;
  trial->size = sizeof *where;
  where->sun_family = AF_UNIX;
  snprintf(where->sun_path, sizeof where->sun_path, "/tmp/rille-trial-%d", (int)getpid());
  snprintf(trial->url, sizeof trial->url, "unix:%s", where->sun_path);
  trial->reserved = -1;
}

/* A free port, which nobody but who sets SO_REUSEADDR gets while `reserved` is bound to it. */
static inline void trial_place_tcp(struct trial *trial) {
  struct sockaddr_in *where = &trial->where.ip;
  int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  assert_true(fd >= 0);
  trial->size = sizeof *where;
  where->sin_family = AF_INET;
  where->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  assert_int_equal(0, setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
  assert_int_equal(0, bind(fd, &trial->where.any, trial->size));
  assert_int_equal(0, getsockname(fd, &trial->where.any, &trial->size));
  snprintf(trial->url, sizeof trial->url, "tcp://127.0.0.1:%d", ntohs(where->sin_port));
  trial->reserved = fd;
}

/* Serves until its clients have ended the server. */
static inline void trial_run(struct trial *trial) {
  pthread_t thread;
  if (trial->tcp)
    trial_place_tcp(trial);
  else
    trial_place_unix(trial);
  char name[] = "server", *argv[] = {name, trial->url, trial->argument, NULL};
  struct rille_script script = {.name = "=server",
                                .text = trial->server,
                                .size = strlen(trial->server),
                                .argc = trial->argument ? 3 : 2,
                                .argv = argv};
  rille_t *runtime = rille_new(NULL);
  assert_non_null(runtime);
  /* A main domain and its runtime have one address. */
  struct rl_settings *settings = ((struct rl_domain *)(void *)runtime)->settings;
  settings->log.write = trial_log_nothing;
  trial->heap = settings->heap;
  assert_int_equal(0, rille_start(runtime, &script));
  assert_int_equal(0, pthread_create(&thread, NULL, trial_thread, trial));
  int status = rille_run(runtime);
  pthread_join(thread, NULL);
  rille_free(runtime); /* asserts that every block is back */
  if (trial->reserved >= 0)
    close(trial->reserved);
  assert_int_equal(0, status);
  assert_int_equal(0, trial->hung);
  assert_int_equal(0, trial->unanswered);
}

static inline void trial_run_failing(struct trial trial) {
  trial.clients = trial_fail_each;
  trial_run(&trial);
#ifdef RILLE_FAULTS
  assert_true(trial.failures > 10);
#endif
}

#endif
