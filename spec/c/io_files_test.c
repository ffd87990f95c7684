/* io/files.h: from the path of a request to a file. */
#include "folder.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <uv.h>

#include "http/scan.h"
#include "io/files.h"

static struct rl_heap heap;
static struct folder folder;
static struct rl_files_options options;
static struct rl_files *files;
static uint64_t now; /* ms of a clock that only the tests move */
static int64_t today;
static int descriptors; /* at the start */

static int make(void **state) {
  (void)state;
  rl_heap_init(&heap);
  folder_make(&folder);
  folder_write(&folder, "secret", "secret");
  folder_folder(&folder, "root");
  folder_folder(&folder, "root/docs");
  folder_write(&folder, "root/docs/index.html", "index");
  folder_write(&folder, "root/docs/page.html", "page");
  folder_write(&folder, "root/with space", "space");
  folder_write(&folder, "root/.hidden", "hidden");
  folder_folder(&folder, "root/.git");
  folder_write(&folder, "root/.git/config", "config");
  options = rl_files_defaults;
  now = 1000000;
  today = time(NULL);
  return 0;
}

static int clean(void **state) {
  (void)state;
  folder_remove(&folder);
  return atomic_load(&heap.blocks) == 0 ? 0 : -1;
}

static void begin(void) {
  descriptors = folder_descriptors();
  assert_int_equal(rl_files_new(&heap, folder_at(&folder, "root"), &options, &files), 0);
}

/* Nothing is left behind. */
static void end(void) {
  rl_files_free(files);
  assert_int_equal(folder_descriptors(), descriptors);
  assert_int_equal(atomic_load(&heap.blocks), 0);
}

static struct rl_found found;

static int find(const char *path, const char *accept) {
  struct rl_slice list = {accept, accept ? strlen(accept) : 0};
  return rl_files_find(files, rl_scan_text(path), list, now, today, &found);
}

static void check_bytes(const char *bytes, size_t size) {
  assert_int_equal(found.file->identity.size, size);
  if (found.file->fd < 0) {
    assert_memory_equal(found.file->bytes, bytes, size);
    return;
  }
  char *read = malloc(size + 1);
  assert_int_equal(pread(found.file->fd, read, size + 1, 0), (ssize_t)size);
  assert_memory_equal(read, bytes, size);
  free(read);
}

static void check_found(const char *path, const char *text) {
  int error = find(path, NULL);
  if (error)
    fail_msg("%s: %s", path, uv_strerror(error));
  check_bytes(text, strlen(text));
  rl_file_release(found.file);
}

static void check_error(const char *path, int error) {
  int got = find(path, NULL);
  if (got != error)
    fail_msg("%s: %s", path, got ? uv_strerror(got) : "found");
}

static void files_are_found(void **state) {
  (void)state;
  begin();
  check_found("docs/page.html", "page");
  check_found("docs/page%2Ehtml", "page");
  check_found("with%20space", "space");
  assert_int_equal(find("docs/page.html", NULL), 0);
  assert_string_equal(found.type, "text/html; charset=utf-8");
  assert_null(found.encoding);
  assert_false(found.varies);
  rl_file_release(found.file);
  check_error("docs/none.html", UV_ENOENT);
  check_error("docs/page.html/", UV_ENOENT);
  check_error("docs/page.html/more", UV_ENOENT);
  end();
}

static void a_directory_has_an_index(void **state) {
  (void)state;
  begin();
  check_found("docs/", "index");
  check_error("docs", UV_EISDIR);
  check_error("", UV_ENOENT);
  folder_folder(&folder, "root/index.html");
  check_error("", UV_ENOENT);
  assert_int_equal(rmdir(folder_at(&folder, "root/index.html")), 0);
  end();
  options.index = NULL;
  begin();
  check_error("docs/", UV_ENOENT);
  check_error("docs", UV_EISDIR);
  end();
  options.index = "page.html";
  begin();
  check_found("docs/", "page");
  end();
  options.index = rl_files_defaults.index;
}

static void no_path_leads_out(void **state) {
  (void)state;
  static const char *const out[] = {
      "../secret",
      "docs/../../secret",
      "docs/..",
      "..",
      ".",
      "./docs/page.html",
      "docs/./page.html",
      "docs/../docs/page.html",
      "%2e%2e/secret",
      "%2E%2E/secret",
      ".%2e/secret",
      "%2e./secret",
      "%2e%2e%2fsecret",
      "..%2fsecret",
      "docs%2fpage.html",
      "..%5csecret",
      "..\\secret",
      "docs\\page.html",
      "docs/%5c../page.html",
      "%c0%ae%c0%ae/secret",
      "%c0%2e%c0%2e/secret",
      "%e0%80%ae%e0%80%ae/secret",
      "%252e%252e/secret",
      "%uff0e%uff0e/secret",
      "/secret",
      "//etc/passwd",
      "/etc/passwd",
      "docs//page.html",
      "docs/page.html%00.png",
      "docs/page.html%00",
      "docs/...",
  };
  for (int hidden = 0; hidden < 2; hidden++) {
    options.hidden = hidden;
    begin();
    for (size_t i = 0; i < sizeof out / sizeof *out; i++)
      if (find(out[i], NULL) == 0)
        fail_msg("%s was found", out[i]);
    check_error("docs/page%", UV_EINVAL);
    check_error("docs/page%zz", UV_EINVAL);
    end();
  }
  options.hidden = false;
  begin();
  struct rl_slice raw = {"docs/page.html\0.png", 19};
  assert_int_equal(rl_files_find(files, raw, rl_scan_text(""), now, today, &found), UV_ENOENT);
  end();
}

static void what_is_hidden_stays_so(void **state) {
  (void)state;
  begin();
  check_error(".hidden", UV_ENOENT);
  check_error("%2ehidden", UV_ENOENT);
  check_error(".git/config", UV_ENOENT);
  end();
  options.hidden = true;
  begin();
  check_found(".hidden", "hidden");
  check_found(".git/config", "config");
  end();
  options.hidden = false;
}

static void what_is_well_known_is_not_hidden(void **state) {
  (void)state;
  folder_folder(&folder, "root/.well-known");
  folder_folder(&folder, "root/docs/.well-known");
  folder_write(&folder, "root/.well-known/security.txt", "Contact");
  folder_write(&folder, "root/.well-known/.private", "private");
  folder_write(&folder, "root/docs/.well-known/security.txt", "no");
  begin();
  check_found(".well-known/security.txt", "Contact");
  check_error(".well-known/", UV_ENOENT);
  check_error(".well-known/.private", UV_ENOENT);
  check_error(".well-knownx", UV_ENOENT);
  check_error("docs/.well-known/security.txt", UV_ENOENT);
  end();
}

static void links_do_not_lead_out(void **state) {
  (void)state;
  folder_link(&folder, "docs/page.html", "root/inside");
  folder_link(&folder, "../secret", "root/outside");
  folder_link(&folder, "/etc/passwd", "root/absolute");
  folder_link(&folder, "..", "root/up");
  for (int links = 0; links < 2; links++) {
    options.links = links;
    begin();
    check_error("outside", UV_ENOENT);
    check_error("absolute", UV_ENOENT);
    check_error("up/secret", UV_ENOENT);
    check_error("up/root/docs/page.html", UV_ENOENT);
    if (!links)
      check_error("inside", UV_ENOENT);
    else if (find("inside", NULL) == 0) /* not where the kernel cannot see to it */
      rl_file_release(found.file);
    end();
  }
}

static void only_regular_files_are_served(void **state) {
  (void)state;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  assert_int_equal(mkfifo(folder_at(&folder, "root/pipe"), 0666), 0);
  strcpy(address.sun_path, folder_at(&folder, "root/socket"));
  int socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(socket_fd, (struct sockaddr *)&address, sizeof address), 0);
  bool device = mknod(folder_at(&folder, "root/null"), S_IFCHR | 0666, makedev(1, 3)) == 0;
  begin();
  check_error("pipe", UV_ENOENT);
  check_error("socket", UV_ENOENT);
  if (device)
    check_error("null", UV_ENOENT);
  end();
  close(socket_fd);
}

static void what_may_not_be_read_is_said(void **state) {
  (void)state;
  folder_write(&folder, "root/private", "private");
  assert_int_equal(chmod(folder_at(&folder, "root/private"), 0), 0);
  bool root = geteuid() == 0;
  begin();
  assert_true(!root || seteuid(65534) == 0);
  check_error("private", UV_EACCES);
  check_found("docs/page.html", "page");
  assert_true(!root || seteuid(0) == 0);
  end();
}

static void names_may_be_too_long(void **state) {
  (void)state;
  char *name = malloc(20000);
  memset(name, 'x', 20000);
  begin();
  static const size_t sizes[] = {255, 256, 4094, 4095, 4096, 4097, 19999};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    name[sizes[i]] = 0;
    check_error(name, UV_ENOENT);
    name[sizes[i]] = 'x';
  }
  for (size_t i = 1; i < 19999; i += 2)
    name[i] = '/';
  name[19999] = 0;
  check_error(name, UV_ENOENT);
  for (size_t i = 0; i + 3 < 19999; i += 3)
    memcpy(name + i, "%41", 3);
  name[4095 * 3] = 0;
  check_error(name, UV_ENOENT);
  end();
  free(name);
}

static void a_tag_names_a_version(void **state) {
  (void)state;
  char first[RL_FILE_ETAG_SIZE] = "", second[RL_FILE_ETAG_SIZE] = "";
  folder_write(&folder, "root/versioned", "one");
  folder_date(&folder, "root/versioned", today - 100);
  begin();
  assert_int_equal(find("versioned", NULL), 0);
  memcpy(first, found.file->etag, found.file->etag_size);
  assert_true(rl_file_modified(found.file) == today - 100);
  assert_true(first[0] == '"' && first[strlen(first) - 1] == '"');
  rl_file_release(found.file);
  folder_replace(&folder, "root/versioned", "two");
  now += 1000;
  assert_int_equal(find("versioned", NULL), 0);
  memcpy(second, found.file->etag, found.file->etag_size);
  assert_string_not_equal(first, second);
  rl_file_release(found.file);
  end();
}

/* -- what changes meanwhile --------------------------------------------------------------- */

static void a_file_is_believed_for_a_second(void **state) {
  (void)state;
  folder_write(&folder, "root/changing", "one");
  begin();
  check_found("changing", "one");
  folder_replace(&folder, "root/changing", "three");
  now += 999;
  check_found("changing", "one");
  now += 1;
  check_found("changing", "three");
  folder_write(&folder, "root/changing", "in place");
  now += 1000;
  check_found("changing", "in place");
  folder_write(&folder, "root/changing", "IN PLACE");
  now += 1000;
  check_found("changing", "IN PLACE");
  assert_int_equal(unlink(folder_at(&folder, "root/changing")), 0);
  check_found("changing", "IN PLACE");
  now += 1000;
  check_error("changing", UV_ENOENT);
  folder_write(&folder, "root/changing", "back");
  check_found("changing", "back");
  end();
}

static void an_answer_keeps_what_it_began_with(void **state) {
  (void)state;
  options.small = 8;
  folder_write(&folder, "root/tiny", "tiny");
  folder_write(&folder, "root/larger", "larger than eight");
  begin();
  assert_int_equal(find("tiny", NULL), 0);
  struct rl_found tiny = found;
  assert_true(tiny.file->fd < 0);
  assert_int_equal(find("larger", NULL), 0);
  struct rl_found larger = found;
  assert_true(larger.file->fd >= 0);
  folder_replace(&folder, "root/tiny", "new");
  folder_replace(&folder, "root/larger", "also new, also larger");
  now += 1000;
  check_found("tiny", "new");
  check_found("larger", "also new, also larger");
  rl_files_free(files);
  found = tiny;
  check_bytes("tiny", 4);
  found = larger;
  check_bytes("larger than eight", 17);
  rl_file_release(tiny.file);
  rl_file_release(larger.file);
  assert_int_equal(folder_descriptors(), descriptors);
  assert_int_equal(atomic_load(&heap.blocks), 0);
  options.small = rl_files_defaults.small;
}

static void a_settled_file_is_read_once(void **state) {
  (void)state;
  folder_write(&folder, "root/settled", "settled");
  today += 10;
  begin();
  assert_int_equal(find("settled", NULL), 0);
  struct rl_file *first = found.file;
  now += 1000;
  assert_int_equal(find("settled", NULL), 0);
  assert_ptr_equal(found.file, first);
  rl_file_release(found.file);
  rl_file_release(first);
  today -= 10;
  end();
}

/* Where the file system cannot let pages go it has its bytes from the start. */
static void a_file_on_the_disk_is_not_waited_for(void **state) {
  (void)state;
  folder_write(&folder, "root/cold", "cold");
  int fd = open(folder_at(&folder, "root/cold"), O_RDONLY | O_CLOEXEC);
  assert_int_equal(fsync(fd), 0);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  close(fd);
  begin();
  check_found("cold", "cold"); /* reads the pages if it has no bytes */
  now += 1000;
  assert_int_equal(find("cold", NULL), 0);
  assert_true(found.file->fd < 0);
  rl_file_release(found.file);
  end();
}

static void the_directory_itself_may_be_replaced(void **state) {
  (void)state;
  char from[PATH_MAX];
  folder_folder(&folder, "old");
  folder_write(&folder, "old/file", "old");
  folder_folder(&folder, "new");
  folder_write(&folder, "new/file", "new");
  folder_link(&folder, "old", "current");
  descriptors = folder_descriptors();
  assert_int_equal(rl_files_new(&heap, folder_at(&folder, "current"), &options, &files), 0);
  check_found("file", "old");
  folder_link(&folder, "new", "next");
  strcpy(from, folder_at(&folder, "next"));
  assert_int_equal(rename(from, folder_at(&folder, "current")), 0);
  now += 1000;
  check_found("file", "new");
  assert_int_equal(unlink(folder_at(&folder, "current")), 0);
  now += 1000;
  check_found("file", "new");
  end();
}

static void a_directory_that_is_missing_is_an_error(void **state) {
  (void)state;
  int error = rl_files_new(&heap, folder_at(&folder, "none"), &options, &files);
  assert_int_equal(error, UV_ENOENT);
  error = rl_files_new(&heap, folder_at(&folder, "secret"), &options, &files);
  assert_int_equal(error, UV_ENOTDIR);
  assert_int_equal(atomic_load(&heap.blocks), 0);
}

/* -- several forms ------------------------------------------------------------------------ */

static void check_form(const char *accept, const char *encoding, const char *text) {
  assert_int_equal(find("form.css", accept), 0);
  if (encoding)
    assert_string_equal(found.encoding, encoding);
  else
    assert_null(found.encoding);
  assert_true(found.varies);
  assert_string_equal(found.type, "text/css; charset=utf-8");
  check_bytes(text, strlen(text));
  rl_file_release(found.file);
}

static void the_client_chooses_the_form(void **state) {
  (void)state;
  folder_write(&folder, "root/form.css", "plain");
  folder_write(&folder, "root/form.css.br", "brotli");
  folder_write(&folder, "root/form.css.gz", "gzip");
  folder_write(&folder, "root/form.css.zst", "zstd");
  begin();
  check_form(NULL, NULL, "plain");
  check_form("", NULL, "plain");
  check_form("gzip, deflate, br, zstd", "br", "brotli");
  check_form("gzip, zstd", "zstd", "zstd");
  check_form("gzip", "gzip", "gzip");
  check_form("x-gzip", "gzip", "gzip");
  check_form("*", "br", "brotli");
  check_form("br;q=0.5, gzip", "gzip", "gzip");
  check_form("br;q=0, *", "zstd", "zstd");
  check_form("identity", NULL, "plain");
  check_form("identity, gzip;q=0.5", NULL, "plain");
  check_form("compress", NULL, "plain");
  check_form("identity;q=0", NULL, "plain");
  check_found("form.css.gz", "gzip");
  end();
  options.compressed = false;
  begin();
  assert_int_equal(find("form.css", "gzip"), 0);
  assert_false(found.varies);
  assert_null(found.encoding);
  rl_file_release(found.file);
  end();
  options.compressed = true;
}

static void a_form_of_another_version_is_not_served(void **state) {
  (void)state;
  folder_write(&folder, "root/stale.css", "plain");
  folder_write(&folder, "root/stale.css.gz", "gzip");
  folder_date(&folder, "root/stale.css.gz", today - 1000);
  folder_link(&folder, "../secret", "root/stale.css.br");
  folder_folder(&folder, "root/stale.css.zst");
  begin();
  assert_int_equal(find("stale.css", "gzip, br, zstd"), 0);
  assert_null(found.encoding);
  assert_false(found.varies);
  check_bytes("plain", 5);
  rl_file_release(found.file);
  folder_write(&folder, "root/stale.css.gz", "newer");
  now += 1000;
  assert_int_equal(find("stale.css", "gzip, br, zstd"), 0);
  assert_string_equal(found.encoding, "gzip");
  check_bytes("newer", 5);
  rl_file_release(found.file);
  end();
}

/* -- bounds ------------------------------------------------------------------------------- */

static void write_many(int count, size_t size) {
  char name[32], *bytes = malloc(size);
  for (int i = 0; i < count; i++) {
    snprintf(name, sizeof name, "root/many%d", i);
    memset(bytes, 'a' + i % 26, size);
    folder_fill(&folder, name, bytes, size);
  }
  free(bytes);
}

static void find_many(int count) {
  char name[32];
  for (int i = 0; i < count; i++) {
    snprintf(name, sizeof name, "many%d", i);
    assert_int_equal(find(name, NULL), 0);
    char byte;
    if (found.file->fd < 0)
      byte = found.file->bytes[0];
    else
      assert_int_equal(pread(found.file->fd, &byte, 1, 0), 1);
    assert_int_equal(byte, 'a' + i % 26);
    rl_file_release(found.file);
  }
}

static void what_is_kept_is_bounded(void **state) {
  (void)state;
  write_many(200, 70000);
  options.bytes = 1000000;
  begin();
  for (int round = 0; round < 2; round++)
    find_many(200);
  assert_true(atomic_load(&heap.bytes) < 1100000);
  end();
  options.small = 1000;
  options.descriptors = 10;
  begin();
  for (int round = 0; round < 2; round++)
    find_many(200);
  assert_true(folder_descriptors() <= descriptors + 1 + 10);
  end();
  options = rl_files_defaults;
  options.entries = 20;
  begin();
  for (int round = 0; round < 2; round++)
    find_many(200);
  assert_true(atomic_load(&heap.bytes) < 21 * 71000);
  end();
  options.entries = 0;
  begin();
  find_many(20);
  assert_true(atomic_load(&heap.bytes) < 30000);
  end();
  options = rl_files_defaults;
}

static void misses_are_not_kept(void **state) {
  (void)state;
  char name[64];
  begin();
  check_error("missing", UV_ENOENT);
  size_t bytes = atomic_load(&heap.bytes);
  for (int i = 0; i < 1000; i++) {
    snprintf(name, sizeof name, "missing%d", i);
    check_error(name, UV_ENOENT);
  }
  assert_int_equal(atomic_load(&heap.bytes), bytes);
  end();
}

static void without_memory_nothing_is_left(void **state) {
  (void)state;
  for (long n = 1; n < 12; n++) {
    descriptors = folder_descriptors();
    atomic_store(&heap.fail_in, n);
    if (rl_files_new(&heap, folder_at(&folder, "root"), &options, &files) == 0) {
      static const char *const paths[] = {"with%20space", "docs/", "docs/page.html"};
      for (int i = 0; i < 3; i++)
        if (find(paths[i], "gzip") == 0)
          rl_file_release(found.file);
      atomic_store(&heap.fail_in, 0);
      check_found("with%20space", "space");
      rl_files_free(files);
    }
    atomic_store(&heap.fail_in, 0);
    assert_int_equal(folder_descriptors(), descriptors);
    assert_int_equal(atomic_load(&heap.blocks), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_are_found),
      cmocka_unit_test(a_directory_has_an_index),
      cmocka_unit_test(no_path_leads_out),
      cmocka_unit_test(what_is_hidden_stays_so),
      cmocka_unit_test(what_is_well_known_is_not_hidden),
      cmocka_unit_test(links_do_not_lead_out),
      cmocka_unit_test(only_regular_files_are_served),
      cmocka_unit_test(what_may_not_be_read_is_said),
      cmocka_unit_test(names_may_be_too_long),
      cmocka_unit_test(a_tag_names_a_version),
      cmocka_unit_test(a_file_is_believed_for_a_second),
      cmocka_unit_test(an_answer_keeps_what_it_began_with),
      cmocka_unit_test(a_settled_file_is_read_once),
      cmocka_unit_test(a_file_on_the_disk_is_not_waited_for),
      cmocka_unit_test(the_directory_itself_may_be_replaced),
      cmocka_unit_test(a_directory_that_is_missing_is_an_error),
      cmocka_unit_test(the_client_chooses_the_form),
      cmocka_unit_test(a_form_of_another_version_is_not_served),
      cmocka_unit_test(what_is_kept_is_bounded),
      cmocka_unit_test(misses_are_not_kept),
      cmocka_unit_test(without_memory_nothing_is_left),
  };
  return cmocka_run_group_tests(tests, make, clean);
}
