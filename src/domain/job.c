/* Job: see the header. What a new one needs is allocated first, and given back if the pool turns
 * out to have it: under the lock nothing allocates. */
#include "domain/job.h"

#include <assert.h>
#include <string.h>

#include "base/heap.h"

enum { MAX_NAMES = 1000 }; /* accounts are kept; names beyond these share one */

static const char rest[] = "(other jobs)";

/* The tasks with one key, of any job, at one level. */
struct rl_key {
  struct rl_named named; /* the level's number, and the key */
  unsigned jobs;         /* that have it */
  struct rl_lane lane;
  char name[];
};

void rl_jobs_init(struct rl_jobs *jobs, struct rl_heap *heap, struct rl_queue *queue,
                  pthread_mutex_t *lock) {
  *jobs = (struct rl_jobs){.heap = heap, .queue = queue, .lock = lock};
  rl_named_init(&jobs->jobs);
  rl_named_init(&jobs->keys);
  rl_named_init(&jobs->accounts);
}

void rl_jobs_destroy(struct rl_jobs *jobs) {
  for (int i = 0; i < RL_NAMED_BUCKETS; i++) {
    struct rl_list *link;
    assert(rl_list_empty(&jobs->jobs.buckets[i]) && rl_list_empty(&jobs->keys.buckets[i]));
    while ((link = rl_list_take(&jobs->accounts.buckets[i])))
      rl_account_free(jobs->heap, RL_OF(link, struct rl_account, named.link));
  }
}

static void free_key(struct rl_heap *heap, struct rl_key *key) {
  if (key)
    rl_free(heap, key, sizeof *key + key->named.size);
}

static struct rl_key *new_key(struct rl_heap *heap, enum rl_level level, const char *name) {
  size_t size = strlen(name);
  struct rl_key *key = rl_zalloc(heap, sizeof *key + 1 + size);
  if (!key)
    return NULL;
  rl_lane_init(&key->lane, level);
  key->name[0] = (char)level;
  memcpy(key->name + 1, name, size);
  key->named.name = key->name;
  key->named.size = 1 + size;
  return key;
}

/* Under the lock: the account of this name; *fresh becomes NULL if it was needed. */
static struct rl_account *open_account(struct rl_jobs *jobs, struct rl_account **fresh) {
  struct rl_account *account = *fresh;
  struct rl_named *known = rl_named_find(&jobs->accounts, account->name, account->named.size);
  if (known)
    return RL_OF(known, struct rl_account, named);
  rl_named_add(&jobs->accounts, &account->named);
  jobs->names++;
  *fresh = NULL;
  return account;
}

/* Under the lock: the same for the key. */
static struct rl_key *open_key(struct rl_jobs *jobs, struct rl_key **fresh) {
  struct rl_key *key = *fresh;
  if (!key)
    return NULL;
  struct rl_named *known = rl_named_find(&jobs->keys, key->name, key->named.size);
  if (known) {
    key = RL_OF(known, struct rl_key, named);
  } else {
    rl_named_add(&jobs->keys, &key->named);
    *fresh = NULL;
  }
  key->jobs++;
  return key;
}

static struct rl_job *new_job(struct rl_jobs *jobs, const struct rl_job_settings *settings) {
  struct rl_job *job = rl_zalloc(jobs->heap, sizeof *job);
  if (!job)
    return NULL;
  job->named.name = &job->id;
  job->named.size = sizeof job->id;
  job->jobs = jobs;
  job->settings = *settings;
  atomic_init(&job->references, 1);
  return job;
}

/* Under the lock. */
static void enter(struct rl_job *job, struct rl_account **account, struct rl_key **key) {
  struct rl_jobs *jobs = job->jobs;
  job->account = open_account(jobs, account);
  job->key = open_key(jobs, key);
  struct rl_lane *lane =
      job->key ? &job->key->lane : &jobs->queue->levels[job->settings.level].keyless;
  rl_group_init(&job->group, lane, job->settings.max_running);
  job->id = ++jobs->last_id;
  rl_named_add(&jobs->jobs, &job->named);
}

static bool has_names_left(struct rl_jobs *jobs) {
  pthread_mutex_lock(jobs->lock);
  bool left = jobs->names < MAX_NAMES;
  pthread_mutex_unlock(jobs->lock);
  return left;
}

struct rl_job *rl_job_new(struct rl_jobs *jobs, const struct rl_job_settings *settings,
                          const char *name, const char *key_name) {
  struct rl_heap *heap = jobs->heap;
  if (!has_names_left(jobs))
    name = rest;
  struct rl_job *job = new_job(jobs, settings);
  struct rl_account *account = rl_account_new(heap, name, strlen(name));
  struct rl_key *key = key_name ? new_key(heap, settings->level, key_name) : NULL;
  bool ready = job && account && (key || !key_name);
  if (ready) {
    pthread_mutex_lock(jobs->lock);
    enter(job, &account, &key);
    pthread_mutex_unlock(jobs->lock);
  } else if (job) {
    rl_free(heap, job, sizeof *job);
  }
  if (account)
    rl_account_free(heap, account);
  free_key(heap, key);
  return ready ? job : NULL;
}

/* The last reference may be given up at the same moment: then there is none to add to. */
static bool try_share(struct rl_job *job) {
  unsigned count = atomic_load(&job->references);
  while (count > 0)
    if (atomic_compare_exchange_weak(&job->references, &count, count + 1))
      return true;
  return false;
}

struct rl_job *rl_job_find(struct rl_jobs *jobs, uint64_t id) {
  pthread_mutex_lock(jobs->lock);
  struct rl_named *named = rl_named_find(&jobs->jobs, &id, sizeof id);
  struct rl_job *job = named ? RL_OF(named, struct rl_job, named) : NULL;
  if (job && !try_share(job))
    job = NULL;
  pthread_mutex_unlock(jobs->lock);
  return job;
}

struct rl_job *rl_job_share(struct rl_job *job) {
  atomic_fetch_add_explicit(&job->references, 1, memory_order_relaxed);
  return job;
}

void rl_job_release(struct rl_job *job) {
  if (atomic_fetch_sub_explicit(&job->references, 1, memory_order_acq_rel) != 1)
    return;
  struct rl_jobs *jobs = job->jobs;
  struct rl_key *key = job->key;
  pthread_mutex_lock(jobs->lock);
  assert(job->group.out == 0 && rl_list_empty(&job->group.kin));
  rl_list_remove(&job->named.link);
  if (key && --key->jobs == 0)
    rl_list_remove(&key->named.link);
  else
    key = NULL;
  pthread_mutex_unlock(jobs->lock);
  free_key(jobs->heap, key);
  rl_free(jobs->heap, job, sizeof *job);
}
