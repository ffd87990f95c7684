# For scripts/test: the checks of the sources, each a suite of one test.

# Lua by its name or by its first line.
lua_files() {
  find lua spec examples scripts bench -name node_modules -prune -o -type f \
    \( -name '*.lua' -o -executable -exec sh -c 'head -n 1 "$1" | grep -q "lua\|rille"' - {} \; \) \
    -print
}

check_lua() {
  local files
  mapfile -t files < <(lua_files)
  luacheck --quiet --no-color "${files[@]}"
}

# Each as clang-format leaves it (clang-format -i mends it).
check_format() {
  find src include spec/c examples -name '*.[ch]' -print0 |
    xargs -0 -n 16 -P "$(nproc)" clang-format --dry-run -Werror
}

run_source_check() {
  case $1 in
    floors) check "$1" scripts/floors ;;
    luacheck) check "$1" check_lua ;;
    format) check "$1" check_format ;;
  esac
}

check_sources() {
  local name names=()
  for name in floors luacheck format; do
    [[ $name = format && $(clang-format --version 2>/dev/null) != *"version 14."* ]] && continue
    wanted "$name" && names+=("$name") # another clang-format would break lines elsewhere
  done
  pool "$(nproc)" run_source_check "${names[@]}"
}
