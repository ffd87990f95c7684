/* File plan: the conditions first, then the ranges, then the fields that the status calls for. */
#include "http/file_plan.h"

#include <string.h>

#include "http/date.h"
#include "http/response.h"
#include "http/scan.h"

static const char multipart[] = "multipart/byteranges; boundary=";

static struct rl_condition_state state_of(const struct rl_file_facts *facts) {
  return (struct rl_condition_state){
      .exists = true, .etag = facts->etag, .modified = facts->modified};
}

/* How many ranges are to be served, or RL_RANGE_NONE. Only GET knows them. */
static int ranges_of(const struct rl_file_ask *ask, const struct rl_file_facts *facts,
                     struct rl_range ranges[RL_RANGE_LIMIT]) {
  const struct rl_condition_state state = state_of(facts);
  if (!ask->range.bytes || ask->method != RL_METHOD_GET)
    return RL_RANGE_WHOLE;
  if (ask->if_range.bytes && !rl_condition_range(ask->if_range, ask->if_range_date, &state))
    return RL_RANGE_WHOLE;
  return rl_range_parse(ask->range, facts->size, ranges);
}

/* Sets the status and the pieces. */
static void decide(struct rl_file_plan *plan, const struct rl_file_ask *ask,
                   const struct rl_file_facts *facts) {
  const struct rl_condition_state state = state_of(facts);
  struct rl_condition condition = ask->condition;
  condition.reads = ask->method == RL_METHOD_GET || ask->method == RL_METHOD_HEAD;
  enum rl_condition_end end = rl_condition_check(&condition, &state);
  if (!condition.reads || end != RL_CONDITION_GO) {
    plan->status = condition.reads ? (int)end : 405;
    return;
  }
  int count = ranges_of(ask, facts, plan->pieces);
  plan->status = count == RL_RANGE_NONE ? 416 : count == RL_RANGE_WHOLE ? 200 : 206;
  plan->count = count > 0 ? count : 0;
  if (count == RL_RANGE_WHOLE && facts->size > 0) {
    plan->count = 1;
    plan->pieces[0] = (struct rl_range){0, facts->size - 1};
  }
}

static void put(struct rl_buffer *to, const char *text) {
  rl_buffer_append(to, text, strlen(text));
}

static void put_field(struct rl_buffer *fields, const char *name, struct rl_slice value) {
  rl_response_field(fields, rl_scan_text(name), value);
}

static void put_content_range(struct rl_buffer *to, const struct rl_range *range, uint64_t size) {
  put(to, "Content-Range: ");
  if (range)
    rl_range_write(*range, size, to);
  else
    rl_range_write_none(size, to);
  put(to, "\r\n");
}

/* What separates pieces: the file's type and which of its bytes follow. */
static void put_part_head(struct rl_buffer *text, const struct rl_file_facts *facts,
                          const struct rl_range *range, bool first) {
  put(text, first ? "--" : "\r\n--");
  rl_buffer_append(text, facts->boundary, RL_FILE_PLAN_BOUNDARY);
  put(text, "\r\n");
  if (facts->type)
    put_field(text, "Content-Type", rl_scan_text(facts->type));
  put_content_range(text, range, facts->size);
  put(text, "\r\n");
}

static void write_text(struct rl_file_plan *plan, const struct rl_file_facts *facts,
                       struct rl_buffer *text) {
  for (int i = 0; i < plan->count; i++) {
    put_part_head(text, facts, &plan->pieces[i], i == 0);
    plan->text[i] = text->size;
  }
  put(text, "\r\n--");
  rl_buffer_append(text, facts->boundary, RL_FILE_PLAN_BOUNDARY);
  put(text, "--\r\n");
  plan->text[plan->count] = text->size;
}

/* What tells caches which version this is, and when it may stand for another request. */
static void put_validators(struct rl_buffer *fields, const struct rl_file_facts *facts) {
  char date[RL_DATE_SIZE];
  if (facts->etag.size)
    put_field(fields, "ETag", facts->etag);
  if (facts->modified != RL_CONDITION_UNSAID) {
    rl_date_write(date, facts->modified);
    put_field(fields, "Last-Modified", (struct rl_slice){date, sizeof date});
  }
  if (facts->varies)
    put_field(fields, "Vary", rl_scan_text("Accept-Encoding"));
}

static void put_content(const struct rl_file_plan *plan, const struct rl_file_facts *facts,
                        struct rl_buffer *fields) {
  if (plan->status == 206 && plan->count > 1) {
    put(fields, "Content-Type: ");
    put(fields, multipart);
    rl_buffer_append(fields, facts->boundary, RL_FILE_PLAN_BOUNDARY);
    put(fields, "\r\n");
  } else if (facts->type) {
    put_field(fields, "Content-Type", rl_scan_text(facts->type));
  }
  if (facts->encoding)
    put_field(fields, "Content-Encoding", rl_scan_text(facts->encoding));
  if (plan->status == 206 && plan->count == 1)
    put_content_range(fields, &plan->pieces[0], facts->size);
}

static void write_fields(const struct rl_file_plan *plan, const struct rl_file_facts *facts,
                         struct rl_buffer *fields) {
  switch (plan->status) {
  case 200:
  case 206:
    put_content(plan, facts, fields);
    put_validators(fields, facts);
    put_field(fields, "Accept-Ranges", rl_scan_text("bytes"));
    break;
  case 304: put_validators(fields, facts); break;
  case 416: put_content_range(fields, NULL, facts->size); break;
  case 405: put_field(fields, "Allow", rl_scan_text("GET, HEAD")); break;
  default: break;
  }
}

void rl_file_plan_make(struct rl_file_plan *plan, const struct rl_file_ask *ask,
                       const struct rl_file_facts *facts, struct rl_buffer *fields,
                       struct rl_buffer *text) {
  *plan = (struct rl_file_plan){.status = 0};
  decide(plan, ask, facts);
  if (plan->count > 1) {
    write_text(plan, facts, text);
    plan->length = text->size;
  }
  for (int i = 0; i < plan->count; i++)
    plan->length += plan->pieces[i].last - plan->pieces[i].first + 1;
  write_fields(plan, facts, fields);
}

struct rl_slice rl_file_plan_text(const struct rl_file_plan *plan, const struct rl_buffer *text,
                                  int i) {
  size_t from = i > 0 ? plan->text[i - 1] : 0;
  return (struct rl_slice){plan->text[i] ? (const char *)text->bytes + from : "",
                           plan->text[i] - from};
}
