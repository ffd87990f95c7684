/* The program: `rille script.lua`. Sees only rille.h, as any embedding program would.
 *
 * What else it does (`rille new`, `rille test`, ..) is written in Lua: lua/rille/command/ is part
 * of the program like all of Rille's modules, and loaded only where it is asked for. Here that is a
 * line of Lua instead of a script. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "rille.h"

enum { STACK_BYTES = 4 << 20, MOST_LOOPS = 1024 };

static const char usage[] =
    "usage: rille [options] script [args]\n"
    "       rille COMMAND ...\n"
    "Runs a Lua script in a fiber, on a loop; ends when nothing is left to wait for.\n"
    "\n"
    "  script             a file; - for standard input\n"
    "  -e TEXT            run TEXT instead of a script\n"
    "      --watch        run it again whenever it, or a module of it, has changed\n"
    "      --control PATH let its owner in at a Unix socket there, by\n"
    "                     rille repl --attach PATH\n"
    "      --loops N      run the script N times, each on a loop and thread of its\n"
    "                     own; they share the ports they listen at and the compute\n"
    "                     domains; auto: one a core\n"
    "      --log WORDS    log in a form (text, json, plain; auto, the default: text\n"
    "                     on a terminal, else json), from a level on (debug, info,\n"
    "                     warn, error; default info), or both: json,debug.\n"
    "                     RILLE_LOG in the environment says the same\n"
    "      --grace SECS   on SIGINT or SIGTERM, running handlers get SECS seconds\n"
    "                     (default 10)\n"
    "      --simulate SEED\n"
    "                     run all domains on one thread, in an order and a time drawn\n"
    "                     from SEED, always the same; --schedule logs the order\n"
    "  -h, --help         print this and exit\n"
    "  -v, --version      print the version and exit\n"
    "\n"
    "Commands (rille COMMAND --help says more; a script of such a name is ./NAME):\n"
    "  new NAME           make a project that serves, with its tests\n"
    "  run ...            the same as without `run`, also of a script that is named\n"
    "                     like a command\n"
    "  test [FILES]       run specs with busted, in a fiber\n"
    "  check [FILES]      look for mistakes: also in what is detached\n"
    "  repl               try Lua at a prompt, here or in a running server\n"
    "  bench URL          ask a server as fast as it answers\n";

/* The lines of Lua that run instead of a script. */
static const char run_command[] = "return require 'rille.command' (...)";
static const char run_watch[] = "return require 'rille.command.watch' (...)";
static const char run_launch[] = "return require 'rille.command.launch' (...)";

struct command {
  struct rille_options options;
  struct rille_script script;
  bool schedule;
  bool run;      /* the word `run` stands before the script */
  bool tool;     /* it is not a script, but a command like `new` */
  int watch_at;  /* where --watch is; 0: it is not */
  char *text;    /* of -e */
  char *control; /* path of a socket; NULL: none */
  char *note;    /* file for the names of the modules that are loaded; NULL: none */
  char **words;  /* made for the launcher; NULL: it is not needed */
};

static int wrong(const char *message, const char *what) {
  fprintf(stderr, "rille: %s%s\nTry 'rille --help'.\n", message, what);
  return EXIT_FAILURE;
}

static int parse_grace(const char *text, double *grace) {
  char *end;
  *grace = strtod(text, &end);
  if (end != text && *end == '\0' && *grace >= 0)
    return 0;
  return wrong("--grace wants a number of seconds, not ", text);
}

static int parse_loops(const char *text, int *loops) {
  char *end;
  long count = strtol(text, &end, 10);
  bool is_auto = strcmp(text, "auto") == 0;
  *loops = is_auto ? -1 : (int)count;
  if (is_auto || (end != text && *end == '\0' && count >= 1 && count <= MOST_LOOPS))
    return 0;
  return wrong("--loops wants a number from 1 to 1024, or auto, not ", text);
}

/* Which of the names the word is, from 0; -1: none. */
static int find_word(const char *const *names, int count, const char *word, size_t size) {
  for (int i = 0; i < count; i++)
    if (strlen(names[i]) == size && memcmp(names[i], word, size) == 0)
      return i;
  return -1;
}

static bool parse_log_word(const char *word, size_t size, struct rille_options *options) {
  static const char *const forms[] = {"auto", "plain", "text", "json"};
  static const char *const levels[] = {"debug", "info", "warn", "error"};
  int form = find_word(forms, sizeof forms / sizeof *forms, word, size);
  int level = find_word(levels, sizeof levels / sizeof *levels, word, size);
  if (form >= 0)
    options->log_form = (enum rille_log_form)form;
  if (level >= 0)
    options->log_level = (enum rille_log_level)(RILLE_LOG_DEBUG + level);
  return form >= 0 || level >= 0;
}

/* A form, a level, or both with a comma between; `source` is who says so. */
static int parse_log(const char *source, const char *text, struct rille_options *options) {
  for (const char *word = text;; word++) {
    size_t size = strcspn(word, ",");
    if (!parse_log_word(word, size, options)) {
      fprintf(stderr,
              "rille: %s wants a form (text, json, plain, auto), a level (debug, info, warn, "
              "error), or both as in json,debug; not %s\nTry 'rille --help'.\n",
              source, text);
      return EXIT_FAILURE;
    }
    word += size;
    if (*word == '\0')
      return 0;
  }
}

static int parse_seed(const char *text, struct rille_options *options) {
  char *end;
  errno = 0;
  options->seed = strtoull(text, &end, 0);
  if (options->simulate == RILLE_SIMULATE_NOT)
    options->simulate = RILLE_SIMULATE;
  if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0)
    return 0;
  return wrong("--simulate wants a whole number, not ", text);
}

/* How many letters of `word` have to be left out, put in or exchanged to make `name`. */
static size_t distance(const char *word, const char *name) {
  enum { LONGEST = 32 };
  size_t row[LONGEST], length = strnlen(name, LONGEST - 1);
  for (size_t j = 0; j <= length; j++)
    row[j] = j;
  for (size_t i = 1; word[i - 1]; i++) {
    size_t diagonal = i - 1;
    row[0] = i;
    for (size_t j = 1; j <= length; j++) {
      size_t least = diagonal + (word[i - 1] != name[j - 1]);
      size_t other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      diagonal = row[j];
      row[j] = other < least ? other : least;
    }
  }
  return row[length];
}

/* After getopt has said what is wrong with the word: which of the options it may have been. */
static void hint_at_option(const char *word, const struct option *options) {
  const char *nearest = NULL;
  size_t least = strlen(word) / 2; /* half of its letters, with the dashes */
  for (; options->name; options++) {
    size_t far = distance(word + strspn(word, "-"), options->name);
    if (far < least) {
      nearest = options->name;
      least = far;
    }
  }
  if (nearest)
    fprintf(stderr, "Did you mean '--%s'?\n", nearest);
}

/* -1: go on; else the exit status. */
static int parse_options(struct command *command, int argc, char **argv) {
  enum { GRACE = 256, LOOPS, LOG, SIMULATE, SCHEDULE, WATCH, CONTROL, NOTE };
  static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'v'},
                                          {"grace", required_argument, NULL, GRACE},
                                          {"loops", required_argument, NULL, LOOPS},
                                          {"log", required_argument, NULL, LOG},
                                          {"simulate", required_argument, NULL, SIMULATE},
                                          {"schedule", no_argument, NULL, SCHEDULE},
                                          {"watch", no_argument, NULL, WATCH},
                                          {"control", required_argument, NULL, CONTROL},
                                          {"note-modules", required_argument, NULL, NOTE},
                                          {NULL, 0, NULL, 0}};
  int option;
  while ((option = getopt_long(argc, argv, "+e:hv", options, NULL)) != -1) {
    switch (option) {
    case 'e':
      if (command->text)
        return wrong("there is more than one -e; put all lines into one", "");
      command->text = optarg;
      break;
    case 'h': fputs(usage, stdout); return EXIT_SUCCESS;
    case 'v': printf("Rille %s\n", rille_version()); return EXIT_SUCCESS;
    case GRACE:
      if (parse_grace(optarg, &command->options.grace) != 0)
        return EXIT_FAILURE;
      break;
    case LOOPS:
      if (parse_loops(optarg, &command->options.loops) != 0)
        return EXIT_FAILURE;
      break;
    case LOG:
      if (parse_log("--log", optarg, &command->options) != 0)
        return EXIT_FAILURE;
      break;
    case SIMULATE:
      if (parse_seed(optarg, &command->options) != 0)
        return EXIT_FAILURE;
      break;
    case SCHEDULE: command->schedule = true; break;
    case WATCH: command->watch_at = optind - 1; break;
    case CONTROL: command->control = optarg; break;
    case NOTE: command->note = optarg; break;
    default:
      if (optopt == 0) /* a long one that there is not */
        hint_at_option(argv[optind - 1], options);
      fputs("Try 'rille --help'.\n", stderr);
      return EXIT_FAILURE;
    }
  }
  return -1;
}

static int check_simulation(struct command *command) {
  struct rille_options *options = &command->options;
  if (options->simulate == RILLE_SIMULATE_NOT)
    return command->schedule ? wrong("--schedule wants a --simulate", "") : -1;
  if (options->loops != 0)
    return wrong("--simulate has one loop; --loops does not go with it", "");
  if (command->control)
    return wrong("--simulate has no sockets; --control does not go with it", "");
  if (command->schedule)
    options->simulate = RILLE_SIMULATE_TELL;
  return -1;
}

/* Runs a line of Lua, whose arguments follow argv[at]. */
static int run_line(struct command *command, const char *line, int at) {
  command->script.name = "=rille";
  command->script.text = line;
  command->script.size = strlen(line);
  command->script.script_at = at;
  return -1;
}

/* A word that names a command, or would: whatever could not be a script. */
static bool is_command(const char *word) {
  static const char *const names[] = {"bench", "check", "new", "repl", "test"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(word, names[i]) == 0)
      return true;
  bool plain = strspn(word, "abcdefghijklmnopqrstuvwxyz") == strlen(word);
  return plain && *word && access(word, F_OK) != 0;
}

/* Which script, and what its `arg` is. */
static int choose_script(struct command *command, int argc, char **argv) {
  struct rille_script *script = &command->script;
  script->argc = argc;
  script->argv = argv;
  if (command->text) {
    script->text = command->text;
    script->size = strlen(command->text);
    script->name = "=(command line)";
    script->script_at = optind - 1; /* arg[1] is what follows */
    return -1;
  }
  if (optind >= argc)
    return wrong("no script given", "");
  command->tool = !command->run && is_command(argv[optind]);
  if (command->tool)
    return run_line(command, run_command, optind - 1);
  script->script_at = optind;
  script->name = "=stdin";
  if (strcmp(argv[optind], "-") != 0)
    script->path = argv[optind];
  return -1;
}

/* The script runs in a program of its own, as often as it changes. That gets the same words but for
 * --watch; the path of the script, which is looked at, stands behind them. */
static int watch(struct command *command, int argc, char **argv) {
  int at = command->watch_at;
  char *path = argv[command->script.script_at];
  if (!command->script.path)
    return wrong("--watch wants a script that is a file", "");
  memmove(argv + at, argv + at + 1, (size_t)(argc - at - 1) * sizeof *argv);
  argv[argc - 1] = path;
  command->script.path = NULL;
  command->options.loops = 0;                     /* that is the other one's affair, */
  command->options.simulate = RILLE_SIMULATE_NOT; /* and so is that */
  return run_line(command, run_watch, 0);
}

/* The script is run by Lua that first does what else was asked for, and is told in words: a socket
 * and a file, or "" instead; the kind of the script and itself; its arguments. */
static int launch(struct command *command, int argc, char **argv) {
  enum { WORDS = 5 }; /* before the arguments */
  struct rille_script *script = &command->script;
  int first = script->script_at + 1;
  char **words = calloc((size_t)(argc - first + WORDS + 1), sizeof *words);
  if (!words)
    return wrong("cannot start: not enough memory", "");
  words[0] = argv[0];
  words[1] = command->control ? command->control : "";
  words[2] = command->note ? command->note : "";
  words[3] = command->text ? "text" : script->path ? "file" : "input";
  words[4] = command->text ? command->text : argv[script->script_at];
  memcpy(words + WORDS, argv + first, (size_t)(argc - first) * sizeof *words);
  script->path = NULL;
  script->argv = command->words = words;
  script->argc = argc - first + WORDS;
  return run_line(command, run_launch, 0);
}

/* -1: go on, with a script; else the exit status. */
static int understand(struct command *command, int argc, char **argv) {
  const char *log = getenv("RILLE_LOG");
  if (log && *log && parse_log("RILLE_LOG", log, &command->options) != 0)
    return EXIT_FAILURE;
  int status = parse_options(command, argc, argv);
  if (status < 0 && !command->text && optind < argc && strcmp(argv[optind], "run") == 0) {
    command->run = true;
    optind++;
    status = parse_options(command, argc, argv);
  }
  if (status < 0)
    status = check_simulation(command);
  if (status < 0)
    status = choose_script(command, argc, argv);
  if (status >= 0)
    return status;
  if (command->watch_at)
    return watch(command, argc, argv);
  if (!command->control && !command->note)
    return status;
  if (command->tool)
    return wrong("--control goes with a script, not with the command ", argv[optind]);
  return launch(command, argc, argv);
}

/* A standard descriptor that the caller closed would be given to a socket, and what is printed
 * would go there. */
static void hold_standard_descriptors(void) {
  int fd;
  do
    fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0)
    close(fd);
}

static int program(int argc, char **argv) {
  struct command command = {.options = {.grace = -1, .handle_signals = 1, .alone = 1}};
  int status = understand(&command, argc, argv);
  if (status >= 0)
    return status;
  rille_t *runtime = rille_new(&command.options);
  if (!runtime)
    return wrong("cannot start: not enough memory or descriptors", "");
  status = rille_start(runtime, &command.script) == 0 ? rille_run(runtime) : EXIT_FAILURE;
  fflush(NULL); /* what scripts wrote is not lost if something fails to be freed */
  rille_free(runtime);
  free(command.words);
  return status;
}

struct invocation {
  int argc;
  char **argv;
  int status;
};

static void *run(void *argument) {
  struct invocation *invocation = argument;
  invocation->status = program(invocation->argc, invocation->argv);
  return NULL;
}

/* On a thread with a stack of its own, where the shell's limit leaves too little for Lua's C calls.
 */
static int run_with_room(struct invocation *invocation) {
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  int error = pthread_create(&thread, &attributes, run, invocation);
  pthread_attr_destroy(&attributes);
  if (error != 0)
    return wrong("cannot start: no memory for a stack", "");
  pthread_join(thread, NULL);
  return invocation->status;
}

int main(int argc, char **argv) {
  struct invocation invocation = {.argc = argc, .argv = argv};
  struct rlimit stack;
  hold_standard_descriptors(); /* without /dev/null there is nothing better to do than go on */
  if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur < STACK_BYTES)
    return run_with_room(&invocation);
  return program(argc, argv);
}
