/* codec/coder.h: what comes back, what does not, and what a coder may take while it finds out. */
#include "check.h"

#include "codec/coder.h"

enum { LIMIT = 1 << 20 };

static const struct rl_coding *const codings[] = {&rl_coding_gzip, &rl_coding_brotli,
                                                  &rl_coding_zstd};

static struct rl_heap heap;

static int begin(void **state) {
  (void)state;
  rl_heap_init(&heap);
  return 0;
}

static int end(void **state) {
  (void)state;
  rl_heap_trim(&heap);
  return atomic_load(&heap.blocks) == 0 ? 0 : -1;
}

/* Runs a test with each coding of this build. */
static void each(void (*test)(const struct rl_coding *coding)) {
  for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
    if (!codings[i]->package)
      test(codings[i]);
}

static struct rl_slice slice_of(const struct rl_buffer *buffer) {
  return (struct rl_slice){(const char *)buffer->bytes, buffer->size};
}

static struct rl_buffer text_of(size_t size) {
  struct rl_buffer text;
  rl_buffer_init(&text, &heap);
  for (size_t i = 0; i < size; i++)
    rl_buffer_byte(&text, (unsigned char)("hello, world "[i % 13] + (i % 977 == 0)));
  return text;
}

static struct rl_buffer encode(const struct rl_coding *coding, struct rl_slice text) {
  struct rl_coder coder;
  struct rl_buffer to;
  rl_buffer_init(&to, &heap);
  assert_int_equal(rl_coder_begin_encoder(&coder, coding, &heap, coding->usual, text.size), 0);
  assert_int_equal(rl_coder_feed(&coder, text, RL_CODER_FINISH, &to), RL_CODER_ENDED);
  rl_coder_end(&coder);
  rl_coder_end(&coder);
  return to;
}

static enum rl_coder_status decode(const struct rl_coding *coding, struct rl_slice from,
                                   uint64_t limit, struct rl_buffer *to) {
  struct rl_coder coder;
  rl_buffer_init(to, &heap);
  if (rl_coder_begin_decoder(&coder, coding, &heap, limit) != 0)
    return RL_CODER_NO_MEMORY;
  enum rl_coder_status status = rl_coder_feed(&coder, from, RL_CODER_GO, to);
  rl_coder_end(&coder);
  return status;
}

static void same(const struct rl_buffer *buffer, struct rl_slice text) {
  assert_int_equal(buffer->size, text.size);
  if (text.size)
    assert_memory_equal(buffer->bytes, text.bytes, text.size);
}

/* -- both ways ------------------------------------------------------------------------------ */

static void round_trips(const struct rl_coding *coding) {
  static const size_t sizes[] = {0, 1, 511, 512, 513, 5000, 300000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct rl_buffer text = text_of(sizes[i]), back;
    struct rl_buffer encoded = encode(coding, slice_of(&text));
    assert_int_equal(decode(coding, slice_of(&encoded), LIMIT, &back), RL_CODER_ENDED);
    same(&back, slice_of(&text));
    rl_buffer_free(&text);
    rl_buffer_free(&encoded);
    rl_buffer_free(&back);
  }
}

static void what_is_encoded_comes_back(void **state) {
  (void)state;
  each(round_trips);
}

/* Every piece can be read at once, also one that becomes much larger: what a decoder holds back
 * would be missed. */
static void flushes(const struct rl_coding *coding) {
  static const size_t sizes[] = {10, 700, 100000, 1};
  struct rl_coder encoder, decoder;
  struct rl_buffer to, back;
  rl_buffer_init(&to, &heap);
  rl_buffer_init(&back, &heap);
  assert_int_equal(rl_coder_begin_encoder(&encoder, coding, &heap, coding->usual, 0), 0);
  assert_int_equal(rl_coder_begin_decoder(&decoder, coding, &heap, LIMIT), 0);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct rl_buffer text = text_of(sizes[i]);
    to.size = back.size = 0;
    assert_int_equal(rl_coder_feed(&encoder, slice_of(&text), RL_CODER_FLUSH, &to), RL_CODER_WENT);
    assert_int_equal(rl_coder_feed(&decoder, slice_of(&to), RL_CODER_GO, &back), RL_CODER_WENT);
    same(&back, slice_of(&text));
    rl_buffer_free(&text);
  }
  rl_coder_end(&encoder);
  rl_coder_end(&decoder);
  rl_buffer_free(&to);
  rl_buffer_free(&back);
}

static void what_is_flushed_can_be_read(void **state) {
  (void)state;
  each(flushes);
}

/* -- wrong input ---------------------------------------------------------------------------- */

static void refuses(const struct rl_coding *coding, struct rl_slice from) {
  struct rl_buffer back;
  assert_int_equal(decode(coding, from, LIMIT, &back), RL_CODER_MALFORMED);
  rl_buffer_free(&back);
}

static void refuses_what_is_none(const struct rl_coding *coding) {
  static const char garbage[] = "\xFF\xFE\xFD this is not what it says, and long enough to tell";
  refuses(coding, (struct rl_slice){garbage, sizeof garbage - 1});
  struct rl_buffer text = text_of(100), encoded = encode(coding, slice_of(&text));
  rl_buffer_byte(&encoded, 'x');
  refuses(coding, slice_of(&encoded)); /* something follows the end */
  rl_buffer_free(&text);
  rl_buffer_free(&encoded);
}

static void what_is_none_is_refused(void **state) {
  (void)state;
  each(refuses_what_is_none);
}

static void waits_for_the_end(const struct rl_coding *coding) {
  struct rl_buffer text = text_of(3000), encoded = encode(coding, slice_of(&text));
  for (size_t size = 0; size < encoded.size; size++) {
    struct rl_buffer back;
    struct rl_slice prefix = {(char *)encoded.bytes, size};
    assert_int_equal(decode(coding, prefix, LIMIT, &back), RL_CODER_WENT);
    assert_true(back.size <= text.size);
    rl_buffer_free(&back);
  }
  rl_buffer_free(&text);
  rl_buffer_free(&encoded);
}

static void what_is_cut_off_has_not_ended(void **state) {
  (void)state;
  each(waits_for_the_end);
}

/* gzip and zstd would tell, if only by their checksums; brotli has none. */
static void changed_gzip_is_refused(void **state) {
  (void)state;
  if (rl_coding_gzip.package)
    skip();
  struct rl_buffer text = text_of(2000), encoded = encode(&rl_coding_gzip, slice_of(&text));
  for (size_t i = encoded.size - 8; i < encoded.size; i++) {
    encoded.bytes[i] ^= 1;
    refuses(&rl_coding_gzip, slice_of(&encoded));
    encoded.bytes[i] ^= 1;
  }
  rl_buffer_free(&text);
  rl_buffer_free(&encoded);
}

/* -- bombs ---------------------------------------------------------------------------------- */

static void is_bounded(const struct rl_coding *coding) {
  static const uint64_t limits[] = {0, 1, 1000, 100000, 999999};
  struct rl_buffer zeros, encoded, back;
  rl_buffer_init(&zeros, &heap);
  memset(rl_buffer_extend(&zeros, 1000000), 0, 1000000);
  encoded = encode(coding, slice_of(&zeros));
  rl_buffer_free(&zeros);
  assert_true(encoded.size < 2000);
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    assert_int_equal(decode(coding, slice_of(&encoded), limits[i], &back), RL_CODER_TOO_LARGE);
    assert_true(back.size <= limits[i] + 1);
    assert_true(back.capacity <= 2 * (limits[i] + 512 * 1024));
    rl_buffer_free(&back);
  }
  assert_int_equal(decode(coding, slice_of(&encoded), 1000000, &back), RL_CODER_ENDED);
  assert_int_equal(back.size, 1000000);
  rl_buffer_free(&back);
  rl_buffer_free(&encoded);
}

static void a_bomb_stops_at_the_limit(void **state) {
  (void)state;
  each(is_bounded);
}

/* -- memory --------------------------------------------------------------------------------- */

#ifdef RILLE_FAULTS

static bool is_fine(const struct rl_coding *coding, struct rl_slice text, struct rl_slice encoded) {
  struct rl_coder coder;
  struct rl_buffer to, back;
  enum rl_coder_status status = RL_CODER_NO_MEMORY;
  rl_buffer_init(&to, &heap);
  if (rl_coder_begin_encoder(&coder, coding, &heap, coding->usual, 0) == 0) {
    status = rl_coder_feed(&coder, text, RL_CODER_FINISH, &to);
    rl_coder_end(&coder);
  }
  assert_true(status == RL_CODER_ENDED || status == RL_CODER_NO_MEMORY);
  rl_buffer_free(&to);
  if (status == RL_CODER_NO_MEMORY)
    return false;
  status = decode(coding, encoded, LIMIT, &back);
  assert_true(status == RL_CODER_ENDED || status == RL_CODER_NO_MEMORY);
  rl_buffer_free(&back);
  return status == RL_CODER_ENDED;
}

static void survives(const struct rl_coding *coding) {
  struct rl_buffer text = text_of(40000), encoded = encode(coding, slice_of(&text));
  size_t held = atomic_load(&heap.blocks);
  bool fine = false;
  long n = 1;
  for (; !fine; n++) {
    atomic_store(&heap.fail_on, n % 2);
    atomic_store(&heap.fail_in, n);
    fine = is_fine(coding, slice_of(&text), slice_of(&encoded)) && atomic_load(&heap.fail_in) > 0;
    atomic_store(&heap.fail_in, 0);
    atomic_store(&heap.fail_on, false);
    assert_int_equal(atomic_load(&heap.blocks), held);
  }
  assert_true(n > 4);
  rl_buffer_free(&text);
  rl_buffer_free(&encoded);
}

static void want_of_memory_is_told(void **state) {
  (void)state;
  each(survives);
}

#else

static void want_of_memory_is_told(void **state) {
  (void)state;
  skip();
}

#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_encoded_comes_back, begin, end),
      cmocka_unit_test_setup_teardown(what_is_flushed_can_be_read, begin, end),
      cmocka_unit_test_setup_teardown(what_is_none_is_refused, begin, end),
      cmocka_unit_test_setup_teardown(what_is_cut_off_has_not_ended, begin, end),
      cmocka_unit_test_setup_teardown(changed_gzip_is_refused, begin, end),
      cmocka_unit_test_setup_teardown(a_bomb_stops_at_the_limit, begin, end),
      cmocka_unit_test_setup_teardown(want_of_memory_is_told, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
