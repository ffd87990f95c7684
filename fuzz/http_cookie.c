/* Reads arbitrary bytes as a Cookie field, and puts pieces of them into a Set-Cookie: what is
 * written must be one line, and its name and value what a Cookie field would bring back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/cookie.h"
#include "http/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
  if (!holds)
    abort();
}

static void read_field(struct rl_slice field) {
  struct rl_cookies cookies;
  struct rl_cookie_pair pair;
  struct rl_slice value;
  unsigned seen = 0;
  rl_cookies_init(&cookies, field, 20);
  while (rl_cookies_next(&cookies, &pair) == 1) {
    must(pair.name.size > 0 && pair.value.bytes >= pair.name.bytes + pair.name.size);
    seen++;
  }
  must(seen <= 20);
  rl_cookies_init(&cookies, field, 20);
  rl_cookies_find(&cookies, rl_scan_text("a"), &value);
}

/* The next piece, up to a NUL. */
static struct rl_slice take(struct rl_slice *rest) {
  const char *end = rest->size ? memchr(rest->bytes, '\0', rest->size) : NULL;
  struct rl_slice piece = {rest->bytes, end ? (size_t)(end - rest->bytes) : rest->size};
  rl_scan_skip(rest, end ? piece.size + 1 : piece.size);
  return piece;
}

static void write_field(struct rl_slice rest, unsigned flags, struct rl_heap *heap) {
  struct rl_cookie cookie = {
      .max_age = (int64_t)flags - 5,
      .has_max_age = flags & 1,
      .secure = flags & 2,
      .http_only = flags & 4,
      .partitioned = flags & 8,
      .site = flags >> 4 & 3,
  };
  struct rl_cookies cookies;
  struct rl_slice value;
  struct rl_buffer to;
  cookie.name = take(&rest);
  cookie.value = take(&rest);
  cookie.path = take(&rest);
  cookie.domain = take(&rest);
  cookie.expires = take(&rest);
  rl_buffer_init(&to, heap);
  if (rl_cookie_write(&cookie, &to) == NULL) {
    struct rl_slice field = {(char *)to.bytes, to.size};
    must(!rl_scan_has(field, ""));
    rl_cookies_init(&cookies, field, 1);
    must(rl_cookies_find(&cookies, cookie.name, &value) == 1 && rl_scan_equal(value, cookie.value));
  } else {
    must(to.size == 0);
  }
  rl_buffer_free(&to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct rl_heap heap;
  if (size == 0)
    return 0;
  rl_heap_init(&heap);
  struct rl_slice text = {(const char *)data + 1, size - 1};
  read_field(text);
  write_field(text, data[0], &heap);
  must(atomic_load(&heap.blocks) == 0);
  return 0;
}
