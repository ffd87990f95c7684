/* Reader: reads of a fiber from a stream: a number of bytes, a line, what is there, everything.
 *
 * One fiber reads at a time. Strings are made inside the fiber, never where the bytes arrive. A
 * read that fails or times out takes nothing: what has arrived stays for the next one. */
#ifndef RL_SERVE_READER_H
#define RL_SERVE_READER_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "domain/fiber.h"
#include "io/stream.h"

struct rl_domain;
struct rl_timer;

enum rl_read_kind { RL_READ_COUNT, RL_READ_LINE, RL_READ_SOME, RL_READ_ALL };

struct rl_read {
  enum rl_read_kind kind;
  size_t size;      /* COUNT: how many bytes; LINE: how many at most, > 0 */
  bool raises;      /* errors are raised, not returned: for iterators */
  const char *what; /* names the call for messages; static */
};

/* Embedded beside its stream. */
struct rl_reader {
  struct rl_domain *domain;
  struct rl_stream *stream;
  struct rl_wait wait;
  struct rl_timer *timer; /* of the timeout; NULL when there is none */
  struct rl_read read;    /* the current one */
  size_t scanned;         /* bytes of the input known to hold no newline */
  size_t overlong;        /* the maximum that a line has exceeded: nothing can be read after it */
  bool busy;              /* from the call until its results are made */
  bool closed;            /* by the script; reads say so */
};

void rl_reader_init(struct rl_reader *reader, struct rl_domain *domain, struct rl_stream *stream);

/* Reads: pushes a string, or nil at the end, or nil and a message; to be returned. `timeout` in
 * seconds, 0 for none. May suspend; raises for misuse and when cancelled. The reader's owner must
 * be reachable from L's stack. */
int rl_reader_read(lua_State *L, struct rl_reader *reader, const struct rl_read *read,
                   double timeout);

/* The stream's input or end changed. Any time; does not raise. */
void rl_reader_arrived(struct rl_reader *reader);

/* Ends the reading for good; whoever waits gets nil, "connection is closed". */
void rl_reader_close(struct rl_reader *reader);

#endif
