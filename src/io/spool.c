/* Spool: see the header. The work is plain system calls, each job a few of them. */
#include "io/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/list.h"

enum { LETTERS = 16 };

static const char room[LETTERS + 1] = "                ";

/* -- on the pool --------------------------------------------------------------------------- */

static int last_error(void) {
  return uv_translate_sys_error(errno);
}

/* Letters for a name that nobody can guess. */
static int choose_letters(char *to) {
  static const char set[] = "abcdefghijklmnopqrstuvwxyz012345";
  unsigned char random[LETTERS];
  if (getrandom(random, sizeof random, 0) != sizeof random)
    return -1;
  for (int i = 0; i < LETTERS; i++)
    to[i] = set[random[i] % 32];
  return 0;
}

static void open_file(struct rl_spool *spool) {
  char *tail = spool->path + spool->path_size - 1 - LETTERS;
  for (int tries = 0; tries < 100 && spool->fd < 0; tries++) {
    if (choose_letters(tail) == 0)
      spool->fd = open(spool->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, spool->mode);
    if (spool->fd < 0 && errno != EEXIST && errno != EINTR)
      break;
  }
  spool->made = spool->fd >= 0;
  if (!spool->made)
    spool->error = last_error();
}

static void write_bytes(struct rl_spool *spool) {
  const unsigned char *from = spool->bytes.bytes;
  size_t left = spool->bytes.size;
  while (left > 0) {
    ssize_t count = write(spool->fd, from, left);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0) {
      spool->error = last_error();
      return;
    }
    from += count;
    left -= (size_t)count;
    spool->size += (uint64_t)count;
  }
}

/* Some file systems say only now that they had no room. */
static void close_file(struct rl_spool *spool) {
  if (spool->fd >= 0 && close(spool->fd) != 0)
    spool->error = last_error();
  spool->fd = -1;
}

static void move_file(struct rl_spool *spool) {
  close_file(spool);
  if (spool->error == 0 && rename(spool->path, spool->target) != 0)
    spool->error = last_error();
  spool->stays = spool->error == 0;
}

static void remove_file(struct rl_spool *spool) {
  close_file(spool);
  if (spool->made && !spool->stays)
    unlink(spool->path); /* it may have been moved away, which is as good */
}

static void work(uv_work_t *request) {
  struct rl_spool *spool = RL_OF(request, struct rl_spool, work);
  spool->job(spool);
}

/* -- on the loop --------------------------------------------------------------------------- */

static void free_spool(struct rl_spool *spool) {
  rl_buffer_free(&spool->bytes);
  rl_free(spool->heap, spool->path, spool->path_size);
  rl_free(spool->heap, spool->target, spool->target_size);
  rl_free(spool->heap, spool, sizeof *spool);
}

static void after_work(uv_work_t *request, int status);

static void begin(struct rl_spool *spool, void (*job)(struct rl_spool *spool)) {
  spool->job = job;
  spool->busy = true;
  spool->error = 0;
  rl_errand_send(spool->errands, &spool->work, work, after_work); /* cannot fail */
}

static void after_work(uv_work_t *request, int status) {
  struct rl_spool *spool = RL_OF(request, struct rl_spool, work);
  (void)status; /* nothing is ever taken back */
  spool->busy = false;
  spool->errands->out--;
  if (spool->job == remove_file)
    free_spool(spool);
  else if (spool->done)
    spool->done(spool);
  else
    begin(spool, remove_file);
}

static char *join(struct rl_heap *heap, struct rl_slice text, const char *tail, size_t *size) {
  *size = text.size + strlen(tail) + 1;
  char *joined = rl_alloc(heap, *size);
  if (joined)
    snprintf(joined, *size, "%.*s%s", (int)text.size, text.bytes, tail);
  return joined;
}

struct rl_spool *rl_spool_create(struct rl_errands *errands, struct rl_heap *heap,
                                 struct rl_slice prefix, unsigned mode,
                                 void (*done)(struct rl_spool *spool), void *owner) {
  struct rl_spool *spool = rl_zalloc(heap, sizeof *spool);
  if (!spool)
    return NULL;
  *spool = (struct rl_spool){
      .errands = errands, .heap = heap, .done = done, .owner = owner, .fd = -1, .mode = mode};
  rl_buffer_init(&spool->bytes, heap);
  spool->path = join(heap, prefix, room, &spool->path_size);
  if (spool->path)
    return spool;
  rl_free(heap, spool, sizeof *spool);
  return NULL;
}

void rl_spool_open(struct rl_spool *spool) {
  begin(spool, open_file);
}

static void fail_for_memory(struct rl_spool *spool) {
  spool->error = UV_ENOMEM;
}

void rl_spool_write(struct rl_spool *spool, struct rl_slice bytes) {
  spool->bytes.size = 0;
  rl_buffer_append(&spool->bytes, bytes.bytes, bytes.size);
  begin(spool, spool->bytes.failed ? fail_for_memory : write_bytes);
}

void rl_spool_close(struct rl_spool *spool) {
  begin(spool, close_file);
}

void rl_spool_move(struct rl_spool *spool, struct rl_slice target) {
  spool->target = join(spool->heap, target, "", &spool->target_size);
  begin(spool, spool->target ? move_file : fail_for_memory);
}

void rl_spool_drop(struct rl_spool *spool) {
  spool->done = NULL;
  if (!spool->busy)
    begin(spool, remove_file);
}
