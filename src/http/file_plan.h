/* File plan: what the answer to a request for a file is: its status, its fields, and which bytes of
 * the file it carries (RFC 9110, 13 to 15). Pure: nothing is read or sent here.
 *
 *     status   body
 *     200      the file: one piece
 *     206      one range: one piece; several: a piece each, with text before each and at the end
 *              (multipart/byteranges)
 *     304, 412, 416, 405   nothing of the file
 *
 * Threads: any. */
#ifndef RL_HTTP_FILE_PLAN_H
#define RL_HTTP_FILE_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "http/condition.h"
#include "http/method.h"
#include "http/range.h"

enum { RL_FILE_PLAN_BOUNDARY = 32 /* bytes of a boundary; random ones are best */ };

/* What is asked. Slices have bytes NULL when the field is missing. */
struct rl_file_ask {
  enum rl_method method;
  struct rl_condition condition; /* all but `reads` */
  struct rl_slice range, if_range;
  int64_t if_range_date; /* or RL_CONDITION_UNSAID */
};

/* What is there: one form of the file. */
struct rl_file_facts {
  uint64_t size;
  struct rl_slice etag; /* with its quotes */
  int64_t modified;
  const char *type;     /* Content-Type; NULL: not known */
  const char *encoding; /* Content-Encoding; NULL: none */
  bool varies;          /* with Accept-Encoding */
  const char *boundary; /* RL_FILE_PLAN_BOUNDARY bytes, letters and digits */
};

struct rl_file_plan {
  int status;
  uint64_t length; /* of the whole body, and what Content-Length says to HEAD as well */
  int count;       /* pieces of the file; 0 also for an empty file */
  struct rl_range pieces[RL_RANGE_LIMIT];
  size_t text[RL_RANGE_LIMIT + 1]; /* several pieces: where the text before each one ends; the rest,
                                      up to the last of these, follows the last piece */
};

/* Decides, and appends the answer's fields to `fields`, as whole lines: all but Date, those of
 * framing, and what the script adds (Cache-Control, say). The text between several pieces is put
 * into `text`, which is empty before. Buffers may fail, which the caller sees. */
void rl_file_plan_make(struct rl_file_plan *plan, const struct rl_file_ask *ask,
                       const struct rl_file_facts *facts, struct rl_buffer *fields,
                       struct rl_buffer *text);

/* The text that goes before piece `i`, or after the last one for `i` equal to the count. Empty for
 * a single piece. */
struct rl_slice rl_file_plan_text(const struct rl_file_plan *plan, const struct rl_buffer *text,
                                  int i);

#endif
