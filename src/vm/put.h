/* Put: writes into the bytes of the parcel that is being packed. All of it raises for want of
 * memory. */
#ifndef RL_VM_PUT_H
#define RL_VM_PUT_H

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

#include "vm/packer.h"
#include "vm/wire.h"

/* Room for `size` bytes at the end; what is not used is given back with rl_put_used. */
static inline unsigned char *rl_put_room(struct rl_packer *p, size_t size) {
  unsigned char *bytes = rl_buffer_extend(&p->parcel->bytes, size);
  if (!bytes)
    luaL_error(p->L, "not enough memory");
  return bytes;
}

/* The bytes end at `end`, which lies in the room asked for last. */
static inline void rl_put_used(struct rl_packer *p, const unsigned char *end) {
  p->parcel->bytes.size = (size_t)(end - p->parcel->bytes.bytes);
}

static inline void rl_put_u8(struct rl_packer *p, unsigned value) {
  *rl_put_room(p, 1) = (unsigned char)value;
}

static inline void rl_put_u32(struct rl_packer *p, uint32_t value) {
  memcpy(rl_put_room(p, sizeof value), &value, sizeof value);
}

static inline void rl_put_bytes(struct rl_packer *p, const void *bytes, size_t size) {
  memcpy(rl_put_room(p, size), bytes, size);
}

/* A tag and an empty slot. */
static inline void rl_put_head(struct rl_packer *p, unsigned tag) {
  unsigned char *head = rl_put_room(p, 1 + sizeof(uint32_t));
  *head = (unsigned char)tag;
  memset(head + 1, 0, sizeof(uint32_t));
}

static inline uint32_t rl_put_read(const struct rl_packer *p, size_t position) {
  uint32_t value;
  memcpy(&value, p->parcel->bytes.bytes + position, sizeof value);
  return value;
}

static inline void rl_put_patch(struct rl_packer *p, size_t position, uint32_t value) {
  memcpy(p->parcel->bytes.bytes + position, &value, sizeof value);
}

static inline size_t rl_put_position(const struct rl_packer *p) {
  return p->parcel->bytes.size;
}

/* Writes an integer to `to`, which has room for nine bytes: how many it took. */
static inline size_t rl_put_integer(unsigned char *to, lua_Integer number) {
  int8_t one = (int8_t)number;
  int16_t two = (int16_t)number;
  int32_t four = (int32_t)number;
  if (number >= 0 && number < RL_WIRE_SMALL) {
    *to = (unsigned char)(RL_WIRE_SMALL | number);
    return 1;
  }
  if (number == one) {
    *to = RL_WIRE_INT1;
    memcpy(to + 1, &one, sizeof one);
    return 1 + sizeof one;
  }
  if (number == two) {
    *to = RL_WIRE_INT2;
    memcpy(to + 1, &two, sizeof two);
    return 1 + sizeof two;
  }
  if (number == four) {
    *to = RL_WIRE_INT4;
    memcpy(to + 1, &four, sizeof four);
    return 1 + sizeof four;
  }
  *to = RL_WIRE_INT8;
  memcpy(to + 1, &number, sizeof number);
  return 1 + sizeof number;
}

#endif
