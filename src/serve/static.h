/* Static: the answer to a request for a file of a directory, made ready for a session to write.
 *
 * A session does this, in the handler of `app:static`:
 *
 *     rl_static_answer(files, &head, &ask, &fields, &text, &answer)
 *     write the head: answer.status, `fields`, framing for answer.length, Date
 *     unless it is HEAD, for each i below answer.plan.count:
 *       write rl_file_plan_text(&answer.plan, &text, i)
 *       write answer.plan.pieces[i] of answer.file: from its bytes when its fd is -1, otherwise
 *       with an rl_file_send (io/file_send.h)
 *     write rl_file_plan_text(&answer.plan, &text, answer.plan.count)
 *     rl_file_release(answer.file)
 *
 * Threads: the domain's only. Neither raises nor yields. */
#ifndef RL_SERVE_STATIC_H
#define RL_SERVE_STATIC_H

#include <stdint.h>

#include "base/buffer.h"
#include "http/file_plan.h"
#include "http/head.h"
#include "io/files.h"

struct rl_static_ask {
  struct rl_slice path; /* of the whole request, canonical: for the redirect of a directory */
  struct rl_slice rest; /* its end: what follows the prefix and its slash */
  uint64_t now;         /* ms of the loop */
  int64_t today;        /* seconds since 1970 */
};

/* For a status of 400 and above the session writes a body of its own, or asks whoever answers what
 * is not found; `file` is NULL then, and for 301, 304 too. */
struct rl_static_answer {
  int status; /* 200, 206, 301, 304, 400, 403, 404, 405, 412, 416, 500, 503 */
  int error;  /* for 500 and 503: why, for the log; an error of libuv */
  uint64_t length;
  struct rl_file *file; /* held */
  struct rl_file_plan plan;
};

/* `fields` gets whole lines, `text` the text between several ranges; both must be empty of what
 * must not be sent, and live until the answer is written. */
void rl_static_answer(struct rl_files *files, const struct rl_head *head,
                      const struct rl_static_ask *ask, struct rl_buffer *fields,
                      struct rl_buffer *text, struct rl_static_answer *answer);

#endif
