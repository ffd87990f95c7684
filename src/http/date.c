/* Date: the calendar is counted in eras of 400 years that begin with a March, so that the odd day
 * is the last one of a year; the C library's functions know a locale and a time zone. */
#include "http/date.h"

#include <stdbool.h>
#include <string.h>

enum { DAY = 24 * 60 * 60, ERA_DAYS = 146097, EPOCH = 719468 /* days from 0000-03-01 to 1970 */ };

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char days[] = "SunMonTueWedThuFriSat";
static const char *const long_days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

struct moment {
  int year, month, day; /* month from 1 */
  int hour, minute, second;
};

static int64_t days_of(int64_t year, int month, int day) {
  if (month <= 2)
    year--;
  int64_t era = year / 400, of_era = year % 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH;
}

static void date_of(int64_t day, struct moment *moment) {
  day += EPOCH;
  int64_t era = day / ERA_DAYS, of_era = day % ERA_DAYS;
  int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  int64_t month = (5 * of_year + 2) / 153;
  moment->day = (int)(of_year - (153 * month + 2) / 5 + 1);
  moment->month = (int)(month < 10 ? month + 3 : month - 9);
  moment->year = (int)(era * 400 + year + (moment->month <= 2));
}

static char *put_number(char *at, int number, int digits) {
  for (int i = digits - 1; i >= 0; i--) {
    at[i] = (char)('0' + number % 10);
    number /= 10;
  }
  return at + digits;
}

static char *put_text(char *at, const char *text, size_t size) {
  memcpy(at, text, size);
  return at + size;
}

void rl_date_write(char text[RL_DATE_SIZE], int64_t seconds) {
  static const int64_t last = 253402300799; /* of the year 9999 */
  seconds = seconds < 0 ? 0 : seconds > last ? last : seconds;
  struct moment moment;
  int64_t day = seconds / DAY;
  int rest = (int)(seconds % DAY);
  date_of(day, &moment);
  char *at = put_text(text, days + (day + 4) % 7 * 3, 3);
  at = put_text(at, ", ", 2);
  at = put_number(at, moment.day, 2);
  *at++ = ' ';
  at = put_text(at, months + (moment.month - 1) * 3, 3);
  *at++ = ' ';
  at = put_number(at, moment.year, 4);
  *at++ = ' ';
  at = put_number(at, rest / 3600, 2);
  *at++ = ':';
  at = put_number(at, rest / 60 % 60, 2);
  *at++ = ':';
  at = put_number(at, rest % 60, 2);
  put_text(at, " GMT", 4);
}

void rl_date_line_write(struct rl_date_line *line, int64_t seconds) {
  char *at = put_text(line->text, "Date: ", 6);
  rl_date_write(at, seconds);
  put_text(at + RL_DATE_SIZE, "\r\n", 2);
  line->seconds = seconds;
}

/* Each take_ function moves `text` on past what it expects, or says false. */
static bool take_text(struct rl_slice *text, const char *expected) {
  size_t size = strlen(expected);
  if (text->size < size || memcmp(text->bytes, expected, size) != 0)
    return false;
  *text = (struct rl_slice){text->bytes + size, text->size - size};
  return true;
}

static bool take_number(struct rl_slice *text, int digits, int *number) {
  *number = 0;
  for (int i = 0; i < digits; i++) {
    if (text->size == 0 || text->bytes[0] < '0' || text->bytes[0] > '9')
      return false;
    *number = *number * 10 + (text->bytes[0] - '0');
    *text = (struct rl_slice){text->bytes + 1, text->size - 1};
  }
  return true;
}

/* One of the three-letter names in `names`, counted from 1. */
static bool take_name(struct rl_slice *text, const char *names, int *number) {
  for (int i = 0; text->size >= 3 && names[3 * i]; i++) {
    if (memcmp(text->bytes, names + 3 * i, 3) == 0) {
      *number = i + 1;
      *text = (struct rl_slice){text->bytes + 3, text->size - 3};
      return true;
    }
  }
  return false;
}

static bool take_long_day(struct rl_slice *text) {
  for (int i = 0; i < 7; i++) {
    if (take_text(text, long_days[i]))
      return true;
  }
  return false;
}

static bool take_time(struct rl_slice *text, struct moment *moment) {
  return take_number(text, 2, &moment->hour) && take_text(text, ":") &&
         take_number(text, 2, &moment->minute) && take_text(text, ":") &&
         take_number(text, 2, &moment->second);
}

/* The form that is written today. */
static bool read_fixed(struct rl_slice text, struct moment *moment) {
  int day;
  return take_name(&text, days, &day) && take_text(&text, ", ") &&
         take_number(&text, 2, &moment->day) && take_text(&text, " ") &&
         take_name(&text, months, &moment->month) && take_text(&text, " ") &&
         take_number(&text, 4, &moment->year) && take_text(&text, " ") &&
         take_time(&text, moment) && take_text(&text, " GMT") && text.size == 0;
}

/* That of RFC 850; the year is then 0 to 99. */
static bool read_short_year(struct rl_slice text, struct moment *moment) {
  return take_long_day(&text) && take_text(&text, ", ") && take_number(&text, 2, &moment->day) &&
         take_text(&text, "-") && take_name(&text, months, &moment->month) &&
         take_text(&text, "-") && take_number(&text, 2, &moment->year) && take_text(&text, " ") &&
         take_time(&text, moment) && take_text(&text, " GMT") && text.size == 0;
}

/* That of C's asctime. */
static bool read_asctime(struct rl_slice text, struct moment *moment) {
  int day;
  if (!take_name(&text, days, &day) || !take_text(&text, " ") ||
      !take_name(&text, months, &moment->month) || !take_text(&text, " "))
    return false;
  int digits = take_text(&text, " ") ? 1 : 2;
  return take_number(&text, digits, &moment->day) && take_text(&text, " ") &&
         take_time(&text, moment) && take_text(&text, " ") &&
         take_number(&text, 4, &moment->year) && text.size == 0;
}

static int full_year(int year, int64_t now) {
  struct moment today;
  date_of((now < 0 ? 0 : now) / DAY, &today);
  year += today.year / 100 * 100;
  return year > today.year + 50 ? year - 100 : year;
}

static bool is_moment(const struct moment *moment) {
  struct moment same;
  if (moment->year < 1970 || moment->day < 1 || moment->hour > 23 || moment->minute > 59 ||
      moment->second > 60) /* a leap second is read as the next one */
    return false;
  date_of(days_of(moment->year, moment->month, moment->day), &same);
  return same.day == moment->day;
}

int rl_date_read(struct rl_slice text, int64_t now, int64_t *seconds) {
  struct moment moment;
  bool found = read_fixed(text, &moment);
  if (!found && read_short_year(text, &moment)) {
    moment.year = full_year(moment.year, now);
    found = true;
  }
  if (!found && !read_asctime(text, &moment))
    return -1;
  if (!is_moment(&moment))
    return -1;
  *seconds = days_of(moment.year, moment.month, moment.day) * DAY + moment.hour * 3600 +
             moment.minute * 60 + moment.second;
  return 0;
}
