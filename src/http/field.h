/* Field: the index of a head's fields, as offsets into the head's bytes, in their order. Only its
 * first RL_FIELD_INLINE need no memory of their own. Owner: the head that embeds it. */
#ifndef RL_HTTP_FIELD_H
#define RL_HTTP_FIELD_H

#include <stdint.h>

#include "base/heap.h"
#include "base/slice.h"
#include "http/header.h"

enum { RL_FIELD_INLINE = 24 };

struct rl_field {
  uint32_t name, value; /* where they begin */
  uint32_t value_size;  /* without the white space around it */
  uint16_t name_size;
  uint16_t header; /* an rl_header */
};

struct rl_field_list {
  struct rl_heap *heap;
  struct rl_field *list; /* `room`, or a block of `capacity` fields from the heap */
  uint64_t present;      /* bit n: rl_header n is among them */
  uint32_t count, capacity;
  struct rl_field room[RL_FIELD_INLINE];
};

void rl_field_init(struct rl_field_list *fields, struct rl_heap *heap);
void rl_field_free(struct rl_field_list *fields);

/* For the next head; memory for more than the inline ones is given back. */
static inline void rl_field_clear(struct rl_field_list *fields) {
  if (fields->capacity != RL_FIELD_INLINE)
    rl_field_free(fields);
  fields->count = 0;
  fields->present = 0;
}

int rl_field_grow(struct rl_field_list *fields);

/* Room for one more field, undefined; NULL when there is no memory. */
static inline struct rl_field *rl_field_add(struct rl_field_list *fields) {
  if (fields->count == fields->capacity && rl_field_grow(fields) != 0)
    return NULL;
  return &fields->list[fields->count++];
}

/* The first field of that name after `after` (NULL: from the start), in the order of the head;
 * NULL when there is none. */
const struct rl_field *rl_field_known(const struct rl_field_list *fields, enum rl_header header,
                                      const struct rl_field *after);

/* The same by name, in any case, which need not be a token; `base` holds the head's bytes. */
const struct rl_field *rl_field_find(const struct rl_field_list *fields, const char *base,
                                     struct rl_slice name, const struct rl_field *after);

static inline struct rl_slice rl_field_name(const char *base, const struct rl_field *field) {
  return (struct rl_slice){base + field->name, field->name_size};
}

static inline struct rl_slice rl_field_value(const char *base, const struct rl_field *field) {
  return (struct rl_slice){base + field->value, field->value_size};
}

#endif
