/* Allocator: the few functions that heap.c takes memory from; CMake chooses the file behind them
 * (allocator_mimalloc.c where libmimalloc is installed, allocator_libc.c otherwise). Threads: any.
 */
#ifndef RL_BASE_ALLOCATOR_H
#define RL_BASE_ALLOCATOR_H

#include <stddef.h>

void *rl_allocator_take(size_t size);                /* size > 0 */
void *rl_allocator_resize(void *block, size_t size); /* NULL block: a new one; size > 0 */
void rl_allocator_release(void *block);              /* NULL allowed */
void rl_allocator_trim(void); /* to the system: what the calling thread has released */
const char *rl_allocator_name(void);

#endif
