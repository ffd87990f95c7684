/* Head: what the head of a request says, once llhttp has accepted its grammar: target, host, and
 * how the body and the connection go on. No allocation; everything is an offset into the head's
 * bytes. Owner: the request that embeds it. */
#ifndef RL_HTTP_HEAD_H
#define RL_HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "http/field.h"
#include "http/method.h"
#include "http/refusal.h"

/* The authority form belongs to CONNECT, which is refused. */
enum rl_form { RL_FORM_ORIGIN, RL_FORM_ABSOLUTE, RL_FORM_ASTERISK };

enum rl_body_kind { RL_BODY_NONE, RL_BODY_LENGTH, RL_BODY_CHUNKED };

struct rl_span {
  uint32_t at, size;
};

struct rl_head {
  const char *bytes;    /* what all offsets count from; whose it is, the request says */
  uint32_t size;        /* with the empty line at the end */
  uint8_t method;       /* an rl_method */
  uint8_t form;         /* an rl_form */
  uint8_t minor;        /* version 1.minor: 0 or 1 */
  uint8_t body;         /* an rl_body_kind */
  bool keep_alive;      /* the client lets the connection go on */
  bool expect_continue; /* it waits for 100 before it sends the body */
  bool upgrade;         /* it asks for one of the protocols in Upgrade */
  uint64_t length;      /* of the body, for RL_BODY_LENGTH; more than 0 */
  struct rl_span method_text, target;
  struct rl_span path; /* empty for an absolute form without one: see rl_head_path */
  struct rl_span query;
  struct rl_span authority; /* of the target, else of Host; empty in HTTP/1.0 without either */
  struct rl_field_list fields;
};

/* Understands the request line in [start, end), its CRLF included; the method was found. 0 or -1 */
int rl_head_line(struct rl_head *head, uint32_t start, uint32_t end, struct rl_refusal *refusal);

/* Understands the fields, whose lines begin at `name` and end in a CRLF at `value`; their grammar
 * was judged before, and the request line understood. 0 or -1. */
int rl_head_fields(struct rl_head *head, struct rl_refusal *refusal);

static inline struct rl_slice rl_head_slice(const struct rl_head *head, struct rl_span span) {
  return (struct rl_slice){head->bytes + span.at, span.size};
}

/* Undecoded; at least "/" or "*". */
static inline struct rl_slice rl_head_path(const struct rl_head *head) {
  return head->path.size ? rl_head_slice(head, head->path) : (struct rl_slice){"/", 1};
}

#endif
