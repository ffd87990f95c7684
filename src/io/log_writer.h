/* Log writer: takes lines from any thread and writes them, on a thread of its own, to standard
 * error or a file. So whoever logs never waits for a disk or for who reads the other end of a pipe:
 * a line that finds no room among those that wait is lost, which is counted, and told in the log as
 * soon as that moves again.
 *
 * A failed write is tried again until it succeeds, from where it stopped: no line is torn by a disk
 * that was full for a while. The thread starts with the first line. Any thread, but for init and
 * destroy. */
#ifndef RL_IO_LOG_WRITER_H
#define RL_IO_LOG_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ring.h"

struct rl_log;

enum {
  RL_LOG_WAITING = 1 << 20, /* bytes of lines that may wait */
  RL_LOG_BATCH = 16 << 10   /* at most as many are written at once */
};

/* What the lines go to. */
struct rl_log_sink {
  int fd;
  bool own;     /* closed when it is no longer used */
  bool regular; /* a file: takes what it gets, unless the disk is full */
  bool socket;
};

enum rl_log_thread { RL_LOG_NO_THREAD, RL_LOG_THREAD, RL_LOG_DIRECT };

struct rl_log_writer {
  struct rl_log *log; /* whose form the reports of losses have */
  bool direct;        /* set before the first line: without a thread, on that which logs */

  pthread_mutex_t lock; /* of what follows */
  pthread_cond_t moved; /* for the thread: something to do */
  pthread_cond_t idle;  /* for those who wait: nothing is left to write, or it fails */
  enum rl_log_thread state;
  pthread_t thread;
  struct rl_ring ring;
  char *room;              /* the ring's, and the batch's behind it */
  bool resting;            /* the thread waits for a line */
  bool writing;            /* it has a batch */
  bool ending;             /* it is to end as soon as nothing is left, or fails */
  bool reopen;             /* it is to open the file anew */
  int failure;             /* errno of the last write, if that failed; 0 */
  struct rl_log_sink next; /* to go on with; fd -1: none */
  char *path;          /* of the file that is written, or is about to be; NULL: standard error */
  uint64_t unreported; /* lines that were lost since the last report */
  atomic_uint_fast64_t lost;

  /* the thread's */
  struct rl_log_sink sink;
  size_t batch_size, written;
  bool inside; /* a line was begun, and not ended */
};

void rl_log_writer_init(struct rl_log_writer *writer, struct rl_log *log);

/* Once, before destroying it or leaving the process: what waits is written, as far as that can be
 * done within about a second without progress, and the thread ends. */
void rl_log_writer_finish(struct rl_log_writer *writer);

/* Finishes it, and frees what it has. */
void rl_log_writer_destroy(struct rl_log_writer *writer);

/* As rl_log.write wants it; `writer` is a struct rl_log_writer. */
void rl_log_writer_put(void *writer, const char *text, size_t size);

/* From now on lines are appended to the file, which is made if it is missing; what waits may go to
 * either. 0; or an errno, and nothing has changed. Opens the file on the calling thread. */
int rl_log_writer_open(struct rl_log_writer *writer, const char *path);

/* Opens the file anew, by its name, soon: after it was renamed. If it cannot be opened, the log
 * goes on in the old one, and says so. Nothing to do with standard error. */
void rl_log_writer_reopen(struct rl_log_writer *writer);

/* Waits until all that was put is written, or cannot be. */
void rl_log_writer_flush(struct rl_log_writer *writer);

/* Lines lost so far. */
static inline uint64_t rl_log_writer_lost(const struct rl_log_writer *writer) {
  return atomic_load_explicit(&writer->lost, memory_order_relaxed);
}

#endif
