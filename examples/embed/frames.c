/* A host that draws frames, like a game: once a frame it calls a function of its script, and lets
 * Rille's loop do what is to do, without waiting for it. What takes the script longer than a frame
 * runs on another core meanwhile.
 *
 *     cc frames.c $(pkg-config --cflags --libs rille) -o frames */
#include <rille.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char text[] =
    "local rille = require 'rille'\n"
    "\n"
    "local function find_path(n) -- so long that no frame could wait for it\n"
    "  local total = 0\n"
    "  for i = 1, n do total = total + i % 7 end\n"
    "  return total\n"
    "end\n"
    "\n"
    "local path\n"
    "rille.spawn(function() path = rille.detach(find_path, 10000000) end)\n"
    "\n"
    "local time = 0\n"
    "function update(step) -- once a frame\n"
    "  time = time + step\n"
    "  return time, path\n"
    "end\n";

struct game {
  int updates;  /* frames whose update is done */
  int failed;   /* in one of them */
  double time;  /* as the script counts it */
  int has_path; /* the script has what it wanted */
};

/* Between two frames: what `update` returned. */
static void updated(rille_t *runtime, void *context, int failed, const struct rille_value *results,
                    size_t count) {
  (void)runtime, (void)count;
  struct game *game = context;
  game->updates++;
  game->failed |= failed;
  if (failed) {
    fprintf(stderr, "%s\n", results[0].bytes);
    return;
  }
  game->time = results[0].number;
  game->has_path = results[1].type == RILLE_INTEGER;
}

/* What a frame takes until it is on the screen. */
static void draw(void) {
  struct timespec frame = {.tv_nsec = 1000 * 1000 * 1000 / 60};
  nanosleep(&frame, NULL);
}

static void play(rille_t *runtime, struct game *game) {
  struct rille_value step = rille_number(1.0 / 60);
  for (int frame = 0; frame < 6000 && !game->has_path && !game->failed; frame++) {
    if (rille_call(runtime, "update", &step, 1, updated, game) != 0)
      return;
    rille_turn(runtime); /* 0 would mean that nothing is left to do, until the next call */
    draw();
  }
}

int main(void) {
  struct rille_script script = {.name = "=frames", .text = text, .size = strlen(text)};
  struct game game = {.updates = 0};
  rille_t *runtime = rille_new(NULL);
  if (!runtime || rille_start(runtime, &script) != 0) {
    rille_free(runtime);
    return EXIT_FAILURE;
  }
  play(runtime, &game);
  rille_free(runtime); /* in the middle, if it has to be */
  printf("frames went on meanwhile: %s\n", game.updates > 1 ? "yes" : "no");
  printf("found a path: %s\n", game.has_path ? "yes" : "no");
  return game.has_path ? EXIT_SUCCESS : EXIT_FAILURE;
}
