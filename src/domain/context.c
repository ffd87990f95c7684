/* Context: see the header. Few keys, so they are searched one by one. */
#include "domain/context.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/heap.h"

static size_t size_of(unsigned count, size_t bytes) {
  return sizeof(struct rl_context) + count * sizeof(struct rl_context_item) + bytes;
}

static char *texts_of(struct rl_context *context) {
  return (char *)&context->items[context->count];
}

void rl_context_free(struct rl_context *context) {
  rl_free(context->heap, context, size_of(context->count, context->bytes));
}

/* -- reading ------------------------------------------------------------------------------- */

struct cursor {
  const struct rl_context *context; /* NULL: empty */
  unsigned next;
  const char *text;
};

static struct cursor start(const struct rl_context *context) {
  const char *text = context ? (const char *)&context->items[context->count] : NULL;
  return (struct cursor){.context = context, .text = text};
}

static bool step(struct cursor *cursor, struct rl_slice *key, struct rl_slice *value) {
  if (!cursor->context || cursor->next == cursor->context->count)
    return false;
  const struct rl_context_item *item = &cursor->context->items[cursor->next++];
  *key = (struct rl_slice){cursor->text, item->key_size};
  *value = (struct rl_slice){cursor->text + item->key_size, item->value_size};
  cursor->text += item->key_size + item->value_size;
  return true;
}

static bool is_same(struct rl_slice one, struct rl_slice other) {
  return one.size == other.size && memcmp(one.bytes, other.bytes, one.size) == 0;
}

struct rl_slice rl_context_find(const struct rl_context *context, struct rl_slice key) {
  struct cursor cursor = start(context);
  struct rl_slice name, value;
  while (step(&cursor, &name, &value))
    if (is_same(name, key))
      return value;
  return (struct rl_slice){NULL, 0};
}

struct rl_slice rl_context_key(const struct rl_context *context, unsigned index) {
  struct cursor cursor = start(context);
  struct rl_slice key = {NULL, 0}, value;
  while (step(&cursor, &key, &value) && index-- > 0)
    ;
  return key;
}

/* -- making -------------------------------------------------------------------------------- */

struct total {
  unsigned count;
  size_t bytes;
};

static void add(struct total *total, struct rl_slice key, struct rl_slice value) {
  total->count++;
  total->bytes += key.size + value.size;
}

static char *put(char *text, struct rl_slice slice) {
  memcpy(text, slice.bytes, slice.size);
  return text + slice.size;
}

static char *write(struct rl_context_item *item, char *text, struct rl_slice key,
                   struct rl_slice value) {
  *item = (struct rl_context_item){(uint32_t)key.size, (uint32_t)value.size};
  return put(put(text, key), value);
}

static void fill(struct rl_context *made, const struct rl_context *context, struct rl_slice key,
                 struct rl_slice value) {
  struct cursor cursor = start(context);
  struct rl_slice old_key, old_value;
  struct rl_context_item *item = made->items;
  char *text = texts_of(made);
  while (step(&cursor, &old_key, &old_value))
    if (!is_same(old_key, key))
      text = write(item++, text, old_key, old_value);
  if (value.bytes)
    write(item, text, key, value);
}

enum rl_context_fault rl_context_with(struct rl_heap *heap, const struct rl_context *context,
                                      struct rl_slice key, struct rl_slice value,
                                      struct rl_context **made) {
  struct total total = {0};
  struct cursor cursor = start(context);
  struct rl_slice old_key, old_value;
  while (step(&cursor, &old_key, &old_value))
    if (!is_same(old_key, key))
      add(&total, old_key, old_value);
  if (value.bytes)
    add(&total, key, value);
  *made = NULL;
  if (total.count == 0)
    return RL_CONTEXT_FINE;
  if (total.count > RL_CONTEXT_MOST || total.bytes > RL_CONTEXT_BYTES)
    return RL_CONTEXT_TOO_BIG;
  struct rl_context *fresh = rl_alloc(heap, size_of(total.count, total.bytes));
  if (!fresh)
    return RL_CONTEXT_NO_MEMORY;
  atomic_init(&fresh->references, 1);
  fresh->count = total.count;
  fresh->bytes = total.bytes;
  fresh->heap = heap;
  fill(fresh, context, key, value);
  *made = fresh;
  return RL_CONTEXT_FINE;
}

const char *rl_context_note(const struct rl_context *context, char note[RL_CONTEXT_NOTE]) {
  enum { MOST = RL_CONTEXT_NOTE - 16 };
  struct rl_slice id = rl_context_find(context, (struct rl_slice){"request_id", 10});
  *note = '\0';
  if (id.bytes)
    snprintf(note, RL_CONTEXT_NOTE, " (request %.*s)", id.size < MOST ? (int)id.size : MOST,
             id.bytes);
  return note;
}
