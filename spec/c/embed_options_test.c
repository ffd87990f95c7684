/* What a host sets before any script runs: how many compute domains, how much memory, where modules
 * are looked for; and what it is told when that makes no sense. */
#include "embedder.h"

static int run_with(struct rille_options *options, struct record *record, const char *text) {
  *record = no_record();
  options->log = log_into;
  options->log_context = record;
  rille_t *runtime = start_with(options, text);
  int status = rille_run(runtime);
  rille_free(runtime);
  return status;
}

static void run_well(struct rille_options *options, const char *text) {
  struct record record;
  if (run_with(options, &record, text) != 0)
    fail_msg("%s", record.text);
}

static void the_pool_has_the_size_that_was_asked_for(void **state) {
  (void)state;
  struct rille_options options = {.min_domains = 2, .max_domains = 3, .queue_limit = 5};
  run_well(&options, "local domains, rille = require 'rille.domains', require 'rille'\n"
                     "local min, max = domains.get_bounds()\n"
                     "assert(min == 2 and max == 3)\n"
                     "assert(domains.get_queue_limit() == 5)\n"
                     "while domains.stats().domains ~= 2 do rille.sleep(0.001) end\n");
  options = (struct rille_options){.min_domains = 7};
  run_well(&options, "local domains = require 'rille.domains'\n"
                     "local min, max = domains.get_bounds()\n"
                     "assert(min == 7 and max == math.max(7, domains.recommended()))\n"
                     "assert(domains.get_queue_limit() == 1000)\n");
  options = (struct rille_options){.max_domains = -1};
  run_well(&options,
           "local domains, rille = require 'rille.domains', require 'rille'\n"
           "assert(select(2, domains.get_bounds()) == 0)\n"
           "assert(rille.detach(function() return require('rille').domain() end) == 'main')\n");
}

/* Those that are there from the start look for modules where the script does. */
static void domains_that_are_kept_look_where_the_script_does(void **state) {
  (void)state;
  struct rille_options options = {.min_domains = 1, .path = "/mine/?.lua", .cpath = "/mine/?.so"};
  run_well(&options,
           "local rille = require 'rille'\n"
           "assert(package.path == '/mine/?.lua' and package.cpath == '/mine/?.so')\n"
           "local path, cpath = rille.detach(function() return package.path, package.cpath end)\n"
           "assert(path == '/mine/?.lua' and cpath == '/mine/?.so')\n");
}

static void a_domain_has_the_memory_that_was_asked_for(void **state) {
  (void)state;
  struct rille_options options = {.memory_limit = 8 << 20};
  run_well(&options, "local function fill() return #('x'):rep(9 << 20) end\n"
                     "local ok, err = pcall(fill)\n"
                     "assert(not ok and tostring(err):find 'memory', err)\n"
                     "ok, err = pcall(require('rille').detach, fill)\n"
                     "assert(not ok and tostring(err):find 'memory', err)\n");
}

/* -- modules of the host ----------------------------------------------------------------------- */

struct modules {
  atomic_int asked;
};

static const char *find_module(void *context, const char *name, size_t *size) {
  static const char good[] = "local name, place = ...\n"
                             "return { name = name, place = place,\n"
                             "         twice = function(n) return 2 * n end,\n"
                             "         fail = function() error 'no wind' end }\n";
  static const char bad[] = "return return", binary[] = "\x1bLua";
  struct modules *modules = context;
  atomic_fetch_add(&modules->asked, 1);
  const char *text = strcmp(name, "mine.good") == 0     ? good
                     : strcmp(name, "mine.bad") == 0    ? bad
                     : strcmp(name, "mine.binary") == 0 ? binary
                                                        : NULL;
  *size = text ? strlen(text) : 0;
  return text;
}

static void every_domain_finds_the_modules_of_the_host(void **state) {
  (void)state;
  struct modules modules = {0};
  struct rille_options options = {.loops = 2, .find_module = find_module, .find_context = &modules};
  run_well(
      &options,
      "local rille, good = require 'rille', require 'mine.good'\n"
      "assert(good.name == 'mine.good' and good.place == ':host:')\n"
      "assert(rille.detach(good.twice, 4) == 8)\n"
      "assert(rille.detach(function() return require('mine.good').twice(5) end) == 10)\n"
      "local ok, err = pcall(good.fail)\n"
      "assert(not ok and err == 'mine.good:4: no wind', err)\n"
      "ok, err = pcall(require, 'mine.bad')\n"
      "assert(not ok and err:find(\"error loading module 'mine.bad' of the host:\", 1, true))\n"
      "assert(err:find 'mine.bad:1: unexpected symbol', err)\n"
      "ok, err = pcall(require, 'mine.binary')\n"
      "assert(not ok and err:find 'attempt to load a binary chunk', err)\n"
      "ok, err = pcall(require, 'mine.none')\n"
      "assert(not ok and err:find 'the host has no such module', err)\n");
  assert_in_range(atomic_load(&modules.asked), 5, 100);
}

/* -- mistakes ---------------------------------------------------------------------------------- */

static void refuses(struct rille_options options, const char *why) {
  struct record record = no_record();
  options.log = log_into;
  options.log_context = &record;
  assert_null(rille_new(&options));
  if (!strstr(record.text, why))
    fail_msg("%s", record.text);
}

static void what_makes_no_sense_is_refused(void **state) {
  (void)state;
  struct memory memory = {.left = -1};
  struct rille_options options = {.min_domains = -1};
  refuses(options, "must not be negative");
  options = (struct rille_options){.queue_limit = -1};
  refuses(options, "must not be negative");
  options = (struct rille_options){.min_domains = 3, .max_domains = 2};
  refuses(options, "max_domains must not be below min_domains");
  options = (struct rille_options){.min_domains = 1, .max_domains = -1};
  refuses(options, "max_domains must not be below min_domains");
  options = (struct rille_options){.memory_limit = 1000};
  refuses(options, "at least 4 MiB");
  options = (struct rille_options){.log_level = (enum rille_log_level)3};
  refuses(options, "log_level must be one of");
  options = (struct rille_options){
      .simulate = RILLE_SIMULATE, .allocate = memory_allocate, .allocate_context = &memory};
  refuses(options, "does not take its memory from its host");
  assert_int_equal(atomic_load(&memory.blocks), 0);
}

static void what_is_below_the_level_is_not_logged(void **state) {
  (void)state;
  static const char *const words[] = {"d i w e ", "i w e ", "w e ", "e "};
  for (int level = RILLE_LOG_DEBUG; level <= RILLE_LOG_ERROR; level++) {
    struct record record;
    struct rille_options options = {.log_form = RILLE_LOG_PLAIN,
                                    .log_level = (enum rille_log_level)level};
    run_with(&options, &record,
             "local log = require 'rille.log'\n"
             "log.debug 'd' log.info 'i' log.warn 'w' log.error 'e'\n");
    for (char *end = record.text; *end; end++)
      *end = *end == '\n' ? ' ' : *end;
    assert_string_equal(record.text, words[level - RILLE_LOG_DEBUG]);
  }
}

static void a_simulation_keeps_domains_too(void **state) {
  (void)state;
  struct rille_options options = {.simulate = RILLE_SIMULATE, .seed = 7, .min_domains = 2};
  run_well(&options, "local domains, rille = require 'rille.domains', require 'rille'\n"
                     "assert(rille.detach(function() return 1 end) == 1)\n"
                     "assert(domains.stats().domains == 2)\n");
}

int main(void) {
  alarm(100); /* what hangs ends the test */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_pool_has_the_size_that_was_asked_for),
      cmocka_unit_test(domains_that_are_kept_look_where_the_script_does),
      cmocka_unit_test(a_domain_has_the_memory_that_was_asked_for),
      cmocka_unit_test(every_domain_finds_the_modules_of_the_host),
      cmocka_unit_test(what_makes_no_sense_is_refused),
      cmocka_unit_test(what_is_below_the_level_is_not_logged),
      cmocka_unit_test(a_simulation_keeps_domains_too),
  };
  return cmocka_run_group_tests_name("embed_options", tests, NULL, NULL);
}
