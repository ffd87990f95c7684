/* Letter: one packed value on its way through a channel. One owner at a time: the sender, its offer
 * or the channel, the receiver. */
#ifndef RL_DOMAIN_LETTER_H
#define RL_DOMAIN_LETTER_H

#include <lua.h>
#include <stdint.h>

#include "base/list.h"
#include "vm/parcel.h"

struct rl_letter {
  struct rl_list link;        /* in its channel */
  uint64_t number;            /* its place among all that the channel has accepted */
  struct rl_freight *freight; /* for which it counts, or NULL */
  struct rl_parcel parcel;    /* lends nothing: it outlives its sender */
};

/* The value at `index` (absolute), packed. NULL with an error pushed: it cannot cross, or there is
 * no memory. Does not raise; may call __pack. */
struct rl_letter *rl_letter_write(lua_State *L, int index);

/* [] -> [value]: unpacks it. The letter is freed, also if that raises. */
void rl_letter_read(lua_State *L, struct rl_letter *letter);

/* Any thread. NULL is allowed. */
void rl_letter_free(struct rl_letter *letter);

#endif
