/* Coder: compresses and decompresses, a piece at a time, in the codings of HTTP.
 *
 * What a client sent may grow a thousandfold and more, so a decoder has a limit. A coder that has
 * failed is of no further use. Owner: whoever embeds it. Threads: one at a time. Memory: counted by
 * the heap. */
#ifndef RL_CODEC_CODER_H
#define RL_CODEC_CODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/heap.h"
#include "base/slice.h"

enum rl_coder_status {
  RL_CODER_WENT,      /* everything was taken */
  RL_CODER_ENDED,     /* ... and that was the end of the stream */
  RL_CODER_FULL,      /* of a coding: there is more to write */
  RL_CODER_MALFORMED, /* or something follows the end */
  RL_CODER_TOO_LARGE, /* the decoder's limit is passed */
  RL_CODER_NO_MEMORY,
};

enum rl_coder_step {
  RL_CODER_GO,     /* may keep some of it back */
  RL_CODER_FLUSH,  /* what was fed so far can be read at the other end */
  RL_CODER_FINISH, /* and nothing follows. Encoders only, as is the one above */
};

struct rl_coding;

struct rl_coder {
  const struct rl_coding *coding;
  struct rl_heap *heap;
  void *state; /* the library's; NULL before it begins and after the end */
  bool decodes;
  bool ended;     /* a decoder has seen the end */
  uint64_t limit; /* bytes that a decoder may still give */
};

/* What a coding takes from and writes to. */
struct rl_coder_span {
  const unsigned char *from;
  size_t left;
  unsigned char *to;
  size_t room;
};

struct rl_coding {
  const char *name;       /* as Accept-Encoding has it */
  const char *package;    /* what would bring it; NULL where it is in this build */
  int least, most, usual; /* levels */
  /* hint: the size of all that will be fed, 0 if it is not known. 0, or -1 without memory. */
  int (*begin)(struct rl_coder *coder, int level, size_t hint);
  enum rl_coder_status (*run)(struct rl_coder *coder, struct rl_coder_span *span,
                              enum rl_coder_step step);
  void (*end)(struct rl_coder *coder);
};

extern const struct rl_coding rl_coding_gzip, rl_coding_brotli, rl_coding_zstd;

/* Begins; -1 without memory. `level` is one of the coding's. */
int rl_coder_begin_encoder(struct rl_coder *coder, const struct rl_coding *coding,
                           struct rl_heap *heap, int level, size_t hint);
int rl_coder_begin_decoder(struct rl_coder *coder, const struct rl_coding *coding,
                           struct rl_heap *heap, uint64_t limit);

/* Takes all of `from` and appends what comes of it: RL_CODER_WENT, RL_CODER_ENDED or what failed.
 */
enum rl_coder_status rl_coder_feed(struct rl_coder *coder, struct rl_slice from,
                                   enum rl_coder_step step, struct rl_buffer *to);

/* Frees what it holds. May be called again. */
void rl_coder_end(struct rl_coder *coder);

/* Memory as the libraries want it; `heap` is a struct rl_heap. */
void *rl_coder_alloc(void *heap, size_t size);
void rl_coder_free(void *heap, void *block);

#endif
