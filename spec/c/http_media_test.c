/* http/media.h: types of files, and the Content-Type field. */
#include "check.h"

#include "http/media.h"
#include "http/scan.h"

static void file(const char *name, const char *wanted) {
  const char *type = rl_media_of(rl_scan_text(name));
  if (wanted)
    assert_string_equal(type, wanted);
  else
    assert_null(type);
}

static void files_are_known_by_their_extension(void **state) {
  (void)state;
  file("index.html", "text/html; charset=utf-8");
  file("a/b.c/site.CSS", "text/css; charset=utf-8");
  file("app.min.js", "text/javascript; charset=utf-8");
  file("x.webmanifest", "application/manifest+json");
  file("x.7z", "application/x-7z-compressed");
  file("x.zst", "application/zstd");
}

static void other_names_are_not_known(void **state) {
  (void)state;
  static const char *const names[] = {
      "",        "html", ".html",          "a/.html",    "a.html/b", "a.html/", "a.",
      "a.html5", "a.",   "a.abcdefghijkl", "a.html.xyz", "a.html ",  "."};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    file(names[i], NULL);
  assert_null(rl_media_of((struct rl_slice){"a.js\0n", 6}));
}

/* The table is searched by halves, so each of its entries has to be in its place. */
static void every_extension_is_found(void **state) {
  (void)state;
  static const char all[] = "7z aac apng atom avi avif bin bmp bz2 css csv doc docx eot epub flac "
                            "gif gz htm html ico ics "
                            "jpeg jpg js json jsonld jxl log lua m3u8 m4a map md mjs mov mp3 mp4 "
                            "mpd mpeg odp ods odt oga "
                            "ogg ogv opus otf pdf png ppt pptx rss rtf svg tar tif tiff ts ttf txt "
                            "vtt wasm wav weba webm "
                            "webmanifest webp woff woff2 xhtml xls xlsx xml xz yaml yml zip zst";
  char names[sizeof all], path[32] = "x.";
  memcpy(names, all, sizeof all);
  for (char *name = strtok(names, " "); name; name = strtok(NULL, " ")) {
    strcpy(path + 2, name);
    assert_non_null(rl_media_of(rl_scan_text(path)));
  }
}

static void parses(const char *field, const char *type, const char *charset, const char *boundary) {
  struct rl_media media;
  assert_int_equal(rl_media_parse(rl_scan_text(field), &media), 0);
  assert_true(rl_media_is(&media, type));
  assert_true(rl_scan_equal(media.charset, rl_scan_text(charset)));
  assert_true(rl_scan_equal(media.boundary, rl_scan_text(boundary)));
}

static void a_field_has_a_type_and_parameters(void **state) {
  (void)state;
  parses("text/html", "text/html", "", "");
  parses(" Text/HTML ; Charset=UTF-8 ", "text/html", "UTF-8", "");
  parses("text/html;charset=\"utf-8\"", "text/html", "utf-8", "");
  parses("application/vnd.api+json;", "application/vnd.api+json", "", "");
  parses("multipart/form-data; x=y; boundary=----WebKit'_-.", "multipart/form-data", "",
         "----WebKit'_-.");
}

static void boundaries_may_be_quoted(void **state) {
  (void)state;
  parses("multipart/form-data; boundary=\"a ()+_,-./:=?b\"", "multipart/form-data", "",
         "a ()+_,-./:=?b");
}

static void what_is_malformed_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "text",
      "/html",
      "text/",
      "text/html charset=x",
      "text/html; charset",
      "text/html; charset=",
      "text/html; charset=\"x",
      "text/html; =x",
      "text/html, text/plain",
      "text/html; charset=a; charset=b",
      "a/b; boundary=x; boundary=x",
      "a/b; boundary=\"\"",
      "a/b; boundary=\"x \"",
      "a/b; boundary=\"x\\\"y\"",
      "a/b; boundary=\"x\ty\"",
      "a/b; boundary=x*",
      "a/b; boundary=12345678901234567890123456789012345678901234567890123456789012345678901"};
  struct rl_media media = {{"kept", 4}, {0}, {0}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(rl_media_parse(rl_scan_text(bad[i]), &media), -1);
  assert_true(rl_media_is(&media, "kept"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_are_known_by_their_extension),
      cmocka_unit_test(other_names_are_not_known),
      cmocka_unit_test(every_extension_is_found),
      cmocka_unit_test(a_field_has_a_type_and_parameters),
      cmocka_unit_test(boundaries_may_be_quoted),
      cmocka_unit_test(what_is_malformed_is_refused),
  };
  return cmocka_run_group_tests_name("media", tests, NULL, NULL);
}
