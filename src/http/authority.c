/* Authority: checked from left to right. */
#include "http/authority.h"

#include "http/chars.h"

/* How many bytes the IP literal at the start has, brackets and all; 0: it is none. */
static size_t literal_size(struct rl_slice text) {
  for (size_t i = 1; i < text.size; i++) {
    char byte = text.bytes[i];
    if (byte == ']')
      return i > 2 ? i + 1 : 0;
    if (byte != ':' && !rl_char_is(byte, RL_CHAR_HOST))
      return 0;
  }
  return 0;
}

static bool is_escape(const char *bytes, size_t left) {
  return left >= 3 && rl_char_is(bytes[1], RL_CHAR_HEX) && rl_char_is(bytes[2], RL_CHAR_HEX);
}

/* How many bytes the name at the start has. */
static size_t name_size(struct rl_slice text) {
  size_t i = 0;
  while (i < text.size) {
    if (rl_char_is(text.bytes[i], RL_CHAR_HOST))
      i++;
    else if (text.bytes[i] == '%' && is_escape(text.bytes + i, text.size - i))
      i += 3;
    else
      break;
  }
  return i;
}

static bool is_port(const char *bytes, size_t size) {
  unsigned long port = 0;
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] < '0' || bytes[i] > '9')
      return false;
    port = port * 10 + (unsigned long)(bytes[i] - '0');
    if (port > 65535)
      return false;
  }
  return true;
}

bool rl_authority_valid(struct rl_slice authority) {
  if (authority.size == 0)
    return false;
  size_t host = authority.bytes[0] == '[' ? literal_size(authority) : name_size(authority);
  if (host == 0)
    return false;
  if (host == authority.size)
    return true;
  return authority.bytes[host] == ':' &&
         is_port(authority.bytes + host + 1, authority.size - host - 1);
}
