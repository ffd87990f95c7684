/* Prompt: see the header. That it was pressed stands in the ticker, who looks at it. */
#include "domain/prompt.h"

#include "domain/domain.h"
#include "domain/ticker.h"

int rl_prompt_await(lua_State *L) {
  struct rl_prompt *prompt = rl_domain_of(L)->settings->prompt;
  rl_wait_check(L, "prompt");
  atomic_store(&prompt->open, true);
  return rl_park(L, &prompt->wait, NULL, NULL, 0);
}

bool rl_prompt_press(struct rl_settings *settings) {
  return atomic_load(&settings->prompt->open) && !atomic_exchange(&settings->ticker->pressed, true);
}

bool rl_prompt_take(struct rl_settings *settings) {
  return atomic_exchange(&settings->ticker->pressed, false);
}

void rl_prompt_hear(struct rl_settings *settings) {
  if (rl_prompt_take(settings))
    rl_wake(&settings->prompt->wait, 0);
}
