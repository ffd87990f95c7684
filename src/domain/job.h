/* Job: the settings of a kind of task, shared by all domains that hold it and by its tasks. Fields
 * are constant, but for the group, which is the queue's, under the pool's lock.
 *
 * A job crosses domains by its id: who looks it up while anyone holds it shares it, and with it the
 * count of what runs. */
#ifndef RL_DOMAIN_JOB_H
#define RL_DOMAIN_JOB_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/named.h"
#include "domain/account.h"
#include "domain/limits.h"
#include "domain/queue.h"

struct rl_heap;

enum rl_on_full { RL_ON_FULL_WAIT, RL_ON_FULL_FAIL, RL_ON_FULL_DROP_OLDEST };

struct rl_job_settings {
  enum rl_level level;
  enum rl_on_full on_full;
  unsigned max_running; /* 0: any number */
  uint64_t timeout;     /* ns that a task may run; 0: any time */
  uint64_t deadline;    /* ns from its submission to its end; 0: any time */
  struct rl_limits limits;
};

struct rl_job {
  struct rl_named named; /* by id */
  uint64_t id;
  atomic_uint references;
  struct rl_jobs *jobs;
  struct rl_job_settings settings;
  struct rl_account *account;
  struct rl_key *key; /* NULL: none */
  struct rl_group group;
};

/* The pool's. */
struct rl_jobs {
  struct rl_heap *heap;
  struct rl_queue *queue;
  pthread_mutex_t *lock; /* the pool's; for what follows */
  struct rl_named_table jobs, keys, accounts;
  uint64_t last_id;
  unsigned names; /* accounts */
};

void rl_jobs_init(struct rl_jobs *jobs, struct rl_heap *heap, struct rl_queue *queue,
                  pthread_mutex_t *lock);

/* No job may be left. */
void rl_jobs_destroy(struct rl_jobs *jobs);

/* A new job, with one reference. `key` may be NULL. NULL without memory. Any thread. */
struct rl_job *rl_job_new(struct rl_jobs *jobs, const struct rl_job_settings *settings,
                          const char *name, const char *key);

/* The job with this id, with one more reference; NULL if nobody holds it any more. Any thread. */
struct rl_job *rl_job_find(struct rl_jobs *jobs, uint64_t id);

/* One more reference, from one who has one. */
struct rl_job *rl_job_share(struct rl_job *job);
void rl_job_release(struct rl_job *job);

#endif
