/* For the thread sanitizer only. libuv closes descriptors by a bare system call, which the sanitizer
 * does not see: when a loop has ended on one thread and its numbers are given out to another, it
 * takes both for uses of the same descriptor. What libuv makes them in is left out of account. */
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void) {
  return "race:uv__epoll_init\n"
         "race:uv_async_init\n"
         "race:uv_pipe\n";
}
