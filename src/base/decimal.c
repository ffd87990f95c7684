/* Decimal. What has few digits, as nearly every number in use, is exact in one multiplication or
 * division of doubles (Clinger's fast path) in both directions. The rest goes to the C library, in
 * a form that no locale changes: digits and an exponent, without a point.
 *
 * Reading, a number is `mantissa` times ten to the `exponent`. Digits that do not fit the mantissa
 * only count in the exponent, and are looked at again where they matter. */
#include "base/decimal.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  EXACT_POWER = 22, /* the largest power of ten that is a double */
  /* More digits than the value halfway between two doubles has; beyond, only whether there is
   * anything counts. */
  DIGITS = 780,
};

static const double EXACT = 9007199254740992; /* 2^53: up to it, whole numbers are doubles */
static const int64_t FAR = INT64_C(1) << 53;  /* no exponent that matters is as large */

static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

static size_t put_whole(uint64_t value, char *to) {
  char text[20];
  size_t start = sizeof text;
  do
    text[--start] = (char)('0' + value % 10);
  while ((value /= 10) > 0);
  memcpy(to, text + start, sizeof text - start);
  return sizeof text - start;
}

size_t rl_decimal_integer(int64_t value, char *to) {
  if (value >= 0)
    return put_whole((uint64_t)value, to);
  *to = '-';
  return 1 + put_whole(-(uint64_t)value, to + 1);
}

/* -- reading ------------------------------------------------------------------------------- */

struct scan {
  const char *first; /* of the digits, with a point among them */
  uint64_t mantissa;
  int64_t exponent;
  bool whole;   /* neither point nor exponent */
  bool dropped; /* there are digits beyond the mantissa */
};

static const char *scan_digits(const char *at, struct scan *s, bool fraction) {
  for (; is_digit(*at); at++) {
    if (s->mantissa <= (UINT64_MAX - 9) / 10) {
      s->mantissa = s->mantissa * 10 + (uint64_t)(*at - '0');
      s->exponent -= fraction;
    } else {
      s->dropped = true;
      s->exponent += !fraction;
    }
  }
  return at;
}

static const char *scan_exponent(const char *at, struct scan *s) {
  bool negative = *at == '-';
  int64_t exponent = 0;
  if (*at == '-' || *at == '+')
    at++;
  for (; is_digit(*at); at++)
    if (exponent < FAR / 10)
      exponent = exponent * 10 + (*at - '0');
  s->exponent += negative ? -exponent : exponent;
  return at;
}

/* Behind the sign: the end, or NULL and `*bad`, where a digit is missing. */
static const char *scan(const char *at, struct scan *s, const char **bad) {
  const char *part = at;
  *s = (struct scan){.first = at, .whole = true};
  at = *at == '0' ? at + 1 : scan_digits(at, s, false);
  if (at != part && *at == '.') {
    s->whole = false;
    part = at + 1;
    at = scan_digits(part, s, true);
  }
  if (at != part && (*at == 'e' || *at == 'E')) {
    s->whole = false;
    at = scan_exponent(at + 1, s);
    part = is_digit(at[-1]) ? NULL : at;
  }
  *bad = at;
  return at == part ? NULL : at;
}

/* Digits times a power of ten. */
static double convert(const char *digits, size_t count, int64_t exponent) {
  char text[DIGITS + 32];
  int64_t bounded = exponent > 9999 ? 9999 : exponent < -9999 ? -9999 : exponent;
  memcpy(text, digits, count);
  text[count] = 'e';
  size_t size = count + 1 + rl_decimal_integer(bounded, text + count + 1);
  text[size] = '\0';
  return strtod(text, NULL);
}

/* All the digits that matter, from the text. */
static double convert_long(const struct scan *s) {
  char digits[DIGITS + 1], kept[20];
  size_t count = 0, mantissa = put_whole(s->mantissa, kept);
  bool more = false;
  for (const char *at = s->first; is_digit(*at) || *at == '.'; at++) {
    if (*at == '.' || (count == 0 && *at == '0'))
      continue;
    if (count < DIGITS)
      digits[count++] = *at;
    else
      more = more || *at != '0';
  }
  int64_t exponent = s->exponent - (int64_t)(count - mantissa);
  if (more) {
    digits[count++] = '1';
    exponent--;
  }
  return convert(digits, count, exponent);
}

static double value_of(const struct scan *s) {
  if (s->mantissa == 0)
    return 0;
  if (s->dropped || s->mantissa > (uint64_t)EXACT || s->exponent > EXACT_POWER ||
      s->exponent < -EXACT_POWER)
    return convert_long(s);
  double mantissa = (double)s->mantissa;
  return s->exponent < 0 ? mantissa / powers[-s->exponent] : mantissa * powers[s->exponent];
}

const char *rl_decimal_read(const char *at, struct rl_decimal *value) {
  struct scan s;
  const char *bad;
  bool negative = *at == '-';
  const char *end = scan(at + negative, &s, &bad);
  value->kind = RL_DECIMAL_BAD;
  if (!end)
    return bad;
  bool fits = s.whole && !s.dropped && s.mantissa <= (uint64_t)INT64_MAX + negative;
  if (fits && !(negative && s.mantissa == 0)) {
    value->kind = RL_DECIMAL_INTEGER;
    value->integer = (int64_t)(negative ? -s.mantissa : s.mantissa);
  } else {
    value->kind = RL_DECIMAL_FLOAT;
    value->number = negative ? -value_of(&s) : value_of(&s);
  }
  return end;
}

/* -- writing ------------------------------------------------------------------------------- */

enum { MOST = 17 }; /* digits that tell any double from all others */

/* A value above 0: its digits, with no zero at either end, and how many stand before the point. */
struct digits {
  char text[24];
  int count;
  int point;
};

/* A value with few decimals, such as 3.25: so many tenths, hundredths, and so on. */
static bool take_decimals(double value, struct digits *d) {
  for (int power = 1; power <= EXACT_POWER; power++) {
    double scaled = rint(value * powers[power]);
    if (scaled > EXACT)
      return false;
    if (scaled / powers[power] == value) {
      d->count = (int)put_whole((uint64_t)scaled, d->text);
      d->point = d->count - power;
      return true;
    }
  }
  return false;
}

/* As many digits as it takes, by trial; up to 15, in the usual range, are decimals as above. The
 * library's text is a digit, a point of whatever kind, digits, `e` and an exponent. */
static void take_digits(double value, struct digits *d) {
  char text[64];
  for (int count = value > 1e-5 && value < 1e15 ? 16 : 15; count <= MOST; count++) {
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    const char *at = text;
    for (d->count = 0; *at != 'e'; at++)
      if (is_digit(*at))
        d->text[d->count++] = *at;
    d->point = atoi(at + 1) + 1;
    if (convert(d->text, (size_t)d->count, d->point - d->count) == value)
      break;
  }
  while (d->text[d->count - 1] == '0')
    d->count--;
}

static char *put(char *to, const char *text, int count) {
  memcpy(to, text, (size_t)count);
  return to + count;
}

static char *put_scientific(const struct digits *d, char *to) {
  *to++ = d->text[0];
  if (d->count > 1) {
    *to++ = '.';
    to = put(to, d->text + 1, d->count - 1);
  }
  *to++ = 'e';
  if (d->point > 0)
    *to++ = '+';
  return to + rl_decimal_integer(d->point - 1, to);
}

/* Zeros are only ever written behind the point: before it they would claim to be known. */
static char *put_digits(const struct digits *d, char *to) {
  if (d->point > d->count || d->point < -5)
    return put_scientific(d, to);
  if (d->point > 0) {
    to = put(to, d->text, d->point);
    if (d->count == d->point)
      return to;
    *to++ = '.';
    return put(to, d->text + d->point, d->count - d->point);
  }
  to = put(to, "0.00000", 2 - d->point);
  return put(to, d->text, d->count);
}

size_t rl_decimal_float(double value, char *to) {
  struct digits digits;
  char *at = to;
  if (signbit(value))
    *at++ = '-';
  value = fabs(value);
  if (value < EXACT && value == floor(value))
    return (size_t)(at - to) + put_whole((uint64_t)value, at);
  if (!take_decimals(value, &digits))
    take_digits(value, &digits);
  return (size_t)(put_digits(&digits, at) - to);
}
