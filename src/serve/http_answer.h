/* HTTP answer: status, headers and body of an exchange become bytes of its output. Pure bytes, no
 * Lua; a want of memory shows in the output, which then fails as a whole. Threads: the domain's
 * only. Nothing raises. */
#ifndef RL_SERVE_HTTP_ANSWER_H
#define RL_SERVE_HTTP_ANSWER_H

#include "serve/http.h"

/* The whole answer: with the headers that were set, and the content type unless one is among them
 * ("" for none). */
void rl_http_answer(struct rl_http_exchange *exchange, int status, const char *type,
                    struct rl_slice body);

/* The head of an answer whose body follows with rl_http_answer_write: of unknown length, or of the
 * one that the script promised. */
void rl_http_answer_begin(struct rl_http_exchange *exchange, int status, const char *type);

/* The whole answer, whose body is the file that was chosen: all of it follows the output, or is in
 * it already if it is small. */
void rl_http_answer_file(struct rl_http_exchange *exchange, int status);

/* A script sets another body in place of the file that was chosen, if there is one: drops it, with
 * the headers that are true of its bytes only, and a status that is; `wholly`: and with all that is
 * about the file. */
void rl_http_answer_replace_file(struct rl_http_exchange *exchange, bool wholly);

/* An answer that was raised takes the place of whatever was set: drops the file, the length and the
 * headers about the body. The others stay, since middleware has set them for any answer. */
void rl_http_answer_anew(struct rl_http_exchange *exchange);

/* The same for an answer to a failure, which nobody meant: what a handler that came to nothing has
 * said of the client's cookies, of another place and of how long the answer is good, goes too. */
void rl_http_answer_failed(struct rl_http_exchange *exchange);

/* Whether that much more is no more than was promised. */
bool rl_http_answer_fits(const struct rl_http_exchange *exchange, const struct rl_slice *parts,
                         int count);

/* A piece of it, of `count` parts, which fits. */
void rl_http_answer_write(struct rl_http_exchange *exchange, const struct rl_slice *parts,
                          int count);

/* The end of it, with the trailers where it is chunked: 0; or -1 if it is less than was promised:
 * the connection must be closed. */
int rl_http_answer_end(struct rl_http_exchange *exchange);

/* An answer of the server's own: a line of text, with the headers that were set; the connection
 * goes on if it may. */
void rl_http_answer_status(struct rl_http_exchange *exchange, int status, const char *text);

/* The methods in `allowed`, as a header. */
void rl_http_answer_allow(struct rl_http_exchange *exchange, uint64_t allowed);

#endif
