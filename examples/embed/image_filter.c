/* A host with a uv_loop_t of its own and native functions, a checksum and an image filter, which
 * its script runs on all cores: a band of the picture each. The host's own timer ticks meanwhile.
 *
 *     cc image_filter.c $(pkg-config --cflags --libs rille libuv) -o image_filter */
#include <rille.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static const char text[] =
    "local rille, image = require 'rille', require 'image'\n"
    "local width, height, band = 512, 512, 64\n"
    "local rows, tasks = {}, {}\n"
    "for y = 1, height do\n"
    "  local pixels = {}\n"
    "  for x = 1, width do pixels[x] = (x ~ y) & 255 end\n"
    "  rows[y] = string.char(table.unpack(pixels))\n"
    "end\n"
    "for y = 1, height, band do -- with a row of its neighbours above and below\n"
    "  local from, to = math.max(y - 1, 1), math.min(y + band, height)\n"
    "  local part = table.concat(rows, '', from, to)\n"
    "  table.insert(tasks, rille.submit(image.blur, part, width, y - from, band))\n"
    "end\n"
    "local blurred = table.concat { rille.all(table.unpack(tasks)) }\n"
    "print(('checksum %08x'):format(rille.detach(image.crc32, blurred)))\n";

/* image.crc32(bytes) -> integer, a bit at a time. */
static void crc32(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)context;
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < arguments[0].size; i++) {
    crc ^= (unsigned char)arguments[0].bytes[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
  }
  struct rille_value result = rille_integer(~crc);
  rille_return(frame, &result, 1);
}

static unsigned char mean(const unsigned char *pixels, int64_t width, int64_t height, int64_t x,
                          int64_t y) {
  unsigned sum = 0, count = 0;
  for (int64_t row = y > 0 ? y - 1 : 0; row <= y + 1 && row < height; row++)
    for (int64_t column = x > 0 ? x - 1 : 0; column <= x + 1 && column < width; column++, count++)
      sum += pixels[row * width + column];
  return (unsigned char)(sum / count);
}

/* image.blur(bytes, width, first, count) -> bytes: of `count` rows from row `first` on, each pixel
 * the mean of itself and its neighbours. */
static void blur(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)context;
  const unsigned char *pixels = (const unsigned char *)arguments[0].bytes;
  int64_t width = arguments[1].integer, first = arguments[2].integer, count = arguments[3].integer;
  int64_t height = width > 0 ? (int64_t)arguments[0].size / width : 0;
  int fits = first >= 0 && count > 0 && count <= height && first <= height - count;
  unsigned char *blurred = fits ? malloc((size_t)(count * width)) : NULL;
  if (!blurred) {
    rille_fail(frame, fits ? "not enough memory" : "there are no such rows");
    return;
  }
  for (int64_t i = 0; i < count * width; i++)
    blurred[i] = mean(pixels, width, height, i % width, first + i / width);
  struct rille_value result = rille_bytes(blurred, (size_t)(count * width));
  rille_return(frame, &result, 1); /* copies it */
  free(blurred);
}

static const struct rille_native functions[] = {
    {"crc32", "bytes", crc32, NULL},
    {"blur", "bytes integer integer integer", blur, NULL},
};

static void on_tick(uv_timer_t *timer) {
  ++*(unsigned *)timer->data;
}

static void on_over(void *context, int status) { /* it failed: the log says why */
  *(int *)context = status;
}

int main(void) {
  uv_loop_t *loop = uv_default_loop();
  uv_timer_t timer;
  unsigned ticks = 0;
  int status = EXIT_SUCCESS;
  struct rille_options options = {.loop = loop, .over = on_over, .loop_context = &status};
  struct rille_script script = {.name = "=image_filter", .text = text, .size = strlen(text)};
  rille_t *runtime = rille_new(&options);
  if (!runtime || rille_native(runtime, "image", functions, 2) != 0 ||
      rille_start(runtime, &script) != 0)
    return EXIT_FAILURE;

  uv_timer_init(loop, &timer);
  timer.data = &ticks;
  uv_timer_start(&timer, on_tick, 1, 1);
  uv_unref((uv_handle_t *)&timer); /* the loop goes on for Rille's sake only */
  uv_run(loop, UV_RUN_DEFAULT);    /* the script, until it has nothing left to do */
  printf("the host went on: %s\n", ticks > 0 ? "yes" : "no");

  rille_free(runtime);
  uv_close((uv_handle_t *)&timer, NULL);
  uv_run(loop, UV_RUN_DEFAULT); /* what is in the loop closes */
  return uv_loop_close(loop) == 0 ? status : EXIT_FAILURE;
}
