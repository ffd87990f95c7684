# Run in a clean Debian where the packages and what rille recommends are installed: a new project is
# without faults, and passes its tests.
set -eu
cd "$(mktemp -d)"
rille new shop
cd shop
rille check app.lua
rille test
rm -r "$(dirname "$PWD")"
