/* Background: makes the calling thread give way to others when cores are scarce. */
#ifndef RL_BASE_BACKGROUND_H
#define RL_BASE_BACKGROUND_H

/* A wish, not a need: what the kernel does not grant is left as it was. */
void rl_background_here(void);

#endif
