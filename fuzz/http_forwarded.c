/* Reads arbitrary bytes as the fields of a head, and of these what proxies say: the members of a
 * list lie in the head, from right to left and apart, and what is understood is what was said. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/authority.h"
#include "http/forwarded.h"
#include "http/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
  if (!holds)
    abort();
}

static void understand(struct rl_slice member) {
  struct rl_forwarded_hop hop;
  struct rl_forwarded_node node;
  enum rl_forwarded_scheme scheme;
  if (rl_forwarded_element(member, &hop) == 0 && hop.host.size > 0)
    must(rl_authority_valid(hop.host) && hop.host.bytes >= member.bytes &&
         hop.host.bytes + hop.host.size <= member.bytes + member.size);
  if (rl_forwarded_node(member, &node) == 0)
    must(member.size > 1);
  if (rl_forwarded_scheme(member, &scheme) == 0)
    must(scheme != RL_FORWARDED_UNSAID && member.size >= 2);
}

/* Every line of the input is a field of that name. */
static void add_fields(struct rl_head *head, enum rl_header header) {
  for (uint32_t at = 0; at < head->size;) {
    const char *start = head->bytes + at, *end = memchr(start, '\n', head->size - at);
    uint32_t size = end ? (uint32_t)(end - start) : head->size - at;
    struct rl_field *field = rl_field_add(&head->fields);
    must(field != NULL);
    *field = (struct rl_field){.value = at, .value_size = size, .header = (uint16_t)header};
    at += size + 1;
  }
}

static void read_list(const struct rl_head *head, enum rl_header header) {
  struct rl_forwarded list;
  struct rl_slice member;
  const char *before = head->bytes + head->size + 1;
  rl_forwarded_init(&list, head, header);
  while (rl_forwarded_before(&list, &member)) {
    must(member.bytes >= head->bytes && member.bytes + member.size < before);
    before = member.bytes + (member.size == 0);
    understand(member);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct rl_heap heap;
  struct rl_head head = {.bytes = (const char *)data, .size = (uint32_t)size};
  if (size > 4096)
    return 0;
  rl_heap_init(&heap);
  rl_field_init(&head.fields, &heap);
  add_fields(&head, RL_HEADER_FORWARDED);
  read_list(&head, RL_HEADER_FORWARDED);
  read_list(&head, RL_HEADER_X_FORWARDED_FOR);
  rl_field_free(&head.fields);
  must(atomic_load(&heap.blocks) == 0);
  return 0;
}
