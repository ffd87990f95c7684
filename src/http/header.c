/* Header: found by length first; of one length there are five names at most. */
#include "http/header.h"

#include <stdint.h>
#include <string.h>

enum { LONGEST = 24 };

static const char *const names[RL_HEADER_COUNT] = {
    [RL_HEADER_TE] = "te",
    [RL_HEADER_DNT] = "dnt",
    [RL_HEADER_DATE] = "date",
    [RL_HEADER_FROM] = "from",
    [RL_HEADER_HOST] = "host",
    [RL_HEADER_RANGE] = "range",
    [RL_HEADER_ACCEPT] = "accept",
    [RL_HEADER_COOKIE] = "cookie",
    [RL_HEADER_EXPECT] = "expect",
    [RL_HEADER_ORIGIN] = "origin",
    [RL_HEADER_PRAGMA] = "pragma",
    [RL_HEADER_REFERER] = "referer",
    [RL_HEADER_TRAILER] = "trailer",
    [RL_HEADER_UPGRADE] = "upgrade",
    [RL_HEADER_IF_MATCH] = "if-match",
    [RL_HEADER_IF_RANGE] = "if-range",
    [RL_HEADER_FORWARDED] = "forwarded",
    [RL_HEADER_CONNECTION] = "connection",
    [RL_HEADER_KEEP_ALIVE] = "keep-alive",
    [RL_HEADER_SET_COOKIE] = "set-cookie",
    [RL_HEADER_USER_AGENT] = "user-agent",
    [RL_HEADER_CONTENT_TYPE] = "content-type",
    [RL_HEADER_MAX_FORWARDS] = "max-forwards",
    [RL_HEADER_X_REQUEST_ID] = "x-request-id",
    [RL_HEADER_AUTHORIZATION] = "authorization",
    [RL_HEADER_CACHE_CONTROL] = "cache-control",
    [RL_HEADER_CONTENT_RANGE] = "content-range",
    [RL_HEADER_IF_NONE_MATCH] = "if-none-match",
    [RL_HEADER_LAST_EVENT_ID] = "last-event-id",
    [RL_HEADER_CONTENT_LENGTH] = "content-length",
    [RL_HEADER_ACCEPT_ENCODING] = "accept-encoding",
    [RL_HEADER_ACCEPT_LANGUAGE] = "accept-language",
    [RL_HEADER_X_FORWARDED_FOR] = "x-forwarded-for",
    [RL_HEADER_CONTENT_ENCODING] = "content-encoding",
    [RL_HEADER_X_FORWARDED_HOST] = "x-forwarded-host",
    [RL_HEADER_IF_MODIFIED_SINCE] = "if-modified-since",
    [RL_HEADER_SEC_WEBSOCKET_KEY] = "sec-websocket-key",
    [RL_HEADER_TRANSFER_ENCODING] = "transfer-encoding",
    [RL_HEADER_X_FORWARDED_PROTO] = "x-forwarded-proto",
    [RL_HEADER_IF_UNMODIFIED_SINCE] = "if-unmodified-since",
    [RL_HEADER_PROXY_AUTHORIZATION] = "proxy-authorization",
    [RL_HEADER_SEC_WEBSOCKET_VERSION] = "sec-websocket-version",
    [RL_HEADER_SEC_WEBSOCKET_PROTOCOL] = "sec-websocket-protocol",
    [RL_HEADER_SEC_WEBSOCKET_EXTENSIONS] = "sec-websocket-extensions",
};

/* By length: the first name at least as long; the next entry ends those of this length. */
/* clang-format off */
static const unsigned char first[LONGEST + 2] = {
    1, 1, 1, 2, 3, 6, 7, 12, 15, 17, 18, 22, 22, 25, 30, 31, 34, 36, 40, 40, 42, 42, 43, 44, 44, 45};
/* clang-format on */

/* With bit 5 set a letter is in lower case, and no other byte of a token becomes one of ours: '-'
 * and the digits would have to come from control characters. */
static uint64_t lower_word(const char *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word | 0x2020202020202020;
}

static bool is_short_name(const char *bytes, const char *name, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if ((bytes[i] | 0x20) != name[i])
      return false;
  }
  return true;
}

/* Eight bytes at a time, of which the last eight may overlap those before. */
static bool is_name(const char *bytes, const char *name, size_t size) {
  if (size < sizeof(uint64_t))
    return is_short_name(bytes, name, size);
  size_t last = size - sizeof(uint64_t);
  for (size_t i = 0; i < last; i += sizeof(uint64_t)) {
    if (lower_word(bytes + i) != lower_word(name + i))
      return false;
  }
  return lower_word(bytes + last) == lower_word(name + last);
}

enum rl_header rl_header_of(const char *name, size_t size) {
  if (size == 0 || size > LONGEST)
    return RL_HEADER_OTHER;
  for (unsigned i = first[size]; i < first[size + 1]; i++) {
    if (is_name(name, names[i], size))
      return (enum rl_header)i;
  }
  return RL_HEADER_OTHER;
}

const char *rl_header_name(enum rl_header header) {
  return names[header];
}

static char lower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

bool rl_header_same(const char *a, const char *b, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (lower(a[i]) != lower(b[i]))
      return false;
  }
  return true;
}
