/* Forwarded: splits from the right, and understands one member at a time. */
#include "http/forwarded.h"

#include <arpa/inet.h>
#include <string.h>

#include "http/authority.h"
#include "http/chars.h"
#include "http/scan.h"

/* -- lists --------------------------------------------------------------------------------- */

void rl_forwarded_init(struct rl_forwarded *list, const struct rl_head *head,
                       enum rl_header header) {
  *list = (struct rl_forwarded){.head = head, .header = header, .index = head->fields.count};
}

/* Where the quoted string begins whose closing quote is at `end`; `end` when it has no beginning.
 * A quote behind a backslash is part of it. */
static size_t quote_before(const char *bytes, size_t end) {
  for (size_t at = end; at > 0;) {
    size_t escapes = 0;
    if (bytes[--at] != '"')
      continue;
    while (escapes < at && bytes[at - 1 - escapes] == '\\')
      escapes++;
    if (escapes % 2 == 0)
      return at;
    at -= escapes;
  }
  return end;
}

/* Where the last member begins. A quote that nothing opens belongs to it, as does all before. */
static size_t last_member(struct rl_slice text) {
  size_t at = text.size;
  while (at > 0 && text.bytes[at - 1] != ',') {
    at--;
    if (text.bytes[at] != '"')
      continue;
    size_t quote = quote_before(text.bytes, at);
    if (quote == at)
      return 0;
    at = quote;
  }
  return at;
}

bool rl_forwarded_before(struct rl_forwarded *list, struct rl_slice *member) {
  const struct rl_head *head = list->head;
  while (!list->open && list->index > 0) {
    const struct rl_field *field = &head->fields.list[--list->index];
    if (field->header != list->header)
      continue;
    list->rest = rl_field_value(head->bytes, field);
    list->open = true;
  }
  if (!list->open)
    return false;
  size_t start = last_member(list->rest);
  struct rl_slice last = {list->rest.bytes + start, list->rest.size - start};
  *member = rl_scan_trim(last);
  list->open = start > 0;
  list->rest.size = start > 0 ? start - 1 : 0; /* without its comma */
  return true;
}

/* -- members ------------------------------------------------------------------------------- */

static bool take_address(struct rl_slice text, bool v6, unsigned char address[16]) {
  static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
  char copy[INET6_ADDRSTRLEN];
  if (text.size >= sizeof copy || memchr(text.bytes, '\0', text.size))
    return false;
  memcpy(copy, text.bytes, text.size);
  copy[text.size] = '\0';
  if (v6)
    return inet_pton(AF_INET6, copy, address) == 1;
  memcpy(address, mapped, sizeof mapped);
  return inet_pton(AF_INET, copy, address + sizeof mapped) == 1;
}

/* "_" and more; what a proxy says instead of an address or a port. */
static bool is_hidden(struct rl_slice text) {
  if (text.size < 2 || text.bytes[0] != '_')
    return false;
  for (size_t i = 1; i < text.size; i++) {
    if (!rl_char_is(text.bytes[i], RL_CHAR_HOST) || text.bytes[i] == '~')
      return false;
  }
  return true;
}

/* What stands behind the address: nothing, or a colon and a port. */
static bool take_port(struct rl_slice text, uint16_t *port) {
  uint64_t number;
  *port = 0;
  if (text.size == 0)
    return true;
  if (text.bytes[0] != ':')
    return false;
  rl_scan_skip(&text, 1);
  if (is_hidden(text))
    return true;
  if (text.size > 5 || !rl_scan_number(text, &number) || number > UINT16_MAX)
    return false;
  *port = (uint16_t)number;
  return true;
}

/* [2001:db8::1], and perhaps a port */
static int bracketed(struct rl_slice text, struct rl_forwarded_node *node) {
  const char *end = memchr(text.bytes, ']', text.size);
  if (!end)
    return -1;
  size_t size = (size_t)(end - text.bytes) - 1;
  struct rl_slice inside = {text.bytes + 1, size};
  rl_scan_skip(&text, size + 2);
  node->known = take_address(inside, true, node->address);
  return node->known && take_port(text, &node->port) ? 0 : -1;
}

int rl_forwarded_node(struct rl_slice member, struct rl_forwarded_node *node) {
  *node = (struct rl_forwarded_node){.known = false};
  if (member.size == 0)
    return -1;
  if (member.bytes[0] == '[')
    return bracketed(member, node);
  const char *colon = memchr(member.bytes, ':', member.size);
  size_t size = colon ? (size_t)(colon - member.bytes) : member.size;
  struct rl_slice name = {member.bytes, size}, port = {member.bytes + size, member.size - size};
  if (colon && memchr(colon + 1, ':', port.size - 1)) {
    node->known = take_address(member, true, node->address);
    return node->known ? 0 : -1;
  }
  if (!take_port(port, &node->port))
    return -1;
  if (rl_scan_is(name, "unknown") || is_hidden(name))
    return 0;
  node->known = take_address(name, false, node->address);
  return node->known ? 0 : -1;
}

int rl_forwarded_scheme(struct rl_slice member, enum rl_forwarded_scheme *scheme) {
  if (rl_scan_is(member, "https") || rl_scan_is(member, "wss"))
    *scheme = RL_FORWARDED_HTTPS;
  else if (rl_scan_is(member, "http") || rl_scan_is(member, "ws"))
    *scheme = RL_FORWARDED_HTTP;
  else
    return -1;
  return 0;
}

enum { SAYS_FOR = 1, SAYS_PROTO = 2, SAYS_HOST = 4 };

/* One of the parameters that matter: its bit, 0 for any other, -1 when it is malformed. */
static int take_pair(const struct rl_scan_parameter *pair, struct rl_forwarded_hop *hop) {
  if (rl_scan_is(pair->name, "for"))
    return rl_forwarded_node(pair->value, &hop->node) == 0 ? SAYS_FOR : -1;
  if (rl_scan_is(pair->name, "proto"))
    return rl_forwarded_scheme(pair->value, &hop->scheme) == 0 ? SAYS_PROTO : -1;
  if (!rl_scan_is(pair->name, "host"))
    return 0;
  hop->host = pair->value;
  return rl_authority_valid(pair->value) ? SAYS_HOST : -1;
}

int rl_forwarded_element(struct rl_slice member, struct rl_forwarded_hop *hop) {
  struct rl_scan_parameter pair;
  int seen = 0, more = rl_scan_pair(&member, &pair) ? 1 : -1;
  *hop = (struct rl_forwarded_hop){.host = {"", 0}};
  for (; more == 1; more = rl_scan_parameter(&member, &pair)) {
    int said = take_pair(&pair, hop);
    if (said < 0 || (seen & said) != 0)
      return -1;
    seen |= said;
  }
  return more;
}
