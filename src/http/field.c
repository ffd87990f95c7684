/* Field: growth by doubling, and lookups. */
#include "http/field.h"

#include <string.h>

void rl_field_init(struct rl_field_list *fields, struct rl_heap *heap) {
  fields->heap = heap;
  fields->list = fields->room;
  fields->capacity = RL_FIELD_INLINE;
  fields->count = 0;
  fields->present = 0;
}

void rl_field_free(struct rl_field_list *fields) {
  if (fields->list != fields->room)
    rl_free(fields->heap, fields->list, fields->capacity * sizeof *fields->list);
  rl_field_init(fields, fields->heap);
}

int rl_field_grow(struct rl_field_list *fields) {
  size_t size = fields->capacity * sizeof *fields->list;
  bool inside = fields->list == fields->room;
  struct rl_field *list =
      rl_realloc(fields->heap, inside ? NULL : fields->list, inside ? 0 : size, 2 * size);
  if (!list)
    return -1;
  if (inside)
    memcpy(list, fields->room, size);
  fields->list = list;
  fields->capacity *= 2;
  return 0;
}

const struct rl_field *rl_field_known(const struct rl_field_list *fields, enum rl_header header,
                                      const struct rl_field *after) {
  if (!(fields->present >> header & 1))
    return NULL;
  const struct rl_field *end = fields->list + fields->count;
  for (const struct rl_field *field = after ? after + 1 : fields->list; field < end; field++) {
    if (field->header == header)
      return field;
  }
  return NULL;
}

const struct rl_field *rl_field_find(const struct rl_field_list *fields, const char *base,
                                     struct rl_slice name, const struct rl_field *after) {
  const struct rl_field *end = fields->list + fields->count;
  for (const struct rl_field *field = after ? after + 1 : fields->list; field < end; field++) {
    if (field->name_size == name.size && rl_header_same(base + field->name, name.bytes, name.size))
      return field;
  }
  return NULL;
}
