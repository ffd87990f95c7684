/* Report: see the header. */
#include "domain/report.h"

#include <stdio.h>
#include <string.h>

#include "domain/fiber.h"

static struct rl_slice slice_of(const char *text) {
  return (struct rl_slice){text, strlen(text)};
}

void rl_report_name(const struct rl_domain *domain, char name[RL_REPORT_NAME]) {
  unsigned number = domain->vm.number;
  if (domain->vm.compute)
    snprintf(name, RL_REPORT_NAME, "compute-%u", number);
  else if (number > 1)
    snprintf(name, RL_REPORT_NAME, "main-%u", number);
  else
    strcpy(name, "main");
}

static void add(struct rl_report *report, struct rl_slice name, struct rl_slice text) {
  report->fields[report->count++] = (struct rl_log_field){.name = name, .text = text};
}

/* Not the deadline, which is there for those who compute with it. */
void rl_report_init(struct rl_report *report, const struct rl_domain *domain,
                    const struct rl_context *context) {
  struct rl_slice deadline = slice_of("deadline");
  report->count = 0;
  rl_report_name(domain, report->domain);
  add(report, slice_of("domain"), slice_of(report->domain));
  report->fields[0].own = true;
  for (unsigned i = 0; context && i < context->count; i++) {
    struct rl_slice key = rl_context_key(context, i);
    if (key.size != deadline.size || memcmp(key.bytes, deadline.bytes, key.size) != 0)
      add(report, key, rl_context_find(context, key));
  }
}

void rl_report_text(const struct rl_domain *domain, const struct rl_context *context,
                    enum rl_log_level level, const char *prefix, const char *text, size_t size) {
  struct rl_report report;
  if (!rl_log_wants(&domain->settings->log, level))
    return;
  rl_report_init(&report, domain, context);
  rl_log_enter(&domain->settings->log, &(struct rl_log_entry){.level = level,
                                                              .prefix = slice_of(prefix),
                                                              .message = {text, size},
                                                              .lines = true,
                                                              .fields = report.fields,
                                                              .count = report.count});
}

const struct rl_context *rl_report_context(struct rl_fiber *fiber) {
  return fiber && rl_fiber_introduce(fiber) ? fiber->carried : NULL;
}
