/* HTTP: the data of the HTTP session; what works on it stands in the files http_*.
 *
 *     server       listens; has the limits, and its connections in lists by what they wait for
 *     connection   a socket, and nothing else while it is idle
 *     exchange     what a connection borrows from the first byte of a request to the last of its
 *                  answer: parser, body, answer, output. The requests of one read use the same
 *     site         what is served: routes and their handlers
 *     http         one a domain: the exchanges that are free, the clock, the scratch
 *
 * A read goes like this: bytes come into the scratch and are parsed there; the handler's fiber runs
 * at once; its answer goes into the exchange's output; the next request of the same read follows;
 * then all of the output is written in one call, and the exchange is given back. Only when a
 * handler waits is anything copied out of the scratch.
 *
 * Threads: the domain's only. */
#ifndef RL_SERVE_HTTP_H
#define RL_SERVE_HTTP_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buffer.h"
#include "base/list.h"
#include "domain/fiber.h"
#include "http/body.h"
#include "http/date.h"
#include "http/request.h"
#include "http/route.h"
#include "io/listener.h"
#include "io/thin.h"
#include "serve/serving.h"

/* Names of the metatables, which the Lua module makes. */
#define RL_HTTP_SITE     "rille.http.site"
#define RL_HTTP_SERVER   "rille.http.server"
#define RL_HTTP_STATIC   "rille.http.static"
#define RL_HTTP_REQUEST  "request"
#define RL_HTTP_RESPONSE "response"
#define RL_HTTP_TRAILERS "response trailers"
#define RL_HTTP_ERROR    "http.error"

enum {
  RL_HTTP_HIGH = 64 * 1024,     /* output that waits for the client before anything waits for it */
  RL_HTTP_AHEAD = 64 * 1024,    /* input kept while a handler runs */
  RL_HTTP_PROGRESS = 16 * 1024, /* what a client must take, or send of a body, for more time */
  RL_HTTP_MILLISECOND = 1000 * 1000, /* in ns */
  RL_HTTP_SPARE = 16 * 1024,         /* room that a buffer keeps for the next request */
};

/* The head of the usual answer, as far as it is the same for all of a second. */
struct rl_http_usual {
  int64_t seconds;
  const char *type;
  int status;
  unsigned size;
  char text[256];
};

/* -- the domain's ------------------------------------------------------------------------- */

struct rl_http_meters;

struct rl_http {
  struct rl_serving *serving;
  struct rl_domain *domain;
  struct rl_heap *heap;
  struct rl_list free;              /* of exchanges; the one used last is the first */
  unsigned unused;                  /* how many these are */
  unsigned unneeded;                /* the fewest they were since the pool was trimmed */
  struct rl_list taken;             /* slots: one for each exchange */
  struct rl_list vacant;            /* slots of exchanges that were freed */
  struct rl_list servers;           /* every server that has a connection or listens */
  struct rl_http_exchange *current; /* whose read is being served: its output waits for the end */
  void (*over)(struct rl_http_exchange *exchange); /* any other one has been answered */
  uv_timer_t clock, asking;                        /* see serve/http_clock.h */
  uint64_t ticked;                                 /* when it last did, and whether that was late */
  bool ticks, late;
  bool ended;       /* the state is being closed */
  unsigned holders; /* the clock's handles, the servers */
  struct rl_date_line date;
  struct rl_http_usual usual;
  struct rl_http_meters *meters; /* NULL: nothing is counted; serve/http_count.h */
  struct rl_buffer json;         /* of the answer that is being made */
  uint64_t ticket;               /* of the last request */
  uint64_t boot;                 /* what begins the ids of requests */
  int request_meta;              /* registry references */
  int response_meta;
};

/* -- what is served ------------------------------------------------------------------------ */

struct rl_http_static;
struct rl_http_tally;

struct rl_http_handler {
  struct rl_slice pattern;      /* of the heap */
  struct rl_http_static *files; /* served without Lua; NULL: the function is called */
  int function;                 /* registry reference, of the function or of the files */
  int arguments;                /* how many of req and res it takes */
  struct rl_http_tally *tally;  /* NULL: nothing was counted here yet */
};

struct rl_http_host {
  struct rl_http_host *next;
  struct rl_routes routes;
  size_t size;
  char name[]; /* in lower case; "" for all others; ".example.com" for what is below it */
};

struct rl_http_site {
  struct rl_heap *heap;
  struct rl_http_host *hosts; /* the default one is the last */
  struct rl_http_handler *handlers;
  size_t count, capacity;
  int missing; /* what answers when there is no route: the number of a handler, or -1 */
};

/* -- servers and connections --------------------------------------------------------------- */

/* What a connection waits for; each has its own time. */
enum rl_http_phase {
  RL_HTTP_IDLE,    /* the first byte of a request */
  RL_HTTP_HEAD,    /* the rest of its head */
  RL_HTTP_BODY,    /* the rest of its body */
  RL_HTTP_RUNNING, /* its handler */
  RL_HTTP_HALF,    /* the same, and the client has said that it sends no more */
  RL_HTTP_SENDING, /* the client, to take what is written */
  RL_HTTP_LINGER,  /* the client's end, after the last answer */
  RL_HTTP_PHASES
};

struct rl_networks;

struct rl_http_options {
  struct rl_http_limits limits;
  uint32_t time[RL_HTTP_PHASES]; /* ms; 0: for ever */
  uint32_t compute;              /* ms that a handler may run without waiting; 0: any time */
  uint64_t upload;               /* bytes of a body that is read piece by piece; 413 */
  uint32_t requests;             /* for each connection; 0: any number */
  uint32_t connections;          /* at once, of one loop */
  uint32_t per_address;          /* of them, over all loops; 0: the usual, see http_server.c */
  int backlog;
  struct rl_networks *trust; /* proxies; NULL: none */
  bool forwarded;            /* they say it by Forwarded, not by X-Forwarded-* */
  bool shared;               /* other loops may listen at the same port */
  bool cancel;               /* a client that leaves cancels its handler */
  bool development;          /* errors are shown to the client */
};

struct rl_http_server {
  struct rl_closable listening;   /* first; in the serving's servers while it listens */
  struct rl_closable connections; /* in the serving's sockets as long as it is */
  struct rl_list link;            /* in http->servers */
  struct rl_listener listener;
  struct rl_http *http;
  struct rl_http_site *site;             /* good until the state is closed */
  int anchor;                            /* registry reference of the site */
  struct rl_http_options options;        /* with a `trust` of its own */
  uint64_t turn_limit;                   /* ns that a handler may run without waiting; 0: any */
  struct rl_list phases[RL_HTTP_PHASES]; /* of connections, the first due first */
  unsigned open;                         /* connections */
  unsigned turned_away;                  /* others, which linger after their 503 */
  unsigned holders;                      /* userdata, listener, connections, exchanges */
  bool local;                            /* a Unix socket */
  union rl_endpoint guest;               /* who injected requests say they come from */
  bool stopping;                         /* connections end with their requests */
};

struct rl_http_connection {
  struct rl_thin thin; /* first */
  struct rl_list link; /* in one of the server's phases */
  struct rl_http_server *server;
  struct rl_client *client;          /* counted there; NULL if it is not */
  struct rl_http_exchange *exchange; /* NULL while it is idle */
  uint64_t since;                    /* ms of the loop: when the phase began */
  uint32_t requests;                 /* begun so far */
  uint8_t phase;                     /* an rl_http_phase */
  uint8_t lingered;                  /* how often that was prolonged */
  uint8_t watched;                   /* UV_READABLE, UV_WRITABLE, UV_DISCONNECT, UV_PRIORITIZED */
  bool ends;                         /* the client sends no more than what is still unread */
  bool ended;                        /* the same, and all was read */
  bool probed;                       /* it was asked whether it still reads */
  bool turned_away;                  /* it was one too many, and is not counted with the others */
  bool trusted;                      /* a proxy whose word about its client is taken */
};

/* -- an exchange --------------------------------------------------------------------------- */

enum rl_http_stage {
  RL_HTTP_READING,  /* a head */
  RL_HTTP_HANDLING, /* the handler runs or waits */
  RL_HTTP_DRAINING, /* it is over; what it left of the body is passed over */
  RL_HTTP_LAST,     /* nothing more is read: the connection closes after the output */
};

struct rl_timer;
struct rl_http_file;

/* Embedded by what lives no longer than an exchange; `over` is called at its end, taken out of the
 * list, and must not raise. */
struct rl_http_ending {
  struct rl_list link; /* in exchange->endings */
  void (*over)(struct rl_http_ending *ending);
};

struct rl_http_exchange {
  struct rl_list link; /* in http->free */
  struct rl_http_slot *slot;
  struct rl_http *http;
  struct rl_http_server *server;         /* held */
  struct rl_http_connection *connection; /* NULL once it is gone */
  enum rl_http_stage stage;
  uint64_t started;  /* ms of the loop: when its handler did */
  uint64_t began_at; /* clock, of its request, while that is counted; 0 */
  bool counted;      /* among the serving's running ones */
  struct rl_list endings;
  struct rl_http_events *events; /* of an answer that is a stream of them; NULL */

  /* what came in */
  struct rl_slice in;     /* received and not taken: in the scratch, or in `input` */
  struct rl_buffer input; /* what had to be kept */
  struct rl_request request;
  struct rl_body body;
  struct rl_buffer text; /* of the body, as far as it was read but not handed out */
  int whole;             /* registry reference of what req:body() returned; LUA_NOREF */
  bool body_begun;
  bool continued; /* 100 was sent, or need not be */
  uint64_t drained;
  size_t arrived;   /* of the body, since its client was last found fast enough */
  uint64_t awaited; /* ms since then that were spent waiting for more, up to this wait */

  /* who it is from */
  union rl_endpoint remote; /* as a trusted proxy says; AF_UNSPEC: who has connected */
  bool secure;              /* it says, too, that its client speaks https */

  /* where it led */
  struct rl_slice path; /* canonical: in the head, or in `path_room` */
  struct rl_buffer path_room;
  struct rl_route_match match;
  int handler; /* number in the site */
  int fields;  /* registry reference of what the script keeps in the request; LUA_NOREF */
  struct rl_fiber *fiber;
  struct rl_wait reader, writer; /* of the fiber, or of one that it started */
  int trouble;                   /* why the body cannot be read: a status, or -1 for its end */
  bool malformed;                /* so was what the script asked for: its query, its cookies */
  struct rl_timer *timer;        /* of the handler, if it has set one; NULL */
  bool own_time;                 /* it has */
  bool expired;                  /* its time is over */

  /* what goes out */
  int status;                /* 0 while the script has set none */
  struct rl_buffer headers;  /* lines */
  struct rl_buffer trailers; /* lines, for the end of a chunked body */
  const char *type;          /* of the body, if no header says so; static */
  int body_text;             /* registry reference of the answer's body; LUA_NOREF */
  bool began;                /* the head is written */
  bool streaming;            /* body to follow from the script */
  bool bodyless;             /* what the script writes is dropped: HEAD, 204, 304 */
  bool chunked;
  bool upgraded;      /* the connection was taken over by the handler */
  bool keep_alive;    /* the connection goes on after this answer */
  int64_t length;     /* that the script promised; -1: none */
  uint64_t sent_body; /* what it has written */
  struct rl_buffer out;
  size_t written;            /* of out */
  uint64_t offered;          /* bytes that the system has had for the client while it is waited for,
                              * those that it held at the beginning among them */
  struct rl_http_file *file; /* the body of the answer, after `out`; NULL: none */
};

/* An exchange as scripts hold it: good while the tickets are equal. It is a few bytes that stay
 * when the exchange is freed, since a script may keep what it holds for ever. */
struct rl_http_slot {
  struct rl_list link;               /* in http->taken, or http->vacant */
  struct rl_http_exchange *exchange; /* NULL: vacant */
  uint64_t ticket;                   /* what the script's request must bear; 0: none */
};

struct rl_http_handle {
  struct rl_http_slot *slot;
  uint64_t ticket;
};

/* NULL when the request has ended. */
static inline struct rl_http_exchange *rl_http_handle_peek(const struct rl_http_handle *handle) {
  return handle->slot->ticket == handle->ticket ? handle->slot->exchange : NULL;
}

#endif
