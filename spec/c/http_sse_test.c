/* http/sse.h: events as they are written. */
#include "check.h"

#include "http/scan.h"
#include "http/sse.h"

static struct rl_heap heap;

static void writes(struct rl_sse_event event, const char *wanted) {
  struct rl_buffer to;
  rl_buffer_init(&to, &heap);
  assert_null(rl_sse_write(&event, &to));
  assert_int_equal(to.size, strlen(wanted));
  assert_memory_equal(to.bytes, wanted, to.size);
  rl_buffer_free(&to);
}

static void refuses(struct rl_sse_event event) {
  struct rl_buffer to;
  rl_buffer_init(&to, &heap);
  assert_non_null(rl_sse_write(&event, &to));
  assert_null(to.bytes);
}

static struct rl_slice text(const char *bytes) {
  return rl_scan_text(bytes);
}

static void every_field_has_a_line(void **state) {
  (void)state;
  writes((struct rl_sse_event){.data = text("x")}, "data: x\n\n");
  writes((struct rl_sse_event){.id = text("7"),
                               .event = text("tick"),
                               .data = text("{\"n\":1}"),
                               .retry = 4294967295,
                               .has_retry = true},
         "id: 7\nevent: tick\nretry: 4294967295\ndata: {\"n\":1}\n\n");
  writes((struct rl_sse_event){.id = text("")}, "id: \n\n");
  writes((struct rl_sse_event){.data = text("")}, "data: \n\n");
}

static void data_may_have_lines(void **state) {
  (void)state;
  writes((struct rl_sse_event){.data = text("a\nb")}, "data: a\ndata: b\n\n");
  writes((struct rl_sse_event){.data = text("a\r\nb\rc\n")},
         "data: a\ndata: b\ndata: c\ndata: \n\n");
  writes((struct rl_sse_event){.data = text("\r\n\nid: 9")}, "data: \ndata: \ndata: id: 9\n\n");
  writes((struct rl_sse_event){.data = text(" a:\r")}, "data:  a:\ndata: \n\n");
}

static void a_field_cannot_be_split(void **state) {
  (void)state;
  static const struct rl_slice bad[] = {{"a\nb", 3}, {"a\rb", 3}, {"a\0b", 3}, {"\n", 1}};
  for (int i = 0; i < 4; i++) {
    refuses((struct rl_sse_event){.id = bad[i], .data = text("x")});
    refuses((struct rl_sse_event){.event = bad[i], .data = text("x")});
  }
}

static void a_beat_is_a_comment(void **state) {
  (void)state;
  struct rl_buffer to;
  rl_buffer_init(&to, &heap);
  rl_sse_beat(&to);
  assert_memory_equal(to.bytes, ":\n\n", 3);
  rl_buffer_free(&to);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_field_has_a_line),
      cmocka_unit_test(data_may_have_lines),
      cmocka_unit_test(a_field_cannot_be_split),
      cmocka_unit_test(a_beat_is_a_comment),
  };
  rl_heap_init(&heap);
  return cmocka_run_group_tests_name("sse", tests, NULL, NULL);
}
