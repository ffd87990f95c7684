/* Packer: its life. */
#include "vm/packer.h"

#include <string.h>

enum { KEPT = 1 << 16 }; /* bytes of `mentions` worth keeping */

struct rl_packer *rl_packer_new(struct rl_heap *heap) {
  struct rl_packer *packer = rl_zalloc(heap, sizeof *packer);
  if (!packer)
    return NULL;
  packer->heap = heap;
  rl_identity_init(&packer->seen, heap);
  rl_buffer_init(&packer->mentions, heap);
  return packer;
}

void rl_packer_free(struct rl_packer *packer) {
  if (!packer)
    return;
  rl_identity_free(&packer->seen);
  rl_buffer_free(&packer->mentions);
  rl_free(packer->heap, packer, sizeof *packer);
}

void rl_packer_clear(struct rl_packer *packer) {
  rl_identity_clear(&packer->seen);
  packer->mentions.size = 0;
  if (packer->mentions.failed || packer->mentions.capacity > KEPT)
    rl_buffer_free(&packer->mentions);
  packer->trouble = RL_PACKER_FINE;
  packer->metatable = NULL;
  packer->lent = 0;
  memset(packer->recent, 0, sizeof packer->recent);
  packer->shape.places = 0;
  packer->making = packer->strange = packer->familiar = 0;
}
