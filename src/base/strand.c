/* Strand: ucontext. It saves the signal mask with each switch, by a call to the kernel, which is
 * nothing where it is used. */
#include "base/strand.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* There in the sanitizers' builds only. */
__attribute__((weak)) void __sanitizer_start_switch_fiber(void **fake, const void *bottom,
                                                          size_t size);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void *fake, const void **bottom,
                                                           size_t *size);
__attribute__((weak)) void *__tsan_get_current_fiber(void);
__attribute__((weak)) void *__tsan_create_fiber(unsigned flags);
__attribute__((weak)) void __tsan_destroy_fiber(void *fiber);
__attribute__((weak)) void __tsan_switch_to_fiber(void *fiber, unsigned flags);

static size_t guard(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

/* On `here`, from which the thread goes on to `to`. */
static void depart(void **fake, struct rl_strand *here, struct rl_strand *to) {
  to->from = here;
  if (__sanitizer_start_switch_fiber)
    __sanitizer_start_switch_fiber(fake, to->bottom, to->room);
  if (__tsan_switch_to_fiber)
    __tsan_switch_to_fiber(to->fiber, 0);
}

/* On `here`, to which it has come. */
static void arrive(struct rl_strand *here) {
  if (__sanitizer_finish_switch_fiber)
    __sanitizer_finish_switch_fiber(here->fake, &here->from->bottom, &here->from->room);
}

/* makecontext passes ints only. */
static void begin(unsigned high, unsigned low) {
  struct rl_strand *strand = (struct rl_strand *)(uintptr_t)((uint64_t)high << 32 | low);
  arrive(strand);
  strand->run(strand->argument);
  abort(); /* it was to leave */
}

void rl_strand_adopt(struct rl_strand *strand) {
  *strand = (struct rl_strand){.stack = NULL};
  if (__tsan_get_current_fiber)
    strand->fiber = __tsan_get_current_fiber();
}

int rl_strand_open(struct rl_strand *strand, size_t size, void (*run)(void *argument),
                   void *argument) {
  *strand = (struct rl_strand){.size = size + guard(), .run = run, .argument = argument};
  void *stack = mmap(NULL, strand->size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED)
    return -1;
  mprotect(stack, guard(), PROT_NONE);
  strand->stack = stack;
  strand->bottom = (char *)stack + guard();
  strand->room = size;
  if (__tsan_create_fiber)
    strand->fiber = __tsan_create_fiber(0);
  getcontext(&strand->context);
  strand->context.uc_stack.ss_sp = (char *)stack + guard();
  strand->context.uc_stack.ss_size = size;
  uint64_t self = (uintptr_t)strand;
  makecontext(&strand->context, (void (*)(void))begin, 2, (unsigned)(self >> 32), (unsigned)self);
  return 0;
}

void rl_strand_switch(struct rl_strand *here, struct rl_strand *to) {
  depart(&here->fake, here, to);
  swapcontext(&here->context, &to->context);
  arrive(here);
}

_Noreturn void rl_strand_leave(struct rl_strand *here, struct rl_strand *to) {
  depart(NULL, here, to);
  setcontext(&to->context);
  abort();
}

void rl_strand_close(struct rl_strand *strand) {
  if (!strand->stack)
    return;
  if (__tsan_destroy_fiber)
    __tsan_destroy_fiber(strand->fiber);
  munmap(strand->stack, strand->size);
}
