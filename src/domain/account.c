/* Account: see the header. */
#include "domain/account.h"

#include <string.h>

#include "base/heap.h"

enum { WEIGHT = 8 }; /* the latest run counts for one in so many */

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
  else if (ran > figures->expected)
    figures->expected += (ran - figures->expected) / WEIGHT;
  else if (!cut) /* one that was stopped says only that it would have run longer */
    figures->expected -= (figures->expected - ran) / WEIGHT;
}
