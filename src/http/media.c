/* Media: a sorted table, and the parameters of one field. */
#include "http/media.h"

#include <string.h>
#include <strings.h>

#include "http/scan.h"

enum { LONGEST = 11 /* of the extensions */, BOUNDARY = 70 /* RFC 2046 */ };

struct entry {
  const char *extension, *type;
};

/* By extension, which is what it is searched by. As IANA registered them, or as browsers know them.
 */
static const struct entry table[] = {
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"apng", "image/apng"},
    {"atom", "application/atom+xml"},
    {"avi", "video/x-msvideo"},
    {"avif", "image/avif"},
    {"bin", "application/octet-stream"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"eot", "application/vnd.ms-fontobject"},
    {"epub", "application/epub+zip"},
    {"flac", "audio/flac"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/vnd.microsoft.icon"},
    {"ics", "text/calendar; charset=utf-8"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"jsonld", "application/ld+json"},
    {"jxl", "image/jxl"},
    {"log", "text/plain; charset=utf-8"},
    {"lua", "text/plain; charset=utf-8"},
    {"m3u8", "application/vnd.apple.mpegurl"},
    {"m4a", "audio/mp4"},
    {"map", "application/json"},
    {"md", "text/markdown; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpd", "application/dash+xml"},
    {"mpeg", "video/mpeg"},
    {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"rss", "application/rss+xml"},
    {"rtf", "application/rtf"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"ts", "video/mp2t"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain; charset=utf-8"},
    {"vtt", "text/vtt; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"weba", "audio/webm"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"xz", "application/x-xz"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};

/* What follows the last dot, if the dot is in the last segment; size 0 for nothing. A file that is
 * all extension, ".css", has none. */
static struct rl_slice extension_of(struct rl_slice name) {
  size_t from = name.size;
  while (from > 0 && name.bytes[from - 1] != '.' && name.bytes[from - 1] != '/')
    from--;
  if (from < 2 || name.bytes[from - 1] == '/' || name.bytes[from - 2] == '/')
    from = name.size;
  return (struct rl_slice){name.bytes + from, name.size - from};
}

const char *rl_media_of(struct rl_slice name) {
  struct rl_slice extension = extension_of(name);
  char text[LONGEST + 1];
  if (extension.size == 0 || extension.size > LONGEST)
    return NULL;
  memcpy(text, extension.bytes, extension.size);
  text[extension.size] = '\0';
  size_t low = 0, high = sizeof table / sizeof *table;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = strcasecmp(text, table[middle].extension);
    if (order == 0)
      return rl_scan_is(extension, table[middle].extension) ? table[middle].type : NULL;
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}

static bool is_boundary(struct rl_slice text) {
  static const char others[] = "'()+_,-./:=? ";
  for (size_t i = 0; i < text.size; i++) {
    char byte = text.bytes[i];
    bool letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
    if (!letter && !(byte >= '0' && byte <= '9') && !memchr(others, byte, sizeof others - 1))
      return false;
  }
  return text.size > 0 && text.size <= BOUNDARY && text.bytes[text.size - 1] != ' ';
}

static int keep(struct rl_slice *place, const struct rl_scan_parameter *parameter) {
  struct rl_slice value = parameter->value;
  if (place->size || value.size == 0 || memchr(value.bytes, '\\', value.size))
    return -1;
  *place = value;
  return 0;
}

int rl_media_parse(struct rl_slice field, struct rl_media *media) {
  struct rl_slice rest = rl_scan_trim(field);
  struct rl_scan_parameter parameter;
  struct rl_media read = {.type = rest};
  size_t size = rl_scan_token(rest);
  if (size == 0 || size == rest.size || rest.bytes[size] != '/')
    return -1;
  rl_scan_skip(&rest, size + 1);
  size_t subtype = rl_scan_token(rest);
  if (subtype == 0)
    return -1;
  read.type.size = size + 1 + subtype;
  rl_scan_skip(&rest, subtype);
  int more, wrong = 0;
  while (wrong == 0 && (more = rl_scan_parameter(&rest, &parameter)) != 0)
    if (more < 0)
      wrong = -1;
    else if (rl_scan_is(parameter.name, "charset"))
      wrong = keep(&read.charset, &parameter);
    else if (rl_scan_is(parameter.name, "boundary"))
      wrong = keep(&read.boundary, &parameter) ? -1 : is_boundary(read.boundary) - 1;
  if (wrong == 0)
    *media = read;
  return wrong;
}

bool rl_media_is(const struct rl_media *media, const char *type) {
  return rl_scan_is(media->type, type);
}
