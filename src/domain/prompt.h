/* Prompt: Ctrl-C where somebody types at a program. It does not end the program then, but is told
 * to a fiber of the first main domain, which decides what it is for.
 *
 *     signal's thread            loop                          ticker
 *     rl_prompt_press  ------->  rl_prompt_hear: wakes the     code computes, so the loop does not
 *                                fiber that waits              hear: has that code end by itself
 *                                                              (RL_ASK_INTERRUPT, rl_prompt_take)
 */
#ifndef RL_DOMAIN_PROMPT_H
#define RL_DOMAIN_PROMPT_H

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "domain/fiber.h"

struct rl_settings;

struct rl_prompt {
  atomic_bool open;    /* any thread: there is one */
  struct rl_wait wait; /* first main domain: who waits for Ctrl-C */
};

/* Lua function, first main domain: waits for Ctrl-C, which is for the prompt from now on. */
int rl_prompt_await(lua_State *L);

/* Any thread: false if it is the program's affair: there is no prompt, or the last one has not been
 * heard, for some C function keeps the loop. If true, the loop is to be told. */
bool rl_prompt_press(struct rl_settings *settings);

/* Any thread: whether it was pressed, and nobody has heard it; whoever gets true deals with it. */
bool rl_prompt_take(struct rl_settings *settings);

/* On the first main domain, outside any fiber: the loop has been told. */
void rl_prompt_hear(struct rl_settings *settings);

#endif
