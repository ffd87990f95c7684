/* A host with a loop of its own and native functions, a checksum and an image filter, which its
 * script runs on all cores: a band of the picture each.
 *
 *     cc image_filter.c $(pkg-config --cflags --libs rille) -o image_filter */
#include <poll.h>
#include <rille.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[] =
    "local rille, image = require 'rille', require 'image'\n"
    "local width, height, bands = 512, 512, 8\n"
    "local rows = {}\n"
    "for y = 1, height do\n"
    "  local pixels = {}\n"
    "  for x = 1, width do pixels[x] = (x ~ y) & 255 end\n"
    "  rows[y] = string.char(table.unpack(pixels))\n"
    "end\n"
    "\n"
    "local tasks = {}\n"
    "for band = 1, bands do -- with a row of its neighbours above and below\n"
    "  local first, last = (band - 1) * height // bands + 1, band * height // bands\n"
    "  local from, to = math.max(first - 1, 1), math.min(last + 1, height)\n"
    "  tasks[band] = rille.submit(image.blur, table.concat(rows, '', from, to), width,\n"
    "    first - from, last - first + 1)\n"
    "end\n"
    "for band = 1, bands do tasks[band] = tasks[band]:await() end\n"
    "\n"
    "local blurred = table.concat(tasks)\n"
    "local whole = rille.detach(image.blur, table.concat(rows), width, 0, height)\n"
    "print(('%d pixels, checksum %08x'):format(#blurred, rille.detach(image.crc32, blurred)))\n"
    "print('as if blurred in one piece: ' .. tostring(blurred == whole))\n";

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

/* The mean of a pixel and its neighbours. */
static unsigned char mean(const unsigned char *pixels, long width, long height, long x, long y) {
  unsigned sum = 0, count = 0;
  for (long row = y - 1; row <= y + 1; row++)
    for (long column = x - 1; column <= x + 1; column++)
      if (row >= 0 && row < height && column >= 0 && column < width) {
        sum += pixels[row * width + column];
        count++;
      }
  return (unsigned char)(sum / count);
}

/* image.blur(bytes, width, first, count) -> bytes: of `count` rows, from row `first` on. */
static void blur(struct rille_frame *frame, void *context, const struct rille_value *arguments) {
  (void)context;
  const unsigned char *pixels = (const unsigned char *)arguments[0].bytes;
  long width = (long)arguments[1].integer, first = (long)arguments[2].integer;
  long height = width > 0 ? (long)arguments[0].size / width : 0, count = (long)arguments[3].integer;
  int fits = first >= 0 && count > 0 && count <= height && first <= height - count;
  unsigned char *blurred = fits ? malloc((size_t)(count * width)) : NULL;
  if (!blurred) {
    rille_fail(frame, fits ? "not enough memory" : "there are no such rows");
    return;
  }
  for (long i = 0; i < count * width; i++)
    blurred[i] = mean(pixels, width, height, i % width, first + i / width);
  struct rille_value result = rille_bytes(blurred, (size_t)(count * width));
  rille_return(frame, &result, 1); /* copies it */
  free(blurred);
}

static const struct rille_native functions[] = {
    {"crc32", "bytes", crc32, NULL},
    {"blur", "bytes integer integer integer", blur, NULL},
};

int main(void) {
  struct rille_script script = {.name = "=image_filter", .text = text, .size = strlen(text)};
  rille_t *runtime = rille_new(NULL);
  if (!runtime || rille_native(runtime, "image", functions, 2) != 0 ||
      rille_start(runtime, &script) != 0) {
    rille_free(runtime);
    return EXIT_FAILURE;
  }
  struct pollfd fd = {.fd = rille_descriptor(runtime), .events = POLLIN}; /* and the host's own */
  while (rille_turn(runtime))
    poll(&fd, 1, rille_timeout(runtime));
  int status = rille_run(runtime);
  rille_free(runtime);
  return status;
}
