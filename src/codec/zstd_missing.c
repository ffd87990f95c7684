/* The coding `zstd` in a build without Zstandard. */
#include "codec/coder.h"

const struct rl_coding rl_coding_zstd = {.name = "zstd", .package = "libzstd-dev"};
