/* Account: see the header. */
#include "domain/account.h"

#include <string.h>

#include "base/heap.h"

enum {
  WEIGHT = 8, /* the latest run counts for one in so many */
  STEADY = 32 /* runs: if one in twenty is short, one stretch of 32 in five has no such one */
};

struct rl_account *rl_account_new(struct rl_heap *heap, const char *name, size_t size) {
  struct rl_account *account = rl_zalloc(heap, sizeof *account + size + 1);
  if (!account)
    return NULL;
  memcpy(account->name, name, size);
  account->named.name = account->name;
  account->named.size = size;
  return account;
}

void rl_account_free(struct rl_heap *heap, struct rl_account *account) {
  rl_free(heap, account, sizeof *account + account->named.size + 1);
}

/* False if it says nothing: one that was stopped would have run longer. */
static bool weigh(uint64_t *expected, uint64_t ran, bool cut) {
  if (*expected == 0)
    *expected = ran;
  if (cut && ran <= *expected)
    return false;
  if (ran > *expected)
    *expected += (ran - *expected) / WEIGHT;
  else
    *expected -= (*expected - ran) / WEIGHT;
  return true;
}

void rl_figures_learn(struct rl_figures *figures, uint64_t ran, bool cut) {
  figures->runs++;
  figures->run += ran;
  weigh(&figures->expected, ran, cut);
}

void rl_likeness_learn(struct rl_likeness *likeness, uint64_t ran, bool cut) {
  bool is_short = ran < likeness->expected / 2;
  if (weigh(&likeness->expected, ran, cut))
    likeness->steady = is_short ? 0 : likeness->steady + 1;
}

uint64_t rl_likeness_run(const struct rl_likeness *likeness) {
  return likeness->steady >= STEADY ? likeness->expected : 0;
}
