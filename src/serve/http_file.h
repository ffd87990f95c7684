/* HTTP file: the file that is the body of an exchange's answer.
 *
 *     chosen by a script -> rl_http_file_choose; until the head is written, it may be dropped
 *     the head is written -> rl_http_file_begin; from then on it follows the exchange's output
 *     rl_http_file_send, again and again -> gone
 *
 * Threads: the domain's only. Nothing raises. */
#ifndef RL_SERVE_HTTP_FILE_H
#define RL_SERVE_HTTP_FILE_H

#include "serve/http.h"
#include "serve/static_body.h"

struct rl_http_file {
  struct rl_http_exchange *exchange;
  uint64_t length;                /* of the body, also for HEAD */
  struct rl_static_answer answer; /* until it is sent; its file is NULL if there is only a head */
  struct rl_buffer text;
  struct rl_static_body body; /* while it is sent */
  bool sending;
  bool cold; /* its next bytes are being read from the disk */
};

/* Makes it the exchange's, in place of one that was chosen before, and takes over the answer's file
 * and the text: 0, or -1 when there is no memory, and both are released. */
int rl_http_file_choose(struct rl_http_exchange *exchange, struct rl_static_answer *answer,
                        struct rl_buffer *text);

/* Lets go of it, if there is one, at whatever point. */
void rl_http_file_drop(struct rl_http_exchange *exchange);

/* The head is written, and a body follows. */
void rl_http_file_begin(struct rl_http_exchange *exchange);

/* Is there one that follows the output? */
static inline bool rl_http_file_follows(const struct rl_http_exchange *exchange) {
  return exchange->file && exchange->file->sending;
}

/* Writes to the connection what it takes of `before`, from which that is dropped, and of the file:
 * 0 when all is written, and the file is gone; 1 when the socket is to be watched for more; 2 when
 * the exchange's http->over will be called for more; or an error, after which the connection must
 * be closed. */
int rl_http_file_send(struct rl_http_exchange *exchange, struct rl_slice *before);

#endif
