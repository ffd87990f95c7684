/* Account: see the header. */
#include "domain/account.h"

#include <string.h>

#include "base/heap.h"

enum {
  WEIGHT = 8, /* the latest run counts for one in so many */
  STEADY = 32 /* runs without a short one: where one in twenty is short, four in five meet fewer */
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

void rl_figures_learn(struct rl_figures *figures, uint64_t ran, bool cut) {
  figures->runs++;
  figures->run += ran;
  if (figures->expected == 0)
    figures->expected = ran;
  if (cut && ran <= figures->expected)
    return; /* it says only that it would have run longer */
  figures->steady = ran >= figures->expected / 2 ? figures->steady + 1 : 0;
  if (ran > figures->expected)
    figures->expected += (ran - figures->expected) / WEIGHT;
  else
    figures->expected -= (figures->expected - ran) / WEIGHT;
}

bool rl_figures_alike(const struct rl_figures *figures) {
  return figures->steady >= STEADY;
}
