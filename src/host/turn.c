/* Turn: a runtime whose loop runs inside another one, a turn at a time. */
#include <uv.h>

#include "domain/interrupt.h"
#include "host/runtime.h"

int rille_turn(rille_t *runtime) {
  if (rl_runtime_refuses(runtime, "rille_turn"))
    return 0;
  if (runtime->begun)
    rl_interrupt_here(&runtime->first.domain);
  else
    rl_runtime_begin(runtime);
  bool more = rl_loop_turn(&runtime->first);
  rl_interrupt_here(NULL); /* until the next one the thread is the host's, or another runtime's */
  return more;
}

int rille_descriptor(const rille_t *runtime) {
  return uv_backend_fd(runtime->first.uv);
}

int rille_timeout(const rille_t *runtime) {
  return rl_loop_timeout(&runtime->first);
}
