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

enum rille_log_form {
  RILLE_LOG_AUTO,  /* plain until a script loads rille.log; then text for people (a terminal, or the
                      host's `log`), JSON otherwise */
  RILLE_LOG_PLAIN, /* messages alone */
  RILLE_LOG_TEXT,
  RILLE_LOG_JSON
};

enum rille_log_level { RILLE_LOG_DEBUG = -1, RILLE_LOG_INFO, RILLE_LOG_WARN, RILLE_LOG_ERROR };

struct uv_loop_s; /* uv_loop_t */

struct rille_options {
  int loops;    /* main domains, which all run the script, each on a thread of its own but for
                   the first, and share ports and pool; 0: one; < 0: one for each core */
  double grace; /* seconds that running handlers get when the program stops; < 0: 10 s */
  /* SIGINT and SIGTERM stop the program in order, as does SIGHUP if it has a terminal; if not, that
   * is logged. SIGUSR1 opens the log's file anew. SIGPIPE and SIGXFSZ are ignored; and if a compute
   * thread does not come out of a C function at the end, the process ends without it, after stdio
   * was flushed. */
  int handle_signals;
  /* A promise that the host posts and calls nothing while scripts wait: if all fibers do, and
   * nothing is left that could wake one (a ticket could), those waits fail with an error. */
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
  enum rille_log_form log_form;   /* until a script chooses another, as it may of */
  enum rille_log_level log_level; /* the least that is logged; 0: info */
  /* All domains run on the thread of rille_run, in an order and a time drawn from `seed`: the same
   * seed, the same run. For trying a script: there are no sockets then, and no signals. With
   * rille_run only. */
  enum rille_simulate simulate;
  uint64_t seed;
  /* Compute domains: min_domains are kept, up to max_domains start on demand; 0: as many as cores,
   * but min_domains at least; < 0: none, and tasks run on the main domain. */
  int min_domains, max_domains;
  int queue_limit;     /* tasks that may wait for a domain; 0: 1,000 */
  size_t memory_limit; /* bytes of Lua memory that each domain may have, from 4 MiB; 0: any */
  /* Where `require` looks in every domain: what package.path and package.cpath begin as; NULL: as
   * in Lua. Before it does, find_module is asked for the source of a module, as text, and its size;
   * NULL: there is none. It is called by any domain's thread, by several at once, and must not call
   * Rille. All of that, and what it returns, lasts until the runtime is freed. */
  const char *path, *cpath;
  const char *(*find_module)(void *context, const char *name, size_t *size);
  void *find_context;
  /* Where all memory comes from that Lua states hold, that carries values between domains, and that
   * Rille itself asks for; but not that of libuv, OpenSSL and the C library, nor threads' stacks,
   * nor what is logged. As Lua has it: new_size 0 frees, and NULL says that there is no
   * memory, which it must not when a block shrinks; but old_size is the block's, 0 without one.
   * Called by any of Rille's threads, by several at once; must not call Rille. NULL: malloc. */
  void *(*allocate)(void *context, void *pointer, size_t old_size, size_t new_size);
  void *allocate_context;
  /* The host's own loop: the main domain runs on it whenever the host does, always on one thread,
   * and neither rille_run nor rille_turn is called. The program goes on until os.exit, a failed
   * script or rille_stop, then ends in turns of the loop, which it keeps alive, and `over` is
   * called. rille_free ends it, if it has not ended, and frees it in the next turns; then no handle
   * of it is in the loop, and `freed` is called last. Not with simulate. */
  struct uv_loop_s *loop;
  void (*over)(void *context, int status); /* not after rille_free, which it may call */
  void (*freed)(void *context);
  void *loop_context; /* of both, which are called by the loop, and may be NULL */
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

/* The same for a module written in Lua: `text`, which must last until rille_free. */
int rille_module(rille_t *runtime, const char *name, const char *text, size_t size);

/* A value between Lua and C. Bytes are a string's: any, `size` of them, with a zero byte behind
 * those that Rille passes. Whoever passes a value keeps it: the host gets it until its function
 * returns, and what it passes is copied. */
enum rille_type { RILLE_NIL, RILLE_BOOLEAN, RILLE_INTEGER, RILLE_NUMBER, RILLE_BYTES };

struct rille_value {
  enum rille_type type;
  union {
    int boolean;
    int64_t integer;
    double number;
    const char *bytes;
  };
  size_t size; /* of bytes */
};

struct rille_value rille_boolean(int boolean);
struct rille_value rille_integer(int64_t integer);
struct rille_value rille_number(double number);
struct rille_value rille_bytes(const void *bytes, size_t size);
struct rille_value rille_text(const char *text); /* up to its zero byte */

/* A function of C without Lua's API, that scripts call: a native function. (C++ needs the word
 * `struct` with rille_native, which is a function as well.) */
struct rille_frame; /* one call of it, until it returns */

struct rille_native {
  const char *name;
  /* What it wants, at most 16: `boolean`, `integer`, `number`, `bytes` (a string) or `any` (one of
   * all these), separated by spaces; with a ? behind it one may be left out, and is nil then. */
  const char *takes;
  void (*call)(struct rille_frame *frame, void *context, const struct rille_value *arguments);
  void *context;
};

/* Gives every domain a module of native functions, by the rules of rille_provide. Scripts that pass
 * other arguments get Lua's errors for that. No exception may leave such a function. */
int rille_native(rille_t *runtime, const char *module, const struct rille_native *natives,
                 size_t count);

/* In a native function, on its thread: its results, at the end none; or its error. The last call
 * counts. These return (no jump passes through the host's frames); if memory is lacking, the script
 * gets that as an error. */
void rille_return(struct rille_frame *frame, const struct rille_value *results, size_t count);
void rille_fail(struct rille_frame *frame, const char *message);

/* In a native function that takes long, now and then: 1 if nobody waits for it any more (it was
 * cancelled, or its time is over), so that it should return; its results do not matter then. */
int rille_stopping(struct rille_frame *frame);

/* In a native function, once: the fiber that called it is to wait when it has returned, until the
 * ticket is completed; its domain goes on meanwhile. If the fiber is cancelled before, at the end
 * of the program at the latest, `cancelled` is called with `context`, on the domain's thread (NULL:
 * is not). The ticket is the host's: rille_release. NULL if there is no memory, or the fiber cannot
 * wait here: then the function has only to return, and the script gets the error. */
struct rille_ticket *rille_suspend(struct rille_frame *frame, void (*cancelled)(void *context),
                                   void *context);

/* Any thread, also after rille_free: completes the call, with results or an error. 0; 1 if that
 * came too late, since it is completed or cancelled; -1 if there is no memory, and nothing has
 * changed. Of this and `cancelled` only one happens. */
int rille_resume(struct rille_ticket *ticket, const struct rille_value *results, size_t count);
int rille_resume_error(struct rille_ticket *ticket, const char *message);

/* The same threads: gives up the ticket. If it was not completed, that is an error where the fiber
 * waits. NULL is allowed. */
void rille_release(struct rille_ticket *ticket);

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
 * waiting. 1; or 0 when it is over, or nothing is left to do unless the host calls or posts: then
 * rille_run ends it in order and tells the status. Always on the same thread, on which other
 * runtimes may have their turns as well. */
int rille_turn(rille_t *runtime);

/* When the next turn is due: as soon as the descriptor is readable (it is the runtime's, and only
 * to be polled, in any way), or `timeout` ms after a turn; 0: at once; -1: the descriptor tells. */
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

/* How a call has ended: with its results; or, `failed`, with one value, the text of the error with
 * its traceback. On the thread of rille_run or rille_turn, with the same restrictions as what was
 * posted. */
typedef void rille_done(rille_t *runtime, void *context, int failed,
                        const struct rille_value *results, size_t count);

/* Any thread, until rille_free: calls a Lua function, in a fiber of its own on the main domain, or
 * as rille.detach does on a compute domain, where it may also be a native one. `name` is that of a
 * global function, or MODULE.NAME; the module is required if it has not been. `done` (NULL: errors
 * are logged) is called once, at the latest in rille_free, unless this returns -1: no memory. On a
 * loop of the host's a call from its thread keeps it alive until it has ended; one from another
 * thread does so only from when the loop has heard it. */
int rille_call(rille_t *runtime, const char *name, const struct rille_value *arguments,
               size_t count, rille_done *done, void *context);
int rille_detach(rille_t *runtime, const char *name, const struct rille_value *arguments,
                 size_t count, rille_done *done, void *context);

/* Any thread, until rille_free: cancels those of the above that were made with this `done` and
 * `context`, where they wait and where they compute, on any domain; a function of C only when it
 * returns. Each ends with the error "cancelled", of which `done` is told as of any other, unless it
 * ends with something else first. Returns how many that are. */
int rille_cancel(rille_t *runtime, rille_done *done, void *context);

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
