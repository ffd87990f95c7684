/* Decimal: numbers to and from their text, as JSON writes them. The C library's way follows the
 * locale of the process, which any script may change; this does not. Threads: any. */
#ifndef RL_BASE_DECIMAL_H
#define RL_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

enum { RL_DECIMAL_ROOM = 32 }; /* characters, enough for any number */

/* Writes a number, without a NUL at its end, and returns how many characters it took. */
size_t rl_decimal_integer(int64_t value, char *to);

/* The same for a finite one: a short text, in most cases the shortest, that is read as exactly this
 * value. A whole number below 2^53 has neither a point nor an exponent. */
size_t rl_decimal_float(double value, char *to);

enum rl_decimal_kind {
  RL_DECIMAL_BAD,
  RL_DECIMAL_INTEGER, /* neither point nor exponent, and it fits; -0 is none */
  RL_DECIMAL_FLOAT,
};

struct rl_decimal {
  enum rl_decimal_kind kind;
  int64_t integer;
  double number; /* the nearest one; infinite where the text says more than any double */
};

/* Reads the number that begins at `at`: where it ends, or, if it is none, where a digit is missing.
 * A byte that cannot belong to a number, such as a NUL, must follow. */
const char *rl_decimal_read(const char *at, struct rl_decimal *value);

#endif
