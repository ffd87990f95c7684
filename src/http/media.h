/* Media: media types: of a file by its name, and as Content-Type says them.
 *
 * The types of files are a table of what the web serves, and not the system's /etc/mime.types: that
 * is missing in small containers, differs between machines, and knows no charset. What is not in
 * the table is for whoever serves the file to say. Threads: any. Nothing is copied. */
#ifndef RL_HTTP_MEDIA_H
#define RL_HTTP_MEDIA_H

#include <stdbool.h>

#include "base/slice.h"

/* What a Content-Type field says. A parameter that is missing has size 0. */
struct rl_media {
  struct rl_slice type; /* type/subtype, in whatever case it was sent */
  struct rl_slice charset;
  struct rl_slice boundary; /* 1 to 70 bytes that a boundary may have */
};

/* The value of Content-Type for a file of this name (a path will do), by its last extension in any
 * case; text comes as UTF-8. NULL when it is not known. Static text. */
const char *rl_media_of(struct rl_slice name);

/* Reads a Content-Type field: 0, or -1 when it is malformed; so are two charsets, two boundaries
 * and a backslash in one of them. */
int rl_media_parse(struct rl_slice field, struct rl_media *media);

/* Whether the type is this one, in small letters: "application/json". */
bool rl_media_is(const struct rl_media *media, const char *type);

#endif
