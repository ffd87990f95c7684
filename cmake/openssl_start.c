/* For a static OpenSSL only, which asks the processor for its features before main, whether or not
 * anything is ever encrypted: in a virtual machine these questions take 0.1 ms. It asks again when
 * it is first used, so the linker sends the questions here (--wrap), and the early ones are dropped.
 */
#include <stdbool.h>

void __real_OPENSSL_cpuid_setup(void);
void __wrap_OPENSSL_cpuid_setup(void);

static bool started; /* written before main, then only read */

__attribute__((constructor)) static void start(void) {
  started = true;
}

void __wrap_OPENSSL_cpuid_setup(void) {
  if (started)
    __real_OPENSSL_cpuid_setup();
}
