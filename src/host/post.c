/* Post: a call of the host's, from any thread to that of the first loop. */
#include "host/runtime.h"

struct post {
  struct rl_message message;
  void (*call)(rille_t *runtime, void *data);
  void *data;
};

static void arrive(struct rl_domain *here, struct rl_message *message) {
  struct rille *runtime = RL_OF(rl_loop_of(here), struct rille, first);
  struct post *post = RL_OF(message, struct post, message);
  struct post copy = *post;
  rl_free(&runtime->heap, post, sizeof *post);
  copy.call(runtime, copy.data);
}

int rille_post(rille_t *runtime, void (*call)(rille_t *runtime, void *data), void *data) {
  struct post *post = rl_alloc(&runtime->heap, sizeof *post);
  if (!post)
    return -1;
  *post = (struct post){.message.arrive = arrive, .call = call, .data = data};
  rl_mailbox_push(&runtime->first.domain.mailbox, &post->message);
  return 0;
}
