/* Native: what the host has said about its functions, checked and copied. */
#include "host/native.h"

#include <stdio.h>
#include <string.h>

static const struct {
  const char *word;
  enum rl_takes takes;
} kinds[] = {
    {"any", RL_TAKES_ANY},       {"boolean", RL_TAKES_BOOLEAN}, {"integer", RL_TAKES_INTEGER},
    {"number", RL_TAKES_NUMBER}, {"bytes", RL_TAKES_BYTES},
};

static bool parse_word(const char *word, size_t length, struct rl_parameter *parameter) {
  parameter->optional = word[length - 1] == '?';
  length -= parameter->optional;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strlen(kinds[i].word) != length || memcmp(kinds[i].word, word, length) != 0)
      continue;
    parameter->takes = kinds[i].takes;
    return true;
  }
  return false;
}

static bool parse(const char *takes, struct rl_native *native) {
  native->count = 0;
  size_t length;
  for (const char *word = takes; *(word += strspn(word, " ")); word += length) {
    length = strcspn(word, " ");
    if (native->count == RL_NATIVE_PARAMETERS ||
        !parse_word(word, length, &native->parameters[native->count++]))
      return false;
  }
  return true;
}

/* Of MODULE.NAME, with its zero byte. */
static size_t what_size(const char *module, const struct rille_native *native) {
  return strlen(module) + 1 + strlen(native->name) + 1;
}

static size_t whole_size(const char *module, const struct rille_native *natives, size_t count) {
  size_t size = sizeof(struct rl_natives) + count * sizeof(struct rl_native);
  for (size_t i = 0; i < count; i++)
    size += what_size(module, &natives[i]);
  return size;
}

static void fill(struct rl_native *to, const char *module, const struct rille_native *from,
                 char *what) {
  snprintf(what, what_size(module, from), "%s.%s", module, from->name);
  to->what = what;
  to->name = what + strlen(module) + 1;
  to->call = from->call;
  to->context = from->context;
}

struct rl_natives *rl_natives_new(struct rl_heap *heap, const char *module,
                                  const struct rille_native *natives, size_t count, size_t *wrong) {
  size_t size = whole_size(module, natives, count);
  struct rl_natives *made = rl_alloc(heap, size);
  *wrong = count;
  if (!made)
    return NULL;
  made->size = size;
  made->count = count;
  char *what = (char *)&made->list[count];
  for (size_t i = 0; i < count; i++) {
    fill(&made->list[i], module, &natives[i], what);
    what += what_size(module, &natives[i]);
    if (parse(natives[i].takes ? natives[i].takes : "", &made->list[i]))
      continue;
    *wrong = i;
    rl_natives_free(heap, made);
    return NULL;
  }
  return made;
}

void rl_natives_free(struct rl_heap *heap, struct rl_natives *natives) {
  if (natives)
    rl_free(heap, natives, natives->size);
}
