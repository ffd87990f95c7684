/* Cookie: reads the Cookie field, writes Set-Cookie (RFC 6265 and what browsers made of it since).
 *
 * Reading is lenient where browsers are: a value may hold spaces, commas and quotes; one in quotes
 * comes without them; a piece that is no `name=value` is passed over. Writing is strict: what a
 * browser would refuse or read differently is an error. Threads: any. */
#ifndef RL_HTTP_COOKIE_H
#define RL_HTTP_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

enum { RL_COOKIE_TOO_MANY = -1 };

/* The pairs of one Cookie field, one after the other. */
struct rl_cookies {
  struct rl_slice rest; /* borrowed */
  unsigned left;        /* pairs that may still come */
};

struct rl_cookie_pair {
  struct rl_slice name, value; /* of the field, as they were sent */
};

enum rl_cookie_site {
  RL_COOKIE_SITE_UNSAID,
  RL_COOKIE_SITE_STRICT,
  RL_COOKIE_SITE_LAX,
  RL_COOKIE_SITE_NONE,
};

/* What Set-Cookie says. A slice of size 0 is left out; the value may be empty. */
struct rl_cookie {
  struct rl_slice name, value;
  struct rl_slice path, domain;
  struct rl_slice expires; /* an HTTP date */
  int64_t max_age;         /* seconds; 0 or less ends the cookie */
  bool has_max_age;
  bool secure, http_only, partitioned;
  enum rl_cookie_site site;
};

/* At most `limit` pairs. */
void rl_cookies_init(struct rl_cookies *cookies, struct rl_slice field, unsigned limit);

/* Takes the next pair: 1, or 0 at the end, or RL_COOKIE_TOO_MANY. */
int rl_cookies_next(struct rl_cookies *cookies, struct rl_cookie_pair *pair);

/* The first value of `name`, from here on: 1, 0 when there is none, or RL_COOKIE_TOO_MANY. */
int rl_cookies_find(struct rl_cookies *cookies, struct rl_slice name, struct rl_slice *value);

/* Appends the value of a Set-Cookie field: NULL, or what is wrong with the cookie (a static text;
 * nothing is appended then). Enforced: the name is a token, the value and the attributes hold
 * nothing that would end them, sizes are what browsers take, SameSite=None and Partitioned are
 * Secure, and so is what is called __Secure- or __Host-, the latter with the path "/" and without a
 * domain. */
const char *rl_cookie_write(const struct rl_cookie *cookie, struct rl_buffer *to);

#endif
