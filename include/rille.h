/* Rille: Lua 5.4 on a libuv loop, with parallel native compute.
 *
 * This is the whole of what an embedding program sees. A runtime is one Rille instance: a main
 * domain, whose loop runs on the thread that calls rille_run, and a pool of compute domains;
 * further main domains, if it is to serve on several cores.
 * Several runtimes may live in one process, each used from one thread at a time. */
#ifndef RILLE_H
#define RILLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default) /* all that the shared library shows */
#endif

typedef struct rille rille_t;

enum rille_simulate {
  RILLE_SIMULATE_NOT,
  RILLE_SIMULATE,
  RILLE_SIMULATE_TELL /* and log each change from one domain to another */
};

struct rille_options {
  int loops;    /* main domains, which all run the script, each on a thread of its own but for
                   the first, and share ports and pool; 0: one; < 0: one for each core */
  double grace; /* seconds that running handlers get when the program stops; < 0: 10 s */
  /* SIGINT and SIGTERM stop the program in order, as does SIGHUP if it has a terminal; if not, that
   * is logged. SIGUSR1 opens the log's file anew. SIGPIPE and SIGXFSZ are ignored; and if a compute
   * thread does not come out of a C function at the end, the process ends without it. */
  int handle_signals;
  /* A promise that nobody calls rille_post, nor wakes a fiber in another way of the host's: if all
   * fibers wait and nothing is left that could wake one, those waits fail with an error. */
  int alone;
  /* What interrupts Lua code that computes; 0: SIGURG. Its handler is the process's: rille_new
   * fails, and logs that, if there is one which is not Rille's, and a host that installs its own
   * later leaves nothing that could stop such code. Where a thread has blocked it, it gets through
   * while Rille runs there. Signals that Rille did not send do no harm. The handler stays at the
   * end. */
  int interrupt_signal;
  /* Takes what is logged, whole lines, on whichever thread logs; may be called by several at once,
   * must not call Rille, and should not wait, for the loop waits meanwhile. NULL: it goes to
   * standard error, or the file that a script opens, on a thread of its own. */
  void (*log)(void *context, const char *text, size_t size);
  void *log_context;
  /* All domains run on the thread of rille_run, in an order and a time drawn from `seed`: the same
   * seed, the same run. For trying a script: there are no sockets then, and no signals. With
   * rille_run only. */
  enum rille_simulate simulate;
  uint64_t seed;
};

/* A runtime with its main domain open; NULL if there is no memory, or the loop or the signal cannot
 * be had. NULL options: grace 10 s, no signals. The caller owns it: rille_free. */
rille_t *rille_new(const struct rille_options *options);

struct lua_State;

/* Gives every domain a Lua module written in C, for `require`: `open` is what C modules call
 * luaopen_NAME, and is called on the thread of each domain that requires it. What the module holds
 * goes between domains by name, so that rille.detach(module.fn, ...) runs a function of C on a
 * compute domain. Several of them run at once: what they share is theirs to lock. One that does not
 * return keeps its domain, and one that crashes the process is not contained. Of two modules with
 * the same name the later one counts, also instead of one of Rille's.
 * Before rille_start; `name` is copied. 0; or -1 if there is no memory, or it is too late. */
int rille_provide(rille_t *runtime, const char *name, int (*open)(struct lua_State *L));

struct rille_script {
  const char *name; /* what tracebacks call it: "@path" for files, "=name" literally */
  const char *path; /* a file to read; NULL: standard input, unless text is given */
  const char *text; /* the source itself, `size` bytes; NULL: read path */
  size_t size;
  int argc;    /* the global `arg`: argv[script_at] is arg[0], what follows are the */
  char **argv; /* script's arguments, what comes before has negative indices */
  int script_at;
};

/* Loads a script, text only, and starts it in a fiber of the main domain; nothing of it runs yet.
 * Modules are looked for beside `path` first. 0, or -1: the error has been logged. Once for each
 * runtime; what `script` points to must last until rille_free. */
int rille_start(rille_t *runtime, const struct rille_script *script);

/* Runs the loop, and starts the further ones, until nothing is left to wait for in any, or the
 * program is stopped, and then ends it in order: fibers are cancelled, domains stopped. Returns the
 * exit status: 0; 1 after a failed script; what os.exit was given; 128 + the signal that cancelled
 * the script. */
int rille_run(rille_t *runtime);

/* For a program that has a loop of its own, instead of rille_run: does what is to do, without
 * waiting. 1; or 0 when it is over, and rille_run then ends it in order and tells the status.
 * Always on the same thread, on which other runtimes may have their turns as well. */
int rille_turn(rille_t *runtime);

/* When the next turn is due: as soon as the descriptor is readable (it is the runtime's, and only
 * to be polled, in any way), or `timeout` ms after this turn; 0: at once; -1: the descriptor tells.
 */
int rille_descriptor(const rille_t *runtime);
int rille_timeout(const rille_t *runtime);

/* Any thread, until rille_free: stops the program in order. Listeners close, running handlers may
 * finish within the grace, the script is cancelled, and rille_run returns. */
void rille_stop(rille_t *runtime);

/* Any thread, until rille_free: calls `call` on the thread of rille_run or rille_turn, soon,
 * between fibers; at the latest in rille_free, so that `data` can be freed there. Calls come in the
 * order in which a thread posts them. They must not wait, and not call rille_run, rille_turn or
 * rille_free. A post does not keep the program from ending. 0; or -1 if there is no memory. */
int rille_post(rille_t *runtime, void (*call)(rille_t *runtime, void *data), void *data);

/* Frees everything; no thread, descriptor or byte of it is left. What still runs is cancelled, and
 * waited for. The thread of rille_run, or of rille_turn. NULL is allowed. */
void rille_free(rille_t *runtime);

/* "0.1.0" */
const char *rille_version(void);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
