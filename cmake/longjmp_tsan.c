/* For the thread sanitizer only. Debian's Lua leaves a coroutine, and an error its frames, by the C
 * library's __longjmp_chk, which the sanitizer does not intercept: it would keep every frame that
 * was jumped over for ever, and each later report and allocation would carry them all. longjmp does
 * the same jump and is intercepted. */
#include <setjmp.h>

_Noreturn void __longjmp_chk(struct __jmp_buf_tag *env, int value);

_Noreturn void __longjmp_chk(struct __jmp_buf_tag *env, int value) {
  longjmp(env, value);
}
