/* http_idle: connections that each make one request, one after the other, and stay open. Prints
 * "ready" when all have their answer, then waits to be ended. Usage: http_idle PORT COUNT */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
#define BODY    "Hello, World!"

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void request_once(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  char answer[4096];
  size_t size = 0;
  int server = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (server < 0 || connect(server, (struct sockaddr *)&address, sizeof address) != 0)
    fail("connect");
  if (write(server, REQUEST, sizeof REQUEST - 1) != (ssize_t)sizeof REQUEST - 1)
    fail("write");
  while (!memmem(answer, size, BODY, sizeof BODY - 1)) {
    ssize_t got = read(server, answer + size, sizeof answer - size);
    if (got <= 0)
      fail("read");
    size += (size_t)got;
  }
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 1;
  for (int i = atoi(argv[2]); i > 0; i--)
    request_once(atoi(argv[1]));
  puts("ready");
  fflush(stdout);
  pause();
  return 0;
}
