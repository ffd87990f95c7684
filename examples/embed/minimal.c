/* The smallest host: a program that runs a Lua script with Rille, and lets the script compute on
 * all cores. `minimal` runs the script below, `minimal FILE [ARGS]` the one in the file.
 *
 *     cc minimal.c $(pkg-config --cflags --libs rille) -o minimal */
#include <rille.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[] =
    "local rille = require 'rille'\n"
    "\n"
    "local function fib(n)\n"
    "  if n < 2 then return n end\n"
    "  return fib(n - 1) + fib(n - 2)\n"
    "end\n"
    "\n"
    "local tasks = {}\n"
    "for n = 20, 24 do tasks[n] = rille.submit(fib, n) end\n"
    "for n = 20, 24 do print(('fib(%d) = %d'):format(n, tasks[n]:await())) end\n";

/* What `arg` is in the script: argv from the script's name on. */
static struct rille_script script_of(int argc, char **argv) {
  struct rille_script script = {.argc = argc, .argv = argv};
  if (argc > 1) {
    script.path = argv[1];
    script.script_at = 1;
  } else {
    script.name = "=minimal"; /* what the messages of errors call it */
    script.text = text;
    script.size = strlen(text);
  }
  return script;
}

int main(int argc, char **argv) {
  /* Ctrl-C ends the script in order; without this, signals are left alone. */
  struct rille_options options = {.grace = 5, .handle_signals = 1};
  struct rille_script script = script_of(argc, argv);

  rille_t *runtime = rille_new(&options);
  if (!runtime) {
    fprintf(stderr, "minimal: not enough memory or descriptors\n");
    return EXIT_FAILURE;
  }

  /* An error in the script has been logged, to standard error, with its traceback. */
  int status = EXIT_FAILURE;
  if (rille_start(runtime, &script) == 0)
    status = rille_run(runtime);

  rille_free(runtime); /* its threads and memory are gone */
  return status;
}
