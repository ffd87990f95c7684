/* Log form: see the header. Everything is added in pieces that fit or are left out; a few bytes at
 * the end are for what closes the line then. */
#include "base/log_form.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/decimal.h"
#include "base/utf8.h"

enum {
  CLOSING = 64, /* what a line that is cut still gets: quotes, a mark, braces, the newline */
  ESCAPE = 8,   /* the longest one, and its NUL */
};

static const char FIELDS[] = "fields."; /* goes before names that every line has itself */

typedef size_t rule(const char *at, const char *end, char to[ESCAPE]);

static struct rl_slice slice_of(const char *text) {
  return (struct rl_slice){text, strlen(text)};
}

/* -- pieces ---------------------------------------------------------------------------------- */

/* Always has room: what is fixed, and short. */
static void put(struct rl_log_line *line, const char *text) {
  size_t size = strlen(text);
  memcpy(line->bytes + line->size, text, size);
  line->size += size;
}

static void add(struct rl_log_line *line, const char *bytes, size_t size) {
  if (line->cut || size + CLOSING > line->room - line->size) {
    line->cut = true;
    return;
  }
  memcpy(line->bytes + line->size, bytes, size);
  line->size += size;
}

static bool is_control(const char *at, unsigned size) {
  unsigned char byte = (unsigned char)*at;
  return byte < 0x20 || byte == 0x7f || (size == 2 && byte == 0xc2 && (unsigned char)at[1] < 0xa0);
}

/* Adds a text, character by character where `escape` changes it. */
static void add_escaped(struct rl_log_line *line, struct rl_slice text, rule *escape) {
  const char *at = text.bytes, *end = at + text.size, *plain = at;
  char changed[ESCAPE];
  while (at < end) {
    unsigned width = rl_utf8_size(at, end);
    size_t size = escape(at, width ? at + width : at, changed);
    if (size == 0) {
      at += width;
      continue;
    }
    add(line, plain, (size_t)(at - plain));
    add(line, changed, size);
    at += width ? width : 1;
    plain = at;
  }
  add(line, plain, (size_t)(at - plain));
}

/* A text without room is cut between characters, not left out. */
static void add_text(struct rl_log_line *line, struct rl_slice text, rule *escape) {
  enum { PIECE = 64 };
  while (text.size > 0 && !line->cut) {
    size_t size = text.size < PIECE ? text.size : PIECE;
    while (size < text.size && size > PIECE - 4 && ((unsigned char)text.bytes[size] & 0xc0) == 0x80)
      size--; /* no character is divided, as far as these are some */
    add_escaped(line, (struct rl_slice){text.bytes, size}, escape);
    text.bytes += size;
    text.size -= size;
  }
}

/* -- escapes: what a character, or a byte that is none (end == at), becomes; 0: it stays ------- */

static size_t hexadecimal(const char *format, unsigned value, char to[ESCAPE]) {
  return (size_t)snprintf(to, ESCAPE, format, value);
}

static size_t short_escape(char byte, char to[ESCAPE]) {
  static const char from[] = "\n\r\t\b\f", letters[] = "nrtbf";
  const char *found = byte ? strchr(from, byte) : NULL;
  if (!found)
    return 0;
  to[0] = '\\';
  to[1] = letters[found - from];
  return 2;
}

static size_t escape_message(const char *at, const char *end, char to[ESCAPE]) {
  unsigned char byte = (unsigned char)*at;
  if (end > at && !is_control(at, (unsigned)(end - at)))
    return 0;
  size_t size = short_escape(*at, to);
  if (size > 0)
    return size;
  return end - at == 2 ? hexadecimal("\\u%04x", (unsigned char)at[1], to)
                       : hexadecimal("\\x%02x", byte, to);
}

/* In a message tabs do no harm. */
static size_t escape_line(const char *at, const char *end, char to[ESCAPE]) {
  return *at == '\t' ? 0 : escape_message(at, end, to);
}

static size_t escape_quoted(const char *at, const char *end, char to[ESCAPE]) {
  if (*at != '"' && *at != '\\')
    return escape_message(at, end, to);
  to[0] = '\\';
  to[1] = *at;
  return 2;
}

static size_t escape_json(const char *at, const char *end, char to[ESCAPE]) {
  if (end == at)
    return hexadecimal("\\u%04x", 0xfffd, to);
  if (*at == '"' || *at == '\\')
    return escape_quoted(at, end, to);
  if (!is_control(at, (unsigned)(end - at)))
    return 0;
  size_t size = short_escape(*at, to);
  return size > 0 ? size : hexadecimal("\\u%04x", (unsigned char)(end - at == 2 ? at[1] : *at), to);
}

/* -- values ---------------------------------------------------------------------------------- */

static void add_string(struct rl_log_line *line, struct rl_slice text, rule *escape) {
  add(line, "\"", 1);
  if (line->cut)
    return;
  add_text(line, text, escape);
  put(line, "\"");
}

/* Whether a value in text needs no quotes. */
static bool is_word(struct rl_slice text) {
  char changed[ESCAPE];
  for (const char *at = text.bytes, *end = at + text.size; at < end;) {
    unsigned width = rl_utf8_size(at, end);
    if (*at == ' ' || *at == '=' || escape_quoted(at, at + width, changed) != 0)
      return false;
    at += width;
  }
  return text.size > 0;
}

static size_t write_number(double value, bool json, char to[RL_DECIMAL_ROOM]) {
  if (isfinite(value))
    return rl_decimal_float(value, to);
  const char *name = isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  return (size_t)snprintf(to, RL_DECIMAL_ROOM, json ? "\"%s\"" : "%s", name);
}

static void add_value(struct rl_log_line *line, const struct rl_log_field *field, bool json) {
  char digits[RL_DECIMAL_ROOM];
  switch (field->kind) {
  case RL_LOG_STRING:
    if (json)
      add_string(line, field->text, escape_json);
    else if (is_word(field->text))
      add_text(line, field->text, escape_quoted);
    else
      add_string(line, field->text, escape_quoted);
    break;
  case RL_LOG_INTEGER: add(line, digits, rl_decimal_integer(field->integer, digits)); break;
  case RL_LOG_NUMBER: add(line, digits, write_number(field->number, json, digits)); break;
  case RL_LOG_BOOLEAN: add(line, field->truth ? "true" : "false", field->truth ? 4 : 5); break;
  }
}

/* -- names ----------------------------------------------------------------------------------- */

/* The part of a name behind all "fields." that it begins with. */
static struct rl_slice stem_of(struct rl_slice name) {
  size_t size = sizeof FIELDS - 1;
  while (name.size > size && memcmp(name.bytes, FIELDS, size) == 0)
    name = (struct rl_slice){name.bytes + size, name.size - size};
  return name;
}

static bool is_taken(struct rl_slice name) {
  static const char *const taken[] = {"time", "level", "message", "domain", "trace", "cut"};
  struct rl_slice stem = stem_of(name);
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
    if (stem.size == strlen(taken[i]) && memcmp(stem.bytes, taken[i], stem.size) == 0)
      return true;
  return false;
}

/* No two fields of a line get the same name: one that looks as if it had the prefix gets another.
 */
static void add_name(struct rl_log_line *line, const struct rl_log_field *field, rule *escape) {
  if (!field->own && is_taken(field->name))
    add(line, FIELDS, sizeof FIELDS - 1);
  add_text(line, field->name, escape);
}

/* -- entries --------------------------------------------------------------------------------- */

const char *rl_log_level_name(enum rl_log_level level) {
  static const char *const names[] = {"debug", "info", "warn", "error"};
  return names[level];
}

/* 2026-11-27T03:34:08.123Z */
static void put_time(struct rl_log_line *line, int64_t time) {
  char text[64];
  time_t seconds = (time_t)(time / 1000);
  struct tm parts;
  gmtime_r(&seconds, &parts);
  snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
           parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
           (int)(time % 1000));
  put(line, text);
}

/* Splits a message at its first newline, if the rest is one of further lines. */
static struct rl_slice first_line(const struct rl_log_entry *entry, struct rl_slice *rest) {
  struct rl_slice message = entry->message;
  while (entry->lines && message.size > 0 && message.bytes[message.size - 1] == '\n')
    message.size--;
  const char *end = entry->lines ? memchr(message.bytes, '\n', message.size) : NULL;
  size_t size = end ? (size_t)(end - message.bytes) : message.size;
  *rest = (struct rl_slice){message.bytes + size, message.size - size};
  return (struct rl_slice){message.bytes, size};
}

/* "stack traceback:", "detached at:": what no entry looks like. */
static bool is_heading(struct rl_slice text) {
  size_t size = text.size > 0 ? text.size - 1 : 0;
  for (size_t i = 0; i < size; i++)
    if (text.bytes[i] != ' ' && text.bytes[i] != '_' &&
        (text.bytes[i] < 'a' || text.bytes[i] > 'z'))
      return false;
  return size > 0 && text.bytes[size] == ':';
}

/* A newline, and what follows to the next one, which is indented, so that it cannot be taken for
 * another entry; but the headings of tracebacks stand where Lua puts them. */
static void add_further(struct rl_log_line *line, struct rl_slice text) {
  bool stands = (text.size > 0 && text.bytes[0] == '\t') || is_heading(text);
  add(line, stands ? "\n" : "\n\t", stands ? 1 : 2);
  add_text(line, text, escape_line);
}

static void add_lines(struct rl_log_line *line, struct rl_slice rest) {
  while (rest.size > 0) {
    const char *begin = rest.bytes + 1, *end = rest.bytes + rest.size;
    const char *next = memchr(begin, '\n', (size_t)(end - begin));
    next = next ? next : end;
    add_further(line, (struct rl_slice){begin, (size_t)(next - begin)});
    rest = (struct rl_slice){next, (size_t)(end - next)};
  }
}

static void write_text(struct rl_log_line *line, const struct rl_log_entry *entry, bool plain) {
  struct rl_slice rest, first = first_line(entry, &rest);
  if (!plain) {
    put_time(line, entry->time);
    put(line, " ");
    put(line, rl_log_level_name(entry->level));
    put(line, " ");
  }
  add_text(line, entry->prefix, escape_line);
  add_text(line, first, escape_line);
  for (size_t i = 0; i < entry->count && !plain; i++) {
    const struct rl_log_field *field = &entry->fields[i];
    add(line, " ", 1);
    add_name(line, field, escape_quoted);
    add(line, "=", 1);
    add_value(line, field, false);
  }
  add_lines(line, rest);
  put(line, line->cut ? " ..(cut)\n" : "\n");
}

static void add_member(struct rl_log_line *line, const struct rl_log_field *field) {
  size_t before = line->size;
  add(line, ",\"", 2);
  add_name(line, field, escape_json);
  add(line, "\":", 2);
  size_t name = line->size;
  if (!line->cut)
    add_value(line, field, true);
  if (line->size == name || (line->cut && field->kind != RL_LOG_STRING))
    line->size = before; /* no name without its value */
}

static void write_json(struct rl_log_line *line, const struct rl_log_entry *entry) {
  struct rl_slice rest, first = first_line(entry, &rest);
  put(line, "{\"time\":\"");
  put_time(line, entry->time);
  put(line, "\",\"level\":\"");
  put(line, rl_log_level_name(entry->level));
  put(line, "\",\"message\":\"");
  add_text(line, entry->prefix, escape_json);
  add_text(line, first, escape_json);
  put(line, "\"");
  for (size_t i = 0; i < entry->count && !line->cut; i++)
    add_member(line, &entry->fields[i]);
  if (rest.size > 0) {
    rest = (struct rl_slice){rest.bytes + 1, rest.size - 1};
    add_member(line, &(struct rl_log_field){.name = slice_of("trace"), .own = true, .text = rest});
  }
  put(line, line->cut ? ",\"cut\":true}\n" : "}\n");
}

void rl_log_form(struct rl_log_line *line, enum rl_log_form form,
                 const struct rl_log_entry *entry) {
  line->size = 0;
  line->cut = false;
  if (form == RL_LOG_JSON)
    write_json(line, entry);
  else
    write_text(line, entry, form == RL_LOG_PLAIN);
}
