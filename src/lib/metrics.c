/* rille.metrics: numbers that a program counts, for Prometheus. None of its functions suspends; all
 * may be called on any domain, and there is one sum over all.
 *
 *     local visits = rille.metrics.counter { name = "shop_visits_total", help = "Visits" }
 *     visits:inc()
 *
 * Loading this module has the runtime count its own, too; metrics.text tells all. See
 * docs/metrics.md. */
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/metric.h"
#include "domain/domain.h"
#include "domain/gauges.h"
#include "lib/modules.h"
#include "vm/scratch.h"
#include "vm/shared.h"

/* What scripts hold: it crosses by reference, the metric is the runtime's. */
struct handle {
  struct rl_shared shared;
  struct rl_heap *heap;
  struct rl_metric *metric;
};

static void destroy(struct rl_shared *shared) {
  struct handle *handle = RL_OF(shared, struct handle, shared);
  rl_free(handle->heap, handle, sizeof *handle);
}

static const struct rl_shared_kind handle_kind = {
    .module = "rille.metrics",
    .metatable = "metric",
    .destroy = destroy,
};

static struct rl_metrics *metrics_of(lua_State *L) {
  return rl_domain_of(L)->settings->metrics;
}

static const char *const kinds[] = {"counter", "gauge", "histogram"};

/* -- defining -------------------------------------------------------------------------------- */

/* Raises "metrics.counter: ...". */
static int refuse(lua_State *L, const struct rl_metric_terms *terms, const char *fault) {
  return luaL_error(L, "metrics.%s: %s", kinds[terms->kind], fault);
}

/* [] -> [.., string]: an option, as long as that stays. */
static const char *text_option(lua_State *L, const struct rl_metric_terms *terms,
                               const char *name) {
  if (lua_getfield(L, 1, name) != LUA_TSTRING)
    refuse(L, terms,
           lua_pushfstring(L, "%s must be a string, got a %s", name, luaL_typename(L, -1)));
  if (strlen(lua_tostring(L, -1)) != lua_rawlen(L, -1))
    refuse(L, terms, lua_pushfstring(L, "%s must not have a zero byte", name));
  return lua_tostring(L, -1);
}

static bool ends_in(const char *text, const char *end) {
  size_t size = strlen(text), wanted = strlen(end);
  return size >= wanted && strcmp(text + size - wanted, end) == 0;
}

static void check_name(lua_State *L, const struct rl_metric_terms *terms) {
  static const char *const reserved[] = {"_bucket", "_count", "_sum"};
  const char *name = terms->name;
  bool total = ends_in(name, "_total");
  if (!rl_metric_is_name(name, false))
    refuse(L, terms,
           lua_pushfstring(L,
                           "\"%s\" is no name: letters, digits, _ and : make one, and "
                           "no digit begins it",
                           name));
  if (strncmp(name, "rille_", 6) == 0 || strncmp(name, "process_", 8) == 0)
    refuse(L, terms,
           lua_pushfstring(L,
                           "\"%s\": what begins with rille_ or process_ is the "
                           "runtime's own",
                           name));
  if (terms->kind == RL_COUNTER && !total)
    refuse(L, terms, lua_pushfstring(L, "a counter's name ends in _total: \"%s_total\"", name));
  if (terms->kind != RL_COUNTER && total)
    refuse(L, terms, lua_pushfstring(L, "\"%s\": only a counter's name ends in _total", name));
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    if (ends_in(name, reserved[i]))
      refuse(L, terms,
             lua_pushfstring(L, "\"%s\": %s at the end is a histogram's own", name, reserved[i]));
}

static void add_label(lua_State *L, struct rl_metric_terms *terms, const char *label) {
  if (terms->label_count == RL_METRIC_LABELS)
    refuse(L, terms, lua_pushfstring(L, "a metric has up to %d labels", RL_METRIC_LABELS));
  if (!label || !rl_metric_is_name(label, true))
    refuse(L, terms,
           lua_pushfstring(L,
                           "labels: \"%s\" is no name: letters, digits and _ make one, "
                           "neither a digit nor __ begins it",
                           label ? label : luaL_tolstring(L, -1, NULL)));
  if (terms->kind == RL_HISTOGRAM && strcmp(label, "le") == 0)
    refuse(L, terms, "labels: le is a histogram's own");
  for (unsigned i = 0; i < terms->label_count; i++)
    if (strcmp(terms->labels[i], label) == 0)
      refuse(L, terms, lua_pushfstring(L, "labels: \"%s\" is there twice", label));
  terms->labels[terms->label_count++] = label;
}

/* [] -> [list]: which keeps the names. */
static void read_labels(lua_State *L, struct rl_metric_terms *terms) {
  int type = lua_getfield(L, 1, "labels");
  if (type != LUA_TTABLE && type != LUA_TNIL)
    refuse(L, terms, "labels are given as a list of names");
  for (lua_Integer i = 1; type == LUA_TTABLE && lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
    add_label(L, terms, lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL);
    lua_pop(L, 1); /* the list has it */
  }
  if (type == LUA_TTABLE)
    lua_pop(L, 1);
}

/* Seconds, for requests: as Prometheus' own libraries have them, and two below. */
static const double usual_bounds[] = {0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1,
                                      0.25,   0.5,   1,     2.5,  5,     10};

static void add_bound(lua_State *L, struct rl_metric_terms *terms) {
  unsigned count = terms->bound_count;
  if (count == RL_METRIC_BOUNDS)
    refuse(L, terms, lua_pushfstring(L, "a histogram has up to %d buckets", RL_METRIC_BOUNDS));
  double bound = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
  if (!isfinite(bound) || (count > 0 && bound <= terms->bounds[count - 1]))
    refuse(L, terms, "buckets are given as a list of numbers, each greater than the one before");
  terms->bounds[terms->bound_count++] = bound;
}

static void read_buckets(lua_State *L, struct rl_metric_terms *terms) {
  int type = lua_getfield(L, 1, "buckets");
  if (type == LUA_TNIL && terms->kind == RL_HISTOGRAM) {
    terms->bound_count = sizeof usual_bounds / sizeof *usual_bounds;
    memcpy(terms->bounds, usual_bounds, sizeof usual_bounds);
  } else if (type == LUA_TTABLE && terms->kind == RL_HISTOGRAM) {
    for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++, lua_pop(L, 1))
      add_bound(L, terms);
    lua_pop(L, 1);
  } else if (type != LUA_TNIL) {
    refuse(L, terms, "buckets are given as a list, to a histogram");
  }
  lua_pop(L, 1);
}

static void read_limit(lua_State *L, struct rl_metric_terms *terms) {
  enum { MOST = 1000000 };
  int whole = 1;
  lua_Integer limit = RL_METRIC_LIMIT;
  if (lua_getfield(L, 1, "limit") != LUA_TNIL)
    limit = lua_tointegerx(L, -1, &whole);
  if (!whole || limit < 1 || limit > MOST)
    refuse(L, terms, "limit must be an integer from 1 to 1000000");
  terms->limit = (unsigned)limit;
  lua_pop(L, 1);
}

static void check_options(lua_State *L, const struct rl_metric_terms *terms) {
  static const char *const known[] = {"name", "help", "labels", "buckets", "limit"};
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    bool found = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
      found =
          found || (lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), known[i]) == 0);
    if (!found)
      refuse(L, terms, lua_pushfstring(L, "there is no option %s", luaL_tolstring(L, -2, NULL)));
  }
}

/* [] -> [handle] */
static void push_handle(lua_State *L, struct rl_metric *metric) {
  struct rl_heap *heap = rl_domain_of(L)->settings->heap;
  rl_shared_prepare(L, &handle_kind);
  struct handle *handle = rl_alloc(heap, sizeof *handle);
  if (!handle)
    luaL_error(L, "not enough memory");
  *handle = (struct handle){.heap = heap, .metric = metric};
  rl_shared_init(&handle->shared, &handle_kind);
  rl_shared_fill(L, &handle->shared);
}

/* Finds the series with these values; warns when they become too many. */
static struct rl_metric_cell *cell_of(lua_State *L, struct rl_metric *metric,
                                      const struct rl_slice *values) {
  struct rl_domain *domain = rl_domain_of(L);
  bool first;
  struct rl_metric_cell *cell =
      rl_metric_cell(domain->settings->metrics, metric, values, rl_gauges_slot(domain), &first);
  if (!cell)
    luaL_error(L, "not enough memory");
  if (first)
    rl_log_line(&domain->settings->log, RL_LOG_WARN,
                "the metric %s has too many series, or values that are no text: further ones count "
                "as \"_other\"",
                metric->terms.name);
  return cell;
}

static int define(lua_State *L, enum rl_metric_kind kind) { // [options]
  struct rl_metric_terms terms = {.kind = kind};
  struct rl_metric *metric;
  if (!lua_istable(L, 1))
    refuse(L, &terms, "options are given in a table: { name = ..., help = ... }");
  check_options(L, &terms);
  terms.name = text_option(L, &terms, "name");
  terms.help = text_option(L, &terms, "help");
  check_name(L, &terms);
  read_labels(L, &terms);
  read_buckets(L, &terms);
  read_limit(L, &terms);
  switch (rl_metrics_define(metrics_of(L), &terms, &metric)) {
  case RL_METRIC_NO_MEMORY: return luaL_error(L, "not enough memory");
  case RL_METRIC_DIFFERS:
    return refuse(L, &terms,
                  lua_pushfstring(L,
                                  "there is a metric \"%s\" already, which differs in "
                                  "kind, help, labels or buckets",
                                  terms.name));
  case RL_METRIC_FINE: break;
  }
  if (terms.label_count == 0)
    cell_of(L, metric, NULL); /* from now on it is told, as 0 */
  push_handle(L, metric);
  return 1;
}

/* metrics.counter(options) -> metric
 *
 * What only grows. Raises if a name is not as Prometheus wants it, or there is a metric of that
 * name that is not the same; the same one may be asked for again, on any domain.
 *
 * Options:
 *     name      string: ends in _total
 *     help      string: what it counts
 *     labels    a list of names; each inc gives a value to all of them
 *     limit     1000: the most series, that is combinations of values; what is beyond counts
 *               as "_other" */
static int counter(lua_State *L) {
  return define(L, RL_COUNTER);
}

/* metrics.gauge(options) -> metric
 *
 * What goes up and down. Options are those of metrics.counter, but the name does not end in
 * _total. */
static int gauge(lua_State *L) {
  return define(L, RL_GAUGE);
}

/* metrics.histogram(options) -> metric
 *
 * How often which values were observed. Options are those of metrics.counter, but the name does not
 * end in _total, and:
 *
 * Options:
 *     buckets   their upper bounds, growing; initially from 0.0005 to 10, for seconds */
static int histogram(lua_State *L) {
  return define(L, RL_HISTOGRAM);
}

/* -- counting -------------------------------------------------------------------------------- */

/* The type metric of rille.metrics: it crosses to other domains by reference. None of its methods
 * suspends. */

static struct rl_metric *check_metric(lua_State *L, const char *method, unsigned allowed) {
  struct handle *handle = RL_OF(rl_shared_check(L, &handle_kind), struct handle, shared);
  struct rl_metric *metric = handle->metric;
  if (!(allowed >> metric->terms.kind & 1))
    luaL_error(L, "%s: a %s has no %s", metric->terms.name, kinds[metric->terms.kind], method);
  return metric;
}

static void refuse_label(lua_State *L, const struct rl_metric *metric, const char *fault) {
  luaL_error(L, "%s: %s", metric->terms.name, fault);
}

/* [.., value]: as text, which stays on the stack. */
static struct rl_slice value_at(lua_State *L, const struct rl_metric *metric, const char *label) {
  struct rl_slice value = {NULL, 0};
  switch (lua_type(L, -1)) {
  case LUA_TSTRING:
  case LUA_TNUMBER: value.bytes = lua_tolstring(L, -1, &value.size); break;
  case LUA_TBOOLEAN: value.bytes = luaL_tolstring(L, -1, &value.size); break;
  case LUA_TNIL:
    refuse_label(L, metric, lua_pushfstring(L, "the label %s is missing", label));
    break;
  default:
    refuse_label(L, metric,
                 lua_pushfstring(L,
                                 "the label %s must be a string, a number or a boolean, got a %s",
                                 label, luaL_typename(L, -1)));
  }
  return value;
}

/* What was given has one more than it should: says which. */
static void check_count(lua_State *L, const struct rl_metric *metric, int index) {
  unsigned given = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    given++;
  if (given == metric->terms.label_count)
    return;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    bool known = false;
    for (unsigned i = 0; i < metric->terms.label_count; i++)
      known = known || (lua_type(L, -2) == LUA_TSTRING &&
                        strcmp(lua_tostring(L, -2), metric->terms.labels[i]) == 0);
    if (!known)
      refuse_label(L, metric,
                   lua_pushfstring(L, "there is no label %s", luaL_tolstring(L, -2, NULL)));
  }
}

/* The cell for the labels at `index`. */
static struct rl_metric_cell *find_cell(lua_State *L, struct rl_metric *metric, int index) {
  struct rl_slice values[RL_METRIC_LABELS];
  unsigned count = metric->terms.label_count;
  if (count == 0 && lua_isnoneornil(L, index))
    return cell_of(L, metric, values);
  if (!lua_istable(L, index))
    refuse_label(L, metric,
                 count > 0 ? "its labels are given in a table, behind the number"
                           : "it has no labels");
  luaL_checkstack(L, 2 * RL_METRIC_LABELS + LUA_MINSTACK, "labels");
  for (unsigned i = 0; i < count; i++) {
    lua_pushstring(L, metric->terms.labels[i]);
    lua_rawget(L, index);
    values[i] = value_at(L, metric, metric->terms.labels[i]);
  }
  check_count(L, metric, index);
  return cell_of(L, metric, values);
}

static void count(lua_State *L, const char *method, double sign) { // [metric, n, labels]
  bool grows = sign > 0;
  struct rl_metric *metric =
      check_metric(L, method, grows ? 1u << RL_COUNTER | 1u << RL_GAUGE : 1u << RL_GAUGE);
  double by = luaL_optnumber(L, 2, 1);
  if (metric->terms.kind == RL_COUNTER) {
    luaL_argcheck(L, by >= 0 && isfinite(by), 2, "a counter only grows");
    rl_metric_add(find_cell(L, metric, 3), by);
  } else {
    rl_metric_change(find_cell(L, metric, 3), by * sign);
  }
}

/* metric:inc([n [, labels]])
 *
 * Adds n, 1 unless it is given, to the series of a counter or gauge with these labels. Raises if a
 * label is missing or unknown; n is negative, of a counter. */
static int inc(lua_State *L) {
  count(L, "inc", 1);
  return 0;
}

/* metric:dec([n [, labels]]): subtracts it from a gauge. */
static int dec(lua_State *L) {
  count(L, "dec", -1);
  return 0;
}

/* metric:set(n [, labels]): gives a gauge its value. */
static int set(lua_State *L) {
  struct rl_metric *metric = check_metric(L, "set", 1u << RL_GAUGE);
  double value = luaL_checknumber(L, 2);
  rl_metric_set(find_cell(L, metric, 3), value);
  return 0;
}

/* metric:observe(n [, labels]): counts it in its bucket of a histogram, and in the sum. */
static int observe(lua_State *L) {
  struct rl_metric *metric = check_metric(L, "observe", 1u << RL_HISTOGRAM);
  double value = luaL_checknumber(L, 2);
  luaL_argcheck(L, !isnan(value), 2, "not a number");
  rl_metric_observe(metric, find_cell(L, metric, 3), value);
  return 0;
}

/* -- telling --------------------------------------------------------------------------------- */

static struct rl_buffer *check_buffer(lua_State *L, struct rl_buffer *buffer) {
  if (buffer->failed)
    luaL_error(L, "not enough memory");
  return buffer;
}

/* metrics.text() -> text
 *
 * All metrics, the program's and the runtime's own, in the text format of Prometheus (version
 * 0.0.4). app:metrics(path) serves it. */
static int text(lua_State *L) {
  struct rl_buffer *buffer = rl_scratch_push(L);
  lua_toclose(L, -1);
  rl_metrics_text(metrics_of(L), buffer);
  rl_gauges_text(rl_domain_of(L), buffer);
  check_buffer(L, buffer);
  lua_pushlstring(L, (const char *)buffer->bytes, buffer->size);
  return 1;
}

static const luaL_Reg functions[] = {
    {"counter", counter}, {"gauge", gauge}, {"histogram", histogram}, {"text", text}, {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"inc", inc}, {"dec", dec}, {"set", set}, {"observe", observe}, {NULL, NULL},
};

int luaopen_rille_metrics(lua_State *L) {
  atomic_store(&metrics_of(L)->on, true);
  rl_shared_open(L, &handle_kind, methods);
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
