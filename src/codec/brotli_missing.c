/* The coding `br` in a build without Brotli. */
#include "codec/coder.h"

const struct rl_coding rl_coding_brotli = {.name = "br", .package = "libbrotli-dev"};
