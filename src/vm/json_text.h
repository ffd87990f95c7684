/* JSON text: which bytes stand for themselves in a string. Threads: any. */
#ifndef RL_VM_JSON_TEXT_H
#define RL_VM_JSON_TEXT_H

/* The first byte from `at` on that does not: a quote, a backslash, a control character, one that is
 * not UTF-8; or `end`. */
const char *rl_json_text(const char *at, const char *end);

#endif
