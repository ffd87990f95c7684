# Run in a clean Debian where the packages are installed, with g++, pkgconf and cmake: the smallest
# host is built against librille-dev in each of its ways, and runs.
set -eu
source=/usr/share/doc/rille/examples/embed
cd "$(mktemp -d)"
for name in rille rille-static; do
  gcc -Wall -Werror "$source/minimal.c" $(pkg-config --cflags --libs $name) -o $name
  ./$name >$name.out
  grep -q '^fib(24) = 46368$' $name.out
done
ldd rille | grep librille.so
cmake -G Ninja -S "$source" -B built
cmake --build built
built/minimal | cmp - rille.out
built/minimal_static | cmp - rille.out
rm -r "$PWD"
