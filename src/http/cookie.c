/* Cookie: splits at `;` and at the first `=`; writes after all checks have passed. */
#include "http/cookie.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/scan.h"

/* What browsers take, in bytes. */
enum { PAIR_LIMIT = 4096, ATTRIBUTE_LIMIT = 1024 };

void rl_cookies_init(struct rl_cookies *cookies, struct rl_slice field, unsigned limit) {
  *cookies = (struct rl_cookies){field, limit};
}

/* Whether a piece between semicolons is a pair. */
static bool read_pair(struct rl_slice piece, struct rl_cookie_pair *pair) {
  const char *equals = piece.size ? memchr(piece.bytes, '=', piece.size) : NULL;
  if (!equals)
    return false;
  size_t size = (size_t)(equals - piece.bytes);
  pair->name = rl_scan_trim((struct rl_slice){piece.bytes, size});
  pair->value = rl_scan_trim((struct rl_slice){equals + 1, piece.size - size - 1});
  struct rl_slice *value = &pair->value;
  if (value->size >= 2 && value->bytes[0] == '"' && value->bytes[value->size - 1] == '"')
    *value = (struct rl_slice){value->bytes + 1, value->size - 2};
  return pair->name.size > 0 && rl_scan_token(pair->name) == pair->name.size;
}

int rl_cookies_next(struct rl_cookies *cookies, struct rl_cookie_pair *pair) {
  struct rl_slice *rest = &cookies->rest;
  while (rest->size) {
    const char *end = memchr(rest->bytes, ';', rest->size);
    size_t size = end ? (size_t)(end - rest->bytes) : rest->size;
    struct rl_slice piece = {rest->bytes, size};
    if (read_pair(piece, pair)) {
      if (cookies->left == 0)
        return RL_COOKIE_TOO_MANY;
      cookies->left--;
      rl_scan_skip(rest, end ? size + 1 : size);
      return 1;
    }
    rl_scan_skip(rest, end ? size + 1 : size);
  }
  return 0;
}

int rl_cookies_find(struct rl_cookies *cookies, struct rl_slice name, struct rl_slice *value) {
  struct rl_cookie_pair pair;
  int found;
  while ((found = rl_cookies_next(cookies, &pair)) == 1)
    if (rl_scan_equal(pair.name, name)) {
      *value = pair.value;
      return 1;
    }
  return found;
}

/* Browsers compare these prefixes in any case. */
static bool begins(struct rl_slice name, const char *prefix) {
  size_t size = strlen(prefix);
  return name.size >= size && strncasecmp(name.bytes, prefix, size) == 0;
}

/* cookie-octet: no controls, space, quote, comma, semicolon, backslash, no bytes above 127. */
static bool is_value(struct rl_slice value) {
  for (size_t i = 0; i < value.size; i++)
    if ((unsigned char)value.bytes[i] > 126)
      return false;
  return !rl_scan_has(value, " \",;\\");
}

static bool is_domain(struct rl_slice domain) {
  for (size_t i = 0; i < domain.size; i++) {
    char byte = domain.bytes[i];
    bool letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
    bool digit = byte >= '0' && byte <= '9';
    if (!letter && !digit && byte != '-' && (byte != '.' || i == 0))
      return false;
  }
  return domain.size <= 253;
}

static const char *check_attributes(const struct rl_cookie *cookie) {
  if (cookie->path.size && (cookie->path.bytes[0] != '/' || rl_scan_has(cookie->path, ";")))
    return "a cookie's path must begin with '/' and hold no ';' or control character";
  if (cookie->path.size > ATTRIBUTE_LIMIT)
    return "a cookie's path must not be longer than 1024 bytes";
  if (!is_domain(cookie->domain))
    return "a cookie's domain must be a host name";
  if (cookie->expires.size > ATTRIBUTE_LIMIT || rl_scan_has(cookie->expires, ";"))
    return "a cookie's expiry must be an HTTP date";
  if (cookie->site == RL_COOKIE_SITE_NONE && !cookie->secure)
    return "a cookie with SameSite=None must be Secure";
  if (cookie->partitioned && !cookie->secure)
    return "a partitioned cookie must be Secure";
  return NULL;
}

static const char *check_prefix(const struct rl_cookie *cookie) {
  bool host = begins(cookie->name, "__Host-");
  if ((host || begins(cookie->name, "__Secure-")) && !cookie->secure)
    return "a cookie called __Secure- or __Host- must be Secure";
  if (host && cookie->domain.size)
    return "a cookie called __Host- must have no domain";
  if (host && !rl_scan_equal(cookie->path, rl_scan_text("/")))
    return "a cookie called __Host- must have the path '/'";
  return NULL;
}

static const char *check(const struct rl_cookie *cookie) {
  if (cookie->name.size == 0 || rl_scan_token(cookie->name) != cookie->name.size)
    return "a cookie's name must be a token: letters, digits and !#$%&'*+-.^_`|~";
  if (!is_value(cookie->value))
    return "a cookie's value must be ASCII without spaces, control characters and \",;\\";
  if (cookie->name.size + cookie->value.size > PAIR_LIMIT)
    return "a cookie's name and value must not be longer than 4096 bytes";
  const char *wrong = check_attributes(cookie);
  return wrong ? wrong : check_prefix(cookie);
}

static void put(struct rl_buffer *to, const char *text) {
  rl_buffer_append(to, text, strlen(text));
}

static void put_attribute(struct rl_buffer *to, const char *name, struct rl_slice value) {
  if (value.size == 0)
    return;
  put(to, name);
  rl_buffer_append(to, value.bytes, value.size);
}

const char *rl_cookie_write(const struct rl_cookie *cookie, struct rl_buffer *to) {
  static const char *const sites[] = {"", "; SameSite=Strict", "; SameSite=Lax", "; SameSite=None"};
  const char *wrong = check(cookie);
  if (wrong)
    return wrong;
  rl_buffer_append(to, cookie->name.bytes, cookie->name.size);
  rl_buffer_byte(to, '=');
  rl_buffer_append(to, cookie->value.bytes, cookie->value.size);
  put_attribute(to, "; Path=", cookie->path);
  put_attribute(to, "; Domain=", cookie->domain);
  put_attribute(to, "; Expires=", cookie->expires);
  if (cookie->has_max_age) {
    char text[40];
    snprintf(text, sizeof text, "; Max-Age=%lld", (long long)cookie->max_age);
    put(to, text);
  }
  put(to, cookie->secure ? "; Secure" : "");
  put(to, cookie->http_only ? "; HttpOnly" : "");
  put(to, sites[cookie->site]);
  put(to, cookie->partitioned ? "; Partitioned" : "");
  return NULL;
}
