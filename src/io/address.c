/* Address: reads and writes the URLs of sockets. Strict: what is not understood is refused with a
 * text that says what to write instead. */
#include "io/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

static const char *parse_port(const char *text, size_t size, uint16_t *port) {
  unsigned value = 0;
  if (size == 0)
    return "the port is missing, as in tcp://127.0.0.1:2000";
  for (size_t i = 0; i < size; i++) {
    if (text[i] < '0' || text[i] > '9' || i >= 5)
      return "the port must be a number from 0 to 65535, the last thing in the URL";
    value = value * 10 + (unsigned)(text[i] - '0');
  }
  if (value > 65535)
    return "the port must be a number from 0 to 65535, the last thing in the URL";
  *port = (uint16_t)value;
  return NULL;
}

/* Whether every byte may stand in a host name. */
static int is_name(const char *text) {
  return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
         strlen(text);
}

static const char *parse_host(struct rl_address *address, const char *text, size_t size) {
  char host[sizeof address->where.name];
  if (size == 0)
    return "the host is missing, as in tcp://127.0.0.1:2000";
  if (size >= sizeof host)
    return "the host name is too long";
  memcpy(host, text, size);
  host[size] = '\0';
  address->kind = RL_ADDRESS_IP;
  if (host[0] == '[') {
    if (host[size - 1] != ']')
      return "an IPv6 address must be in brackets, as in tcp://[::1]:2000";
    host[size - 1] = '\0';
    if (uv_ip6_addr(host + 1, address->port, &address->where.ip.in6) != 0)
      return "the brackets must hold an IPv6 address, as in tcp://[::1]:2000";
    return NULL;
  }
  if (uv_ip4_addr(host, address->port, &address->where.ip.in) == 0)
    return NULL;
  if (strchr(host, ':'))
    return "an IPv6 address must be in brackets, as in tcp://[::1]:2000";
  if (!is_name(host) || host[strspn(host, "0123456789.")] == '\0')
    return "the host must be an address or a name";
  address->kind = RL_ADDRESS_NAME;
  memcpy(address->where.name, host, size + 1);
  return NULL;
}

static const char *parse_tcp(struct rl_address *address, const char *text, size_t size) {
  size_t colon = size;
  while (colon > 0 && text[colon - 1] != ':')
    colon--;
  if (colon == 0 || (text[0] == '[' && text[size - 1] == ']'))
    return "the port is missing, as in tcp://127.0.0.1:2000";
  const char *wrong = parse_port(text + colon, size - colon, &address->port);
  return wrong ? wrong : parse_host(address, text, colon - 1);
}

static const char *parse_unix(struct rl_address *address, const char *text, size_t size) {
  struct sockaddr_un *local = &address->where.local;
  if (size == 0)
    return "the path is missing, as in unix:/run/rille.sock";
  if (size >= sizeof local->sun_path)
    return "the path of a unix socket must be shorter than 108 bytes";
  address->kind = RL_ADDRESS_UNIX;
  local->sun_family = AF_UNIX;
  memcpy(local->sun_path, text, size);
  return NULL;
}

const char *rl_address_parse(struct rl_address *address, const char *text, size_t size) {
  static const char tcp[] = "tcp://", unix_[] = "unix:";
  struct rl_address read;
  const char *wrong = "the URL must begin with tcp:// or unix: (such as tcp://127.0.0.1:2000)";
  memset(&read, 0, sizeof read);
  if (memchr(text, '\0', size))
    return "the URL holds a zero byte";
  if (size >= sizeof tcp - 1 && memcmp(text, tcp, sizeof tcp - 1) == 0)
    wrong = parse_tcp(&read, text + sizeof tcp - 1, size - (sizeof tcp - 1));
  else if (size >= sizeof unix_ - 1 && memcmp(text, unix_, sizeof unix_ - 1) == 0)
    wrong = parse_unix(&read, text + sizeof unix_ - 1, size - (sizeof unix_ - 1));
  if (!wrong)
    *address = read;
  return wrong;
}

bool rl_address_equal(const struct rl_address *one, const struct rl_address *other) {
  const union rl_endpoint *a = &one->where.ip, *b = &other->where.ip;
  if (one->kind != other->kind || one->port != other->port)
    return false;
  if (one->kind == RL_ADDRESS_UNIX)
    return strcmp(one->where.local.sun_path, other->where.local.sun_path) == 0;
  if (a->any.sa_family != b->any.sa_family)
    return false;
  if (a->any.sa_family == AF_INET)
    return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
  return IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr) &&
         a->in6.sin6_scope_id == b->in6.sin6_scope_id;
}

static void format_in6(const struct sockaddr_in6 *in6, char text[RL_ADDRESS_TEXT]) {
  char host[INET6_ADDRSTRLEN];
  unsigned port = ntohs(in6->sin6_port);
  if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
    inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], host, sizeof host);
    snprintf(text, RL_ADDRESS_TEXT, "%s:%u", host, port);
  } else {
    inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
    snprintf(text, RL_ADDRESS_TEXT, "[%s]:%u", host, port);
  }
}

void rl_address_format(const union rl_endpoint *endpoint, char text[RL_ADDRESS_TEXT]) {
  char host[INET_ADDRSTRLEN];
  text[0] = '\0';
  if (endpoint->any.sa_family == AF_INET6) {
    format_in6(&endpoint->in6, text);
  } else if (endpoint->any.sa_family == AF_INET) {
    inet_ntop(AF_INET, &endpoint->in.sin_addr, host, sizeof host);
    snprintf(text, RL_ADDRESS_TEXT, "%s:%u", host, (unsigned)ntohs(endpoint->in.sin_port));
  }
}

void rl_address_url(const struct rl_address *address, char *text, size_t size) {
  char host[RL_ADDRESS_TEXT];
  switch (address->kind) {
  case RL_ADDRESS_UNIX: snprintf(text, size, "unix:%s", address->where.local.sun_path); break;
  case RL_ADDRESS_NAME:
    snprintf(text, size, "tcp://%s:%u", address->where.name, (unsigned)address->port);
    break;
  case RL_ADDRESS_IP:
    rl_address_format(&address->where.ip, host);
    snprintf(text, size, "tcp://%s", host);
    break;
  }
}
