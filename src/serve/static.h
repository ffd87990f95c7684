/* Static: the answer to a request for a file, made ready for a session to write.
 *
 *     rl_static_answer(files, &head, &ask, &fields, &text, &answer)
 *     make the head: answer.status, `fields`, framing for answer.length, Date
 *     if answer.file, which it never is for HEAD: an rl_static_body (static_body.h) sends head and
 *     body
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

struct rl_static_answer {
  int status;           /* 200, 206, 301, 304, 400, 403, 404, 405, 412, 416, 500, 503; for those of
                           400 and above the session writes a body of its own */
  int error;            /* of libuv: why it is 404, 500 or 503, for the log; 0 */
  uint64_t length;      /* of the body, also for HEAD */
  struct rl_file *file; /* held; NULL when nothing of it is to be sent */
  struct rl_file_plan plan;
};

/* Of a directory. `fields` gets the answer's fields, as whole lines at its end; `text`, which is
 * empty before, what stands between several ranges. Either may fail for want of memory, which the
 * caller sees. A directory whose path lacks its slash is redirected; a time that has not come is
 * not told; a type that is not known is application/octet-stream, for browsers guess otherwise. */
void rl_static_answer(struct rl_files *files, const struct rl_head *head,
                      const struct rl_static_ask *ask, struct rl_buffer *fields,
                      struct rl_buffer *text, struct rl_static_answer *answer);

/* Of one file, over whose hold it disposes; `type` for Content-Type, or NULL. `whole`: what the
 * request says about conditions and ranges does not count, which it never does for methods other
 * than GET and HEAD. */
void rl_static_answer_file(struct rl_file *file, const char *type, bool whole,
                           const struct rl_head *head, int64_t today, struct rl_buffer *fields,
                           struct rl_buffer *text, struct rl_static_answer *answer);

/* The status for an error of libuv. */
int rl_static_status(int error);

#endif
