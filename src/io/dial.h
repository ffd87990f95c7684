/* Dial: connects a stream to an address; a name is looked up first, and its addresses are tried in
 * the order in which the resolver gives them.
 *
 * Owner: whoever embeds it; it and the stream stay where they are until `done`. Threads: the
 * loop's only. Nothing raises. */
#ifndef RL_IO_DIAL_H
#define RL_IO_DIAL_H

#include <stdbool.h>
#include <uv.h>

#include "io/address.h"
#include "io/errands.h"
#include "io/stream.h"

struct rl_dial {
  union {
    uv_getaddrinfo_t lookup;
    uv_connect_t connect;
  } request;
  struct rl_errands *errands; /* the lookup is one */
  struct rl_stream *stream;
  const struct rl_stream_events *on; /* the stream's own, put back when it is connected */
  struct rl_address address;
  struct addrinfo *found, *next; /* what the lookup gave, what to try next */
  union rl_endpoint peer;        /* the address that is tried, or was reached */
  int error;                     /* of the latest attempt */
  bool looking_up;
  /* Once: 0, and the stream is connected and reads; or an error, and the stream has no handle. */
  void (*done)(struct rl_dial *dial, int status);
};

/* The stream is freshly initialised. 0, or an error: then `done` is not called. */
int rl_dial_start(struct rl_dial *dial, struct rl_errands *errands, struct rl_stream *stream,
                  const struct rl_address *address, void (*done)(struct rl_dial *dial, int status));

/* Gives up; `done` still comes, with UV_ECANCELED. */
void rl_dial_cancel(struct rl_dial *dial);

#endif
