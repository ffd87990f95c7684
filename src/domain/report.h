/* Report: what a domain has to log, with the domain and the context of the fiber that it is about,
 * such as the request. On the domain's thread; nothing here raises or suspends. */
#ifndef RL_DOMAIN_REPORT_H
#define RL_DOMAIN_REPORT_H

#include <lua.h>

#include "base/log_form.h"
#include "domain/context.h"
#include "domain/domain.h"

enum { RL_REPORT_FIELDS = RL_CONTEXT_MOST + 1, RL_REPORT_NAME = 24 };

/* What an entry bears by itself; as long as the context and the struct stay. */
struct rl_report {
  char domain[RL_REPORT_NAME]; /* "main", "main-2" of several loops, "compute-3" */
  struct rl_log_field fields[RL_REPORT_FIELDS];
  size_t count;
};

void rl_report_name(const struct rl_domain *domain, char name[RL_REPORT_NAME]);

/* `context` may be NULL. */
void rl_report_init(struct rl_report *report, const struct rl_domain *domain,
                    const struct rl_context *context);

/* An error, with the lines of its traceback. */
void rl_report_text(const struct rl_domain *domain, const struct rl_context *context,
                    enum rl_log_level level, const char *prefix, const char *text, size_t size);

/* The context that entries about the fiber bear, made now if need be; NULL: none, or no memory. */
const struct rl_context *rl_report_context(struct rl_fiber *fiber);

#endif
