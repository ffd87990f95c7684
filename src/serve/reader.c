/* Reader: look() decides from the stream's state alone whether a read is complete; it is asked when
 * the read begins, whenever bytes arrive, and by the fiber that was woken. */
#include "serve/reader.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

#include "domain/domain.h"
#include "domain/timer.h"
#include "serve/serving.h"

enum outcome { MORE, TEXT, END, FAILED, OVERLONG };

/* What a complete read consists of. */
struct cut {
  size_t size; /* of the result */
  size_t take; /* of the input, with the line's end */
};

void rl_reader_init(struct rl_reader *reader, struct rl_domain *domain, struct rl_stream *stream) {
  *reader = (struct rl_reader){.domain = domain, .stream = stream};
}

/* Nothing more can be cut off: is there more to come? */
static enum outcome look_at_end(const struct rl_reader *reader) {
  if (reader->stream->end == 0)
    return MORE;
  return reader->stream->end == UV_EOF ? END : FAILED;
}

static enum outcome look_for_line(struct rl_reader *reader, struct rl_slice input,
                                  struct cut *cut) {
  const char *from = input.bytes + reader->scanned;
  const char *end = memchr(from, '\n', input.size - reader->scanned);
  size_t size = end ? (size_t)(end - input.bytes) : input.size;
  reader->scanned = size;
  cut->take = end ? size + 1 : size;
  /* A CR counts as part of the line's end, also while its LF has yet to come. */
  bool partial = !end && reader->stream->end == 0;
  cut->size = size > 0 && input.bytes[size - 1] == '\r' && (end || partial) ? size - 1 : size;
  if (cut->size > reader->read.size)
    return OVERLONG;
  if (end || (input.size > 0 && reader->stream->end == UV_EOF))
    return TEXT;
  return look_at_end(reader);
}

static enum outcome look(struct rl_reader *reader, struct cut *cut) {
  struct rl_slice input = rl_stream_input(reader->stream);
  bool ended = reader->stream->end == UV_EOF;
  size_t size = reader->read.size;
  if (reader->overlong)
    return OVERLONG;
  cut->size = cut->take = input.size;
  switch (reader->read.kind) {
  case RL_READ_LINE: return look_for_line(reader, input, cut);
  case RL_READ_ALL: return ended ? TEXT : look_at_end(reader);
  case RL_READ_SOME: return input.size > 0 ? TEXT : look_at_end(reader);
  case RL_READ_COUNT: break;
  }
  if (input.size >= size && input.size > 0)
    cut->size = cut->take = size;
  else if (input.size == 0 || !ended)
    return look_at_end(reader);
  return TEXT;
}

/* [] -> [nil, text], or raises the text. */
static int fail(lua_State *L, const struct rl_reader *reader, const char *text) {
  if (reader->read.raises)
    return luaL_error(L, "%s", text);
  luaL_pushfail(L);
  lua_pushstring(L, text);
  return 2;
}

static int fail_with(lua_State *L, const struct rl_reader *reader, int error) {
  rl_serving_fail(L, error);
  return reader->read.raises ? luaL_error(L, "%s", lua_tostring(L, -1)) : 2;
}

static int fail_overlong(lua_State *L, struct rl_reader *reader) {
  if (!reader->overlong)
    reader->overlong = reader->read.size;
  const char *text = lua_pushfstring(L, "line longer than %I bytes", (LUAI_UACINT)reader->overlong);
  return fail(L, reader, text);
}

/* The results of a read that is complete; of one that is not, if its time is over. */
static int deliver(lua_State *L, struct rl_reader *reader) {
  struct cut cut;
  if (reader->closed)
    return fail(L, reader, "connection is closed");
  switch (look(reader, &cut)) {
  case MORE: return fail(L, reader, "timeout");
  case FAILED: return fail_with(L, reader, reader->stream->end);
  case OVERLONG: return fail_overlong(L, reader);
  case END: lua_pushnil(L); return 1;
  case TEXT: break;
  }
  lua_pushlstring(L, rl_stream_input(reader->stream).bytes, cut.size);
  rl_stream_take(reader->stream, cut.take);
  reader->scanned = 0;
  return 1;
}

static void stop_waiting(struct rl_reader *reader) {
  if (reader->timer)
    rl_timer_stop(reader->timer);
  reader->timer = NULL;
  reader->busy = false;
  rl_stream_hold(reader->stream, false);
}

static int finish(lua_State *L, int status, lua_KContext context) {
  struct rl_reader *reader = (struct rl_reader *)context;
  (void)status;
  stop_waiting(reader);
  return deliver(L, reader);
}

static void undo(struct rl_wait *wait) {
  stop_waiting(RL_OF(wait, struct rl_reader, wait));
}

static void on_timeout(struct rl_timer *timer, void *owner) {
  struct rl_reader *reader = owner;
  (void)timer;
  reader->timer = NULL;
  rl_wake(&reader->wait, 0);
}

/* How many bytes must be let in for this read to be complete. */
static size_t wanted(const struct rl_read *read) {
  switch (read->kind) {
  case RL_READ_COUNT: return read->size;
  case RL_READ_LINE: return read->size < SIZE_MAX - 2 ? read->size + 2 : SIZE_MAX;
  case RL_READ_ALL: return SIZE_MAX;
  case RL_READ_SOME: break;
  }
  return 1;
}

int rl_reader_read(lua_State *L, struct rl_reader *reader, const struct rl_read *read,
                   double timeout) {
  struct cut cut;
  if (reader->busy)
    return luaL_error(L, "another fiber is reading from this connection");
  rl_wait_check(L, read->what);
  reader->read = *read;
  if (reader->closed || look(reader, &cut) != MORE)
    return deliver(L, reader);
  if (timeout > 0) {
    reader->timer = rl_timer_start(&reader->domain->timers, timeout, false, on_timeout, reader);
    if (!reader->timer)
      return luaL_error(L, "not enough memory");
  }
  reader->busy = true;
  rl_stream_want(reader->stream, wanted(read));
  rl_stream_hold(reader->stream, true);
  return rl_park(L, &reader->wait, undo, finish, (lua_KContext)reader);
}

void rl_reader_arrived(struct rl_reader *reader) {
  struct cut cut;
  if (rl_wait_pending(&reader->wait) && look(reader, &cut) != MORE)
    rl_wake(&reader->wait, 0);
}

void rl_reader_close(struct rl_reader *reader) {
  reader->closed = true;
  rl_wake(&reader->wait, 0);
}
