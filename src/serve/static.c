/* Static: the request's fields into what the plan asks, what was found into its facts. */
#include "serve/static.h"

#include <string.h>
#include <sys/random.h>
#include <uv.h>

#include "http/date.h"

/* A field of which a request has one at most: bytes NULL when it has none, or several. */
static struct rl_slice single(const struct rl_head *head, enum rl_header header) {
  const struct rl_field *field = rl_field_known(&head->fields, header, NULL);
  if (!field || rl_field_known(&head->fields, header, field))
    return (struct rl_slice){NULL, 0};
  return rl_field_value(head->bytes, field);
}

/* A list that may stand on several lines, which are joined in `room`. All lists together are
 * shorter than the head, so that room for that is made once and what was joined before stays. */
static struct rl_slice joined(const struct rl_head *head, enum rl_header header,
                              struct rl_buffer *room) {
  const struct rl_field *field = rl_field_known(&head->fields, header, NULL);
  if (!field)
    return (struct rl_slice){NULL, 0};
  struct rl_slice value = rl_field_value(head->bytes, field);
  size_t start = room->size;
  while ((field = rl_field_known(&head->fields, header, field))) {
    struct rl_slice more = rl_field_value(head->bytes, field);
    if (room->capacity == 0 && rl_buffer_grow(room, head->size) != 0)
      break;
    if (room->size == start)
      rl_buffer_append(room, value.bytes, value.size);
    rl_buffer_byte(room, ',');
    rl_buffer_append(room, more.bytes, more.size);
    value = (struct rl_slice){(const char *)room->bytes + start, room->size - start};
  }
  return value;
}

static int64_t date_in(struct rl_slice text, int64_t today) {
  int64_t seconds;
  if (!text.bytes || rl_date_read(text, today, &seconds) != 0)
    return RL_CONDITION_UNSAID;
  return seconds;
}

static struct rl_file_ask ask_of(const struct rl_head *head, int64_t today,
                                 struct rl_buffer *room) {
  struct rl_file_ask ask = {
      .method = (enum rl_method)head->method,
      .range = single(head, RL_HEADER_RANGE),
      .if_range = single(head, RL_HEADER_IF_RANGE),
  };
  ask.condition = (struct rl_condition){
      .if_match = joined(head, RL_HEADER_IF_MATCH, room),
      .if_none_match = joined(head, RL_HEADER_IF_NONE_MATCH, room),
      .if_modified_since = date_in(single(head, RL_HEADER_IF_MODIFIED_SINCE), today),
      .if_unmodified_since = date_in(single(head, RL_HEADER_IF_UNMODIFIED_SINCE), today),
  };
  ask.if_range_date = date_in(ask.if_range, today);
  return ask;
}

/* A boundary that whoever wrote the file could not know. */
static void make_boundary(char boundary[RL_FILE_PLAN_BOUNDARY]) {
  unsigned char bytes[RL_FILE_PLAN_BOUNDARY / 2];
  if (getrandom(bytes, sizeof bytes, GRND_NONBLOCK) != sizeof bytes)
    memset(bytes, 0, sizeof bytes); /* the system has only just started, and has none to give */
  for (size_t i = 0; i < sizeof bytes; i++) {
    boundary[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
    boundary[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
  }
}

/* A time that has not come yet, or that no date can say, is not told (RFC 9110, 8.8.2.1). */
static int64_t told(int64_t modified, int64_t today) {
  return modified >= 0 && modified <= today ? modified : RL_CONDITION_UNSAID;
}

int rl_static_status(int error) {
  switch (error) {
  case UV_ENOENT:
  case UV_EISDIR: return 404;
  case UV_EACCES: return 403;
  case UV_EINVAL: return 400;
  case UV_EMFILE:
  case UV_ENFILE:
  case UV_ENOMEM:
  case UV_EAGAIN: return 503;
  default: return 500;
  }
}

/* Nothing follows the prefix, not even its slash. */
static bool lacks_slash(const struct rl_static_ask *ask) {
  return ask->rest.size == 0 && ask->path.size > 0 && ask->path.bytes[ask->path.size - 1] != '/';
}

static void redirect(const struct rl_head *head, struct rl_slice path, struct rl_buffer *fields) {
  static const char name[] = "Location: ";
  struct rl_slice query = rl_head_slice(head, head->query);
  rl_buffer_append(fields, name, sizeof name - 1);
  rl_buffer_append(fields, path.bytes, path.size);
  rl_buffer_byte(fields, '/');
  if (query.size) {
    rl_buffer_byte(fields, '?');
    rl_buffer_append(fields, query.bytes, query.size);
  }
  rl_buffer_append(fields, "\r\n", 2);
}

/* Plans the answer from a file that was found; it keeps the file if some of it is sent. */
static void plan(const struct rl_file_ask *wanted, const struct rl_found *found, int64_t today,
                 struct rl_buffer *fields, struct rl_buffer *text,
                 struct rl_static_answer *answer) {
  char boundary[RL_FILE_PLAN_BOUNDARY];
  struct rl_file_facts facts = {
      .size = found->file->identity.size,
      .etag = rl_file_etag(found->file),
      .modified = told(rl_file_modified(found->file), today),
      .type = found->type ? found->type : "application/octet-stream",
      .encoding = found->encoding,
      .varies = found->varies,
      .boundary = boundary,
  };
  if (wanted->range.bytes)
    make_boundary(boundary);
  rl_file_plan_make(&answer->plan, wanted, &facts, fields, text);
  answer->status = answer->plan.status;
  answer->length = answer->plan.length;
  if (answer->plan.count && wanted->method == RL_METHOD_GET)
    answer->file = found->file;
  else
    rl_file_release(found->file);
}

void rl_static_answer(struct rl_files *files, const struct rl_head *head,
                      const struct rl_static_ask *ask, struct rl_buffer *fields,
                      struct rl_buffer *text, struct rl_static_answer *answer) {
  struct rl_buffer room;
  struct rl_found found;
  rl_buffer_init(&room, fields->heap);
  struct rl_file_ask wanted = ask_of(head, ask->today, &room);
  struct rl_slice accept = joined(head, RL_HEADER_ACCEPT_ENCODING, &room);
  int error = room.failed ? UV_ENOMEM : lacks_slash(ask) ? UV_EISDIR : 0;
  if (!error)
    error = rl_files_find(files, ask->rest, accept, ask->now, ask->today, &found);
  *answer = (struct rl_static_answer){.error = error};
  if (!error) {
    plan(&wanted, &found, ask->today, fields, text, answer);
  } else if (error == UV_EISDIR) {
    answer->status = 301;
    redirect(head, ask->path, fields);
  } else {
    answer->status = rl_static_status(error);
  }
  rl_buffer_free(&room);
}

void rl_static_answer_file(struct rl_file *file, const char *type, bool whole,
                           const struct rl_head *head, int64_t today, struct rl_buffer *fields,
                           struct rl_buffer *text, struct rl_static_answer *answer) {
  struct rl_buffer room;
  struct rl_found found = {.file = file, .type = type};
  rl_buffer_init(&room, fields->heap);
  bool heads = head->method == RL_METHOD_HEAD;
  struct rl_file_ask wanted = {.method = heads ? RL_METHOD_HEAD : RL_METHOD_GET,
                               .condition = {.if_modified_since = RL_CONDITION_UNSAID,
                                             .if_unmodified_since = RL_CONDITION_UNSAID},
                               .if_range_date = RL_CONDITION_UNSAID};
  if (!whole && (heads || head->method == RL_METHOD_GET))
    wanted = ask_of(head, today, &room);
  *answer = (struct rl_static_answer){.status = 0};
  if (room.failed) {
    *answer = (struct rl_static_answer){.status = 503, .error = UV_ENOMEM};
    rl_file_release(file);
  } else {
    plan(&wanted, &found, today, fields, text, answer);
  }
  rl_buffer_free(&room);
}
