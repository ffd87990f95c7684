/* UTF-8 (RFC 3629): one character at a time. Threads: any. */
#ifndef RL_BASE_UTF8_H
#define RL_BASE_UTF8_H

#include <stdint.h>

/* How many bytes the character at `at` has, 1 to 4; 0 if there is none: a stray or missing byte,
 * one that is not in its shortest form, a surrogate, or beyond U+10FFFF. */
unsigned rl_utf8_size(const char *at, const char *end);

/* Writes a character, which is no surrogate, and returns how many bytes it took. */
unsigned rl_utf8_write(uint32_t character, char to[4]);

#endif
