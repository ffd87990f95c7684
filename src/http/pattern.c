/* Pattern: the syntax of routes. Every mistake is one text and one place. */
#include "http/pattern.h"

#include <stdbool.h>
#include <string.h>

#include "http/scan.h"

void rl_pattern_init(struct rl_pattern *pattern, struct rl_slice text) {
  *pattern = (struct rl_pattern){.text = text};
}

static int fail(struct rl_pattern *pattern, size_t at, const char *wrong) {
  pattern->at = at;
  pattern->wrong = wrong;
  return -1;
}

static bool is_letter(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static bool is_at(const struct rl_pattern *pattern, size_t at, const char *text) {
  size_t size = strlen(text);
  return pattern->text.size - at >= size && memcmp(pattern->text.bytes + at, text, size) == 0;
}

/* After the `:` or `*` at the current place. */
static struct rl_slice take_name(struct rl_pattern *pattern) {
  const char *bytes = pattern->text.bytes;
  size_t from = pattern->at + 1, at = from;
  while (at < pattern->text.size &&
         (is_letter(bytes[at]) || (at > from && bytes[at] >= '0' && bytes[at] <= '9')))
    at++;
  pattern->at = at;
  return (struct rl_slice){bytes + from, at - from};
}

static int next_name(struct rl_pattern *pattern, struct rl_pattern_part *part) {
  part->kind = RL_PATTERN_NAME;
  part->text = take_name(pattern);
  size_t at = pattern->at;
  if (part->text.size == 0)
    return fail(pattern, at, "a name must follow ':' (a colon itself is written %3A)");
  if (is_at(pattern, at, "{int}")) {
    part->kind = RL_PATTERN_INTEGER;
    at = pattern->at += 5;
  } else if (is_at(pattern, at, "{")) {
    return fail(pattern, at, "the only type is {int}");
  }
  if (at < pattern->text.size && pattern->text.bytes[at] != '/')
    return fail(pattern, at, "a parameter must reach to the end of its segment");
  return 1;
}

static int next_rest(struct rl_pattern *pattern, struct rl_pattern_part *part) {
  if (pattern->text.bytes[pattern->at - 1] != '/')
    return fail(pattern, pattern->at, "'*' must begin a segment (itself it is written %2A)");
  part->kind = RL_PATTERN_REST;
  part->text = take_name(pattern);
  if (part->text.size == 0)
    return fail(pattern, pattern->at, "a name must follow '*' (itself it is written %2A)");
  if (pattern->at < pattern->text.size)
    return fail(pattern, pattern->at, "nothing may follow what takes all the rest");
  return 1;
}

static int next_text(struct rl_pattern *pattern, struct rl_pattern_part *part) {
  size_t from = pattern->at, at = from;
  for (; at < pattern->text.size; at++) {
    unsigned char byte = (unsigned char)pattern->text.bytes[at];
    if (byte == ':' || byte == '*')
      break;
    if (byte <= ' ' || byte == 127)
      return fail(pattern, at, "spaces and control characters must be escaped");
    if (strchr("?#{}<>", byte))
      return fail(pattern, at, "none of ?#{}<> may stand here; itself it is written as an escape");
  }
  pattern->at = at;
  *part = (struct rl_pattern_part){RL_PATTERN_TEXT, {pattern->text.bytes + from, at - from}};
  return 1;
}

int rl_pattern_next(struct rl_pattern *pattern, struct rl_pattern_part *part) {
  if (pattern->wrong)
    return -1;
  if (pattern->at == 0 && !is_at(pattern, 0, "/"))
    return fail(pattern, 0, "it must begin with '/'");
  if (pattern->at == pattern->text.size)
    return 0;
  switch (pattern->text.bytes[pattern->at]) {
  case ':': return next_name(pattern, part);
  case '*': return next_rest(pattern, part);
  default: return next_text(pattern, part);
  }
}
