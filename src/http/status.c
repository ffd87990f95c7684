/* Status: the IANA registry of status codes, an array for each class. */
#include "http/status.h"

#include <stddef.h>

static const char *const informational[] = {"Continue", "Switching Protocols", "Processing",
                                            "Early Hints"};
static const char *const success[] = {
    [0] = "OK",
    [1] = "Created",
    [2] = "Accepted",
    [3] = "Non-Authoritative Information",
    [4] = "No Content",
    [5] = "Reset Content",
    [6] = "Partial Content",
    [7] = "Multi-Status",
    [8] = "Already Reported",
    [26] = "IM Used",
};
static const char *const redirection[] = {
    [0] = "Multiple Choices",   [1] = "Moved Permanently",  [2] = "Found",
    [3] = "See Other",          [4] = "Not Modified",       [5] = "Use Proxy",
    [7] = "Temporary Redirect", [8] = "Permanent Redirect",
};
static const char *const client_error[] = {
    [0] = "Bad Request",
    [1] = "Unauthorized",
    [2] = "Payment Required",
    [3] = "Forbidden",
    [4] = "Not Found",
    [5] = "Method Not Allowed",
    [6] = "Not Acceptable",
    [7] = "Proxy Authentication Required",
    [8] = "Request Timeout",
    [9] = "Conflict",
    [10] = "Gone",
    [11] = "Length Required",
    [12] = "Precondition Failed",
    [13] = "Content Too Large",
    [14] = "URI Too Long",
    [15] = "Unsupported Media Type",
    [16] = "Range Not Satisfiable",
    [17] = "Expectation Failed",
    [18] = "I'm a teapot",
    [21] = "Misdirected Request",
    [22] = "Unprocessable Content",
    [23] = "Locked",
    [24] = "Failed Dependency",
    [25] = "Too Early",
    [26] = "Upgrade Required",
    [28] = "Precondition Required",
    [29] = "Too Many Requests",
    [31] = "Request Header Fields Too Large",
    [51] = "Unavailable For Legal Reasons",
};
static const char *const server_error[] = {
    [0] = "Internal Server Error",
    [1] = "Not Implemented",
    [2] = "Bad Gateway",
    [3] = "Service Unavailable",
    [4] = "Gateway Timeout",
    [5] = "HTTP Version Not Supported",
    [6] = "Variant Also Negotiates",
    [7] = "Insufficient Storage",
    [8] = "Loop Detected",
    [10] = "Not Extended",
    [11] = "Network Authentication Required",
};

static const struct {
  const char *const *reasons;
  size_t count;
} classes[] = {
    {informational, sizeof informational / sizeof *informational},
    {success, sizeof success / sizeof *success},
    {redirection, sizeof redirection / sizeof *redirection},
    {client_error, sizeof client_error / sizeof *client_error},
    {server_error, sizeof server_error / sizeof *server_error},
};

const char *rl_status_reason(int status) {
  if (!rl_status_valid(status))
    return "";
  size_t class = (size_t)status / 100 - 1, number = (size_t)status % 100;
  const char *reason = number < classes[class].count ? classes[class].reasons[number] : NULL;
  return reason ? reason : "";
}
