/* Dial: lookup -> attempt -> (close -> next attempt)* -> done.
 *
 * While it dials, the stream's `closed` event is the dial's: an attempt that failed must give its
 * handle back before the same memory serves the next one. The handle's data points to the dial. */
#include "io/dial.h"

#include <stdio.h>
#include <string.h>

#include "base/list.h"

static void finish(struct rl_dial *dial, int status) {
  uv_freeaddrinfo(dial->found);
  dial->found = NULL;
  dial->stream->on = dial->on;
  dial->done(dial, status);
}

/* Ends this attempt: closing the stream leads to attempt_closed. */
static void give_up(struct rl_dial *dial, int error) {
  if (dial->stream->closing)
    return;
  dial->error = error;
  rl_stream_close(dial->stream);
}

static void on_connect(uv_connect_t *request, int status) {
  struct rl_dial *dial = RL_OF(request, struct rl_dial, request);
  if (status == 0) {
    if (dial->address.kind != RL_ADDRESS_UNIX)
      uv_tcp_nodelay(&dial->stream->uv.tcp, 1);
    status = rl_stream_begin(dial->stream);
  }
  if (status == 0)
    finish(dial, 0);
  else
    give_up(dial, status);
}

static void attempt(struct rl_dial *dial, const struct sockaddr *address) {
  struct rl_stream *stream = dial->stream;
  int status = uv_tcp_init(dial->errands->loop, &stream->uv.tcp);
  stream->uv.handle.data = dial;
  stream->closing = false;
  if (address->sa_family == AF_INET6)
    memcpy(&dial->peer.in6, address, sizeof dial->peer.in6);
  else
    memcpy(&dial->peer.in, address, sizeof dial->peer.in);
  if (status == 0)
    status = uv_tcp_connect(&dial->request.connect, &stream->uv.tcp, address, on_connect);
  if (status != 0)
    give_up(dial, status);
}

static void attempt_local(struct rl_dial *dial) {
  struct rl_stream *stream = dial->stream;
  uv_pipe_init(dial->errands->loop, &stream->uv.pipe, 0);
  stream->uv.handle.data = dial;
  uv_pipe_connect(&dial->request.connect, &stream->uv.pipe, dial->address.where.local.sun_path,
                  on_connect);
}

static void attempt_next(struct rl_dial *dial) {
  const struct addrinfo *next = dial->next;
  dial->next = next->ai_next;
  attempt(dial, next->ai_addr);
}

static void attempt_closed(struct rl_stream *stream) {
  struct rl_dial *dial = stream->uv.handle.data;
  if (dial->next)
    attempt_next(dial);
  else
    finish(dial, dial->error);
}

static void nothing_arrives(struct rl_stream *stream) {
  (void)stream;
}

static void on_lookup(uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
  struct rl_dial *dial = RL_OF(request, struct rl_dial, request);
  dial->looking_up = false;
  dial->errands->out--;
  dial->found = dial->next = found;
  if (dial->error)
    status = dial->error;
  if (status != 0)
    finish(dial, status);
  else
    attempt_next(dial);
}

static int look_up(struct rl_dial *dial) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  char port[8];
  snprintf(port, sizeof port, "%u", (unsigned)dial->address.port);
  dial->looking_up = true;
  int error = uv_getaddrinfo(dial->errands->loop, &dial->request.lookup, on_lookup,
                             dial->address.where.name, port, &hints);
  if (error == 0)
    dial->errands->out++;
  return error;
}

int rl_dial_start(struct rl_dial *dial, struct rl_errands *errands, struct rl_stream *stream,
                  const struct rl_address *address,
                  void (*done)(struct rl_dial *dial, int status)) {
  static const struct rl_stream_events while_dialling = {nothing_arrives, attempt_closed};
  memset(dial, 0, sizeof *dial);
  dial->errands = errands;
  dial->stream = stream;
  dial->on = stream->on;
  dial->address = *address;
  dial->done = done;
  stream->on = &while_dialling;
  switch (address->kind) {
  case RL_ADDRESS_NAME: return look_up(dial);
  case RL_ADDRESS_UNIX: attempt_local(dial); break;
  case RL_ADDRESS_IP: attempt(dial, &address->where.ip.any); break;
  }
  return 0;
}

void rl_dial_cancel(struct rl_dial *dial) {
  dial->next = NULL;
  if (dial->looking_up) {
    dial->error = UV_ECANCELED;
    uv_cancel((uv_req_t *)&dial->request.lookup); /* if it already runs, its end is waited for */
  } else {
    give_up(dial, UV_ECANCELED);
  }
}
