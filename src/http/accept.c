/* Accept: each name on offer is looked up in the list, which is read anew for each: offers are few,
 * and nothing has to be kept. */
#include "http/accept.h"

#include <string.h>
#include <strings.h>

#include "http/scan.h"

/* identity without a word about it: taken, after everything that is named. */
enum { LAST_CHOICE = 1, FULL = 1000 };

/* A weight: 0, 0.5, 1.000; -1 when it is malformed. */
static int read_weight(struct rl_slice text) {
  if (text.size == 0 || text.size > 5 || (text.bytes[0] != '0' && text.bytes[0] != '1') ||
      (text.size > 1 && text.bytes[1] != '.'))
    return -1;
  int weight = (text.bytes[0] - '0') * FULL;
  for (size_t i = 2, digit = 100; i < text.size; i++, digit /= 10) {
    if (text.bytes[i] < '0' || text.bytes[i] > '9')
      return -1;
    weight += (text.bytes[i] - '0') * (int)digit;
  }
  return weight <= FULL ? weight : -1;
}

/* The name is a token, a media range, or a language: all that comes before a `;`. */
static bool read_item(struct rl_slice member, struct rl_accept_item *item) {
  const char *end = memchr(member.bytes, ';', member.size);
  size_t size = end ? (size_t)(end - member.bytes) : member.size;
  struct rl_slice rest = {member.bytes + size, member.size - size};
  struct rl_scan_parameter parameter;
  int more;
  item->name = rl_scan_trim((struct rl_slice){member.bytes, size});
  item->weight = FULL;
  while ((more = rl_scan_parameter(&rest, &parameter)) == 1)
    if (rl_scan_is(parameter.name, "q"))
      item->weight = read_weight(parameter.value);
  return more == 0 && item->weight >= 0;
}

bool rl_accept_next(struct rl_slice *rest, struct rl_accept_item *item) {
  struct rl_slice member;
  while (rl_scan_member(rest, &member))
    if (read_item(member, item))
      return true;
  return false;
}

/* How closely a list's item means this media type: 3, 2 for its type, 1 for any, 0. */
static int fits_media(struct rl_slice item, const char *name) {
  const char *slash = strchr(name, '/');
  size_t type = slash ? (size_t)(slash - name) + 1 : 0;
  if (rl_scan_is(item, name))
    return 3;
  if (type && item.size == type + 1 && item.bytes[type] == '*' &&
      strncasecmp(item.bytes, name, type) == 0)
    return 2;
  return rl_scan_is(item, "*/*");
}

/* The same for other names: 2 for itself, 1 for any. */
static int fits(struct rl_slice item, enum rl_accept_kind kind, const char *name) {
  if (kind == RL_ACCEPT_MEDIA)
    return fits_media(item, name);
  if (kind == RL_ACCEPT_ENCODINGS && rl_scan_is(item, "x-gzip"))
    item = rl_scan_text("gzip");
  return rl_scan_is(item, name) ? 2 : rl_scan_is(item, "*");
}

int rl_accept_weight(struct rl_slice list, enum rl_accept_kind kind, const char *name) {
  struct rl_accept_item item;
  bool identity = kind == RL_ACCEPT_ENCODINGS && strcmp(name, "identity") == 0;
  int best = 0, weight = identity ? LAST_CHOICE : 0;
  while (rl_accept_next(&list, &item)) {
    int closeness = fits(item.name, kind, name);
    if (closeness <= best)
      continue;
    best = closeness;
    weight = item.weight;
    if (identity && closeness == 1 && weight > 0) /* `*` is about what is not identity */
      weight = LAST_CHOICE;
  }
  return weight;
}

int rl_accept_choose(struct rl_slice list, enum rl_accept_kind kind, const char *const *names,
                     int count) {
  int choice = -1, best = 0;
  for (int i = 0; i < count; i++) {
    int weight = rl_accept_weight(list, kind, names[i]);
    if (weight > best) {
      best = weight;
      choice = i;
    }
  }
  return choice;
}
