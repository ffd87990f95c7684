/* Log writer: see the header. The thread takes a batch out of the ring under the lock and writes it
 * without. It never begins a write that could block for long: it asks poll first, gives a pipe no
 * more than fits atomically, and sends to sockets without waiting. So it can always be ended. */
#include "io/log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/allocator.h"
#include "base/log.h"

enum {
  RETRY_MS = 100,     /* between two tries to write what could not be written */
  PATIENCE_MS = 1000, /* without progress, at the end */
  REPORT = 512,       /* room for the line that tells of a loss */
  STACK_BYTES = 128 << 10,
  MODE = 0640
};

static const struct rl_log_sink no_sink = {.fd = -1};

static void lock(struct rl_log_writer *writer) {
  pthread_mutex_lock(&writer->lock);
}

static void unlock(struct rl_log_writer *writer) {
  pthread_mutex_unlock(&writer->lock);
}

static void lose(struct rl_log_writer *writer, uint64_t lines) {
  atomic_fetch_add_explicit(&writer->lost, lines, memory_order_relaxed);
  writer->unreported += lines;
}

/* -- sinks ----------------------------------------------------------------------------------- */

static struct rl_log_sink sink_of(int fd, bool own) {
  struct stat status;
  bool known = fstat(fd, &status) == 0;
  return (struct rl_log_sink){.fd = fd,
                              .own = own,
                              .regular = known && S_ISREG(status.st_mode),
                              .socket = known && S_ISSOCK(status.st_mode)};
}

/* Without waiting for a reader, if it is a pipe. */
static int open_file(const char *path) {
  return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, MODE);
}

static void close_sink(struct rl_log_sink *sink) {
  if (sink->own && sink->fd >= 0)
    close(sink->fd);
  *sink = no_sink;
}

static ssize_t write_to(const struct rl_log_sink *sink, const char *bytes, size_t size) {
  ssize_t written;
  do
    written = sink->socket ? send(sink->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL)
                           : write(sink->fd, bytes, size);
  while (written < 0 && errno == EINTR);
  return written;
}

/* As many bytes as a pipe takes at once, up to a line's end where there is one. */
static size_t piece(const char *bytes, size_t size) {
  if (size <= PIPE_BUF)
    return size;
  const char *end = memrchr(bytes, '\n', PIPE_BUF);
  return end ? (size_t)(end - bytes) + 1 : PIPE_BUF;
}

/* Writes some of it; 0, or an errno if nothing could be written. */
static int write_some(const struct rl_log_sink *sink, const char *bytes, size_t size,
                      size_t *written) {
  struct pollfd ready = {.fd = sink->fd, .events = POLLOUT};
  if (!sink->regular && poll(&ready, 1, RETRY_MS) == 0)
    return EAGAIN;
  ssize_t count = write_to(sink, bytes, sink->regular ? size : piece(bytes, size));
  if (count < 0)
    return errno;
  *written = (size_t)count;
  return 0;
}

/* -- what is logged about the log, under the lock ---------------------------------------------- */

static void put_own(struct rl_log_writer *writer, const char *message, const char *why,
                    uint64_t lost) {
  char bytes[REPORT];
  struct rl_log_line line = {.bytes = bytes, .room = sizeof bytes};
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  struct rl_log_field fields[] = {{.name = {"lost", 4}, .kind = RL_LOG_INTEGER},
                                  {.name = {"error", 5}, .text = {why, strlen(why)}}};
  fields[0].integer = (int64_t)lost;
  struct rl_log_entry entry = {.level = RL_LOG_WARN,
                               .time = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
                               .message = {message, strlen(message)},
                               .fields = lost > 0 ? fields : fields + 1,
                               .count = (size_t)(lost > 0) + (*why != '\0')};
  rl_log_form(&line, rl_log_form_of(writer->log), &entry);
  rl_ring_put(&writer->ring, line.bytes, line.size);
}

/* As soon as the ring has room for it, after what was put before. */
static void report_loss(struct rl_log_writer *writer) {
  char message[96];
  if (writer->unreported == 0 || writer->ring.room - writer->ring.size < REPORT)
    return;
  snprintf(message, sizeof message, "%llu lines of the log were lost",
           (unsigned long long)writer->unreported);
  put_own(writer, message, writer->failure ? strerror(writer->failure) : "", writer->unreported);
  writer->unreported = 0;
}

static void set_terminal(struct rl_log_writer *writer, int fd) {
  atomic_store(&writer->log->terminal, isatty(fd) == 1);
}

static void reopen(struct rl_log_writer *writer) {
  char message[REPORT];
  writer->reopen = false;
  if (!writer->path)
    return;
  int fd = open_file(writer->path);
  if (fd >= 0) {
    close_sink(&writer->next);
    writer->next = sink_of(fd, true);
    return;
  }
  int error = errno;
  snprintf(message, sizeof message, "cannot reopen the log %.200s; it goes on where it was",
           writer->path);
  put_own(writer, message, strerror(error), 0);
}

/* -- the thread, under the lock but where it waits or writes ----------------------------------- */

static void wait_ms(struct rl_log_writer *writer, int ms) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_nsec += ms * 1000000L;
  end.tv_sec += end.tv_nsec / 1000000000;
  end.tv_nsec %= 1000000000;
  pthread_cond_timedwait(&writer->moved, &writer->lock, &end);
}

/* What is left of a line that another sink has begun to take. */
static void drop_rest(struct rl_log_writer *writer) {
  const char *bytes = writer->room + RL_LOG_WAITING + writer->written;
  const char *end = memchr(bytes, '\n', writer->batch_size - writer->written);
  writer->written = end ? (size_t)(end + 1 - (writer->room + RL_LOG_WAITING)) : writer->batch_size;
  writer->inside = false;
  lose(writer, 1);
}

/* Between two lines; or if the old one takes nothing anyway. */
static void change_sink(struct rl_log_writer *writer) {
  if (writer->reopen)
    reopen(writer);
  if (writer->next.fd < 0 || (writer->inside && !writer->failure))
    return;
  close_sink(&writer->sink);
  writer->sink = writer->next;
  writer->next = no_sink;
  if (writer->inside)
    drop_rest(writer);
}

static void write_batch(struct rl_log_writer *writer) {
  const char *bytes = writer->room + RL_LOG_WAITING + writer->written;
  size_t size = writer->batch_size - writer->written, written = 0;
  unlock(writer);
  int error = write_some(&writer->sink, bytes, size, &written);
  if (written > 0)
    writer->inside = bytes[written - 1] != '\n';
  lock(writer);
  writer->failure = error;
  writer->written += written;
}

/* Has a batch to write; or false. */
static bool refill(struct rl_log_writer *writer) {
  if (writer->written < writer->batch_size)
    return true;
  char *batch = writer->room + RL_LOG_WAITING;
  if (writer->ring.size == 0)
    report_loss(writer);
  writer->written = 0;
  writer->batch_size = rl_ring_take(&writer->ring, batch, RL_LOG_BATCH);
  report_loss(writer);
  return writer->batch_size > 0;
}

static size_t lines_in(const char *bytes, size_t size) {
  size_t lines = 0;
  for (size_t i = 0; i < size; i++)
    lines += bytes[i] == '\n';
  return lines;
}

/* What could not be written by the end, said where it may be seen. */
static void give_up(struct rl_log_writer *writer) {
  char text[160];
  size_t rest = writer->batch_size - writer->written;
  lose(writer, rl_ring_lines(&writer->ring) +
                   lines_in(writer->room + RL_LOG_WAITING + writer->written, rest));
  rl_ring_init(&writer->ring, writer->room, RL_LOG_WAITING);
  writer->written = writer->batch_size;
  if (!writer->sink.own || writer->unreported == 0)
    return;
  int size = snprintf(text, sizeof text, "rille: %llu lines of the log were lost: %s\n",
                      (unsigned long long)writer->unreported, strerror(writer->failure));
  struct rl_log_sink stderr_sink = sink_of(STDERR_FILENO, false);
  size_t written;
  write_some(&stderr_sink, text, (size_t)size, &written);
}

/* After a failed write: false if it is time to give up. */
static bool persevere(struct rl_log_writer *writer, int *failures) {
  bool hopeless = writer->failure != EAGAIN; /* at the end: no reader will make room */
  if (writer->ending && (hopeless || ++*failures >= PATIENCE_MS / RETRY_MS))
    return false;
  pthread_cond_broadcast(&writer->idle); /* who waits for what is written has waited enough */
  if (hopeless)
    wait_ms(writer, RETRY_MS);
  return true;
}

static void *work(void *argument) {
  struct rl_log_writer *writer = argument;
  int failures = 0;
  lock(writer);
  for (;;) {
    change_sink(writer);
    writer->writing = refill(writer);
    if (writer->writing) {
      write_batch(writer);
      if (!writer->failure)
        failures = 0;
      else if (!persevere(writer, &failures))
        break;
      continue;
    }
    pthread_cond_broadcast(&writer->idle);
    if (writer->ending)
      break;
    writer->resting = true;
    while (writer->resting)
      pthread_cond_wait(&writer->moved, &writer->lock);
  }
  give_up(writer);
  writer->writing = false;
  pthread_cond_broadcast(&writer->idle);
  unlock(writer);
  return NULL;
}

static void stir(struct rl_log_writer *writer) {
  writer->resting = false;
  pthread_cond_signal(&writer->moved);
}

/* -- its beginning, under the lock ------------------------------------------------------------- */

static int create_thread(struct rl_log_writer *writer) {
  pthread_attr_t attributes;
  sigset_t all, before;
  sigfillset(&all);
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int error = pthread_create(&writer->thread, &attributes, work, writer);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return error;
}

/* Once: without memory or a thread, whoever logs writes. */
static void start(struct rl_log_writer *writer) {
  if (writer->state != RL_LOG_NO_THREAD)
    return;
  writer->state = RL_LOG_DIRECT;
  if (writer->direct)
    return;
  writer->room = rl_allocator_take(RL_LOG_WAITING + RL_LOG_BATCH);
  if (!writer->room)
    return;
  rl_ring_init(&writer->ring, writer->room, RL_LOG_WAITING);
  if (create_thread(writer) == 0)
    writer->state = RL_LOG_THREAD;
}

static void put_directly(struct rl_log_writer *writer, const char *text, size_t size) {
  change_sink(writer);
  while (size > 0) {
    ssize_t written = write_to(&writer->sink, text, size);
    if (written < 0) {
      lose(writer, 1);
      return;
    }
    text += written;
    size -= (size_t)written;
  }
}

void rl_log_writer_put(void *context, const char *text, size_t size) {
  struct rl_log_writer *writer = context;
  lock(writer);
  start(writer);
  if (writer->state == RL_LOG_DIRECT)
    put_directly(writer, text, size);
  else if (!rl_ring_put(&writer->ring, text, size))
    lose(writer, 1);
  else if (writer->resting)
    stir(writer);
  unlock(writer);
}

/* -- what is asked of it ----------------------------------------------------------------------- */

int rl_log_writer_open(struct rl_log_writer *writer, const char *path) {
  char *copy = strdup(path);
  int fd = copy ? open_file(path) : -1;
  if (fd < 0) {
    int error = copy ? errno : ENOMEM;
    free(copy);
    return error;
  }
  set_terminal(writer, fd);
  lock(writer);
  start(writer);
  free(writer->path);
  writer->path = copy;
  writer->reopen = false;
  close_sink(&writer->next);
  writer->next = sink_of(fd, true);
  stir(writer);
  unlock(writer);
  return 0;
}

void rl_log_writer_reopen(struct rl_log_writer *writer) {
  lock(writer);
  writer->reopen = writer->path != NULL;
  stir(writer);
  unlock(writer);
}

/* What fails once more is not waited for any longer. */
void rl_log_writer_flush(struct rl_log_writer *writer) {
  lock(writer);
  while (writer->state == RL_LOG_THREAD && !writer->ending && !writer->failure &&
         (writer->ring.size > 0 || writer->writing))
    pthread_cond_wait(&writer->idle, &writer->lock);
  unlock(writer);
}

/* -- life -------------------------------------------------------------------------------------- */

void rl_log_writer_init(struct rl_log_writer *writer, struct rl_log *log) {
  pthread_condattr_t attributes;
  *writer = (struct rl_log_writer){.log = log, .next = no_sink};
  atomic_init(&writer->lost, 0);
  writer->sink = sink_of(STDERR_FILENO, false);
  set_terminal(writer, STDERR_FILENO);
  pthread_mutex_init(&writer->lock, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&writer->moved, &attributes);
  pthread_condattr_destroy(&attributes);
  pthread_cond_init(&writer->idle, NULL);
}

void rl_log_writer_finish(struct rl_log_writer *writer) {
  lock(writer);
  bool joins = writer->state == RL_LOG_THREAD;
  writer->ending = true;
  stir(writer);
  unlock(writer);
  if (joins)
    pthread_join(writer->thread, NULL);
}

void rl_log_writer_destroy(struct rl_log_writer *writer) {
  rl_log_writer_finish(writer);
  close_sink(&writer->sink);
  close_sink(&writer->next);
  rl_allocator_release(writer->room);
  free(writer->path);
  pthread_cond_destroy(&writer->moved);
  pthread_cond_destroy(&writer->idle);
  pthread_mutex_destroy(&writer->lock);
}
