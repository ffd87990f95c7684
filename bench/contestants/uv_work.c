/* uv_work: the trivial task through plain uv_queue_work, the limit of libuv's own pool. One task at
 * a time for half a second, then 64 outstanding for a second. The pool's size comes from
 * UV_THREADPOOL_SIZE. Prints "key value" lines. */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum { OUTSTANDING = 64, TRIPS_MOST = 1000000 };

struct trial {
  uint64_t deadline;
  long finished;
  double *trips; /* microseconds, or NULL when single trips are not measured */
};

struct task {
  uv_work_t work;
  struct trial *trial;
  uint64_t started;
  long value;
};

static void run(uv_work_t *work) {
  struct task *task = work->data;
  task->value += 1;
}

static void again(struct task *task);

static void finished(uv_work_t *work, int status) {
  struct task *task = work->data;
  struct trial *trial = task->trial;
  uint64_t now = uv_hrtime();
  if (status != 0)
    abort();
  if (trial->trips && trial->finished < TRIPS_MOST)
    trial->trips[trial->finished] = (double)(now - task->started) / 1e3;
  trial->finished++;
  if (now < trial->deadline)
    again(task);
}

static void again(struct task *task) {
  task->work.data = task;
  if (task->trial->trips)
    task->started = uv_hrtime();
  if (uv_queue_work(uv_default_loop(), &task->work, run, finished) != 0)
    abort();
}

/* Returns the seconds that it took. */
static double keep_outstanding(struct trial *trial, int count, double seconds) {
  static struct task tasks[OUTSTANDING];
  uint64_t start = uv_hrtime();
  trial->finished = 0;
  trial->deadline = start + (uint64_t)(seconds * 1e9);
  for (int i = 0; i < count; i++) {
    tasks[i].trial = trial;
    again(&tasks[i]);
  }
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return (double)(uv_hrtime() - start) / 1e9;
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

int main(void) {
  double *trips = malloc(sizeof(double) * TRIPS_MOST), sum = 0;
  struct trial warm_up = {0}, single = {.trips = trips}, many = {0};
  if (!trips)
    return 1;
  keep_outstanding(&warm_up, 1, 0.1);
  keep_outstanding(&single, 1, 0.5);
  double seconds = keep_outstanding(&many, OUTSTANDING, 1.0);
  long count = single.finished < TRIPS_MOST ? single.finished : TRIPS_MOST;
  for (long i = 0; i < count; i++)
    sum += trips[i];
  qsort(trips, (size_t)count, sizeof(double), compare);
  printf("mean_us %.3f\np50_us %.3f\np99_us %.3f\nper_second %.0f\n", sum / (double)count,
         trips[count / 2], trips[count * 99 / 100], (double)many.finished / seconds);
  free(trips);
  return 0;
}
