/* The coding `gzip` in a build without zlib. */
#include "codec/coder.h"

const struct rl_coding rl_coding_gzip = {.name = "gzip", .package = "zlib1g-dev"};
