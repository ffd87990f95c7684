/* Text: short strings are copied; keys, and strings long enough, are looked for among those met,
 * so that they are written and made once; very long ones are not copied at all.
 *
 * Lua keeps each short string once, so that the address of the bytes tells keys apart. A few
 * recent keys are remembered beside the identities: the objects of a list mostly have the same. */
#include "vm/text.h"

#include "vm/mention.h"

enum {
  SHARED = 128,  /* a string this long is looked for even if it is no key */
  STRANGE = 1024 /* strings to meet before giving up on finding any again */
};

static struct rl_recent *recent_of(struct rl_packer *p, const char *text) {
  return &p->recent[(uintptr_t)text / 32 % RL_PACKER_RECENT];
}

/* Whether it is likely that strings come again: not in a dictionary of a million keys. */
static bool worth_meeting(const struct rl_packer *p) {
  return p->strange < STRANGE + 4 * p->familiar;
}

static void pack_shared(struct rl_packer *p, int index, const char *text, size_t size) {
  struct rl_recent *recent = recent_of(p, text);
  if (recent->text == text) {
    rl_mention_again(p, recent->slot);
    return;
  }
  struct rl_seen *seen = rl_mention_find(p, text);
  if (rl_mention_met(p, seen)) {
    p->familiar++;
    recent->text = text;
    recent->slot = rl_mention_slot(p, seen);
    rl_mention_again(p, recent->slot);
  } else {
    p->strange++;
    rl_mention_begin(p, seen, text, index);
    rl_put_head(p, RL_WIRE_KEY);
    rl_put_u32(p, (uint32_t)size);
    rl_put_bytes(p, text, size);
  }
}

static void pack_lent(struct rl_packer *p, int index, const char *text, uint64_t size) {
  if (!rl_mention_first(p, text, index))
    return;
  rl_put_head(p, RL_WIRE_LENT);
  rl_put_bytes(p, &text, sizeof text);
  rl_put_bytes(p, &size, sizeof size);
  lua_pushvalue(p->L, index);
  lua_rawseti(p->L, p->held, --p->lent);
  p->parcel->lends = true;
}

void rl_text_pack_bytes(struct rl_packer *p, int index, const char *text, size_t size,
                        bool is_key) {
  if ((is_key || size >= SHARED) && worth_meeting(p)) {
    pack_shared(p, index, text, size);
  } else if (size <= UINT8_MAX) {
    unsigned char *bytes = rl_put_room(p, 2 + size);
    bytes[0] = RL_WIRE_TEXT1;
    bytes[1] = (unsigned char)size;
    memcpy(bytes + 2, text, size);
  } else {
    rl_put_u8(p, RL_WIRE_TEXT4);
    rl_put_u32(p, (uint32_t)size);
    rl_put_bytes(p, text, size);
  }
}

void rl_text_pack(struct rl_packer *p, int index, bool is_key) {
  size_t size;
  const char *text = lua_tolstring(p->L, index, &size);
  if (size >= RL_TEXT_LENT && p->parcel->copies && size > UINT32_MAX)
    luaL_error(p->L, "a string of more than 4 GiB cannot go to all domains");
  else if (size >= RL_TEXT_LENT && !p->parcel->copies)
    pack_lent(p, index, text, size);
  else
    rl_text_pack_bytes(p, index, text, size, is_key);
}
