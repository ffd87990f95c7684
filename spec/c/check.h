/* cmocka, with the headers that it wants before it. */
#ifndef RL_SPEC_CHECK_H
#define RL_SPEC_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#endif
