/* Writer: writes of a fiber to a stream. What the kernel does not take at once is copied and queued
 * while the queue is short; a longer rest stays where it is, in the strings on the fiber's stack,
 * and the fiber waits until it is written. */
#ifndef RL_SERVE_WRITER_H
#define RL_SERVE_WRITER_H

#include <lua.h>

struct rl_domain;
struct rl_stream;

/* Writes the strings and numbers at stack indices `first` to the top as one; returns the value at
 * index 1, or nil and a message; to be returned. `timeout` in seconds, 0 for none. May suspend, and
 * raises where the fiber could not. A wait that is cancelled or times out closes the stream, for
 * half of a write may be out. The stream's owner must be reachable from L's stack. */
int rl_writer_write(lua_State *L, struct rl_domain *domain, struct rl_stream *stream, int first,
                    double timeout);

#endif
