# For scripts/test: the C tests, the specs and the pages of a build.

# A build's suites, as "BUILD FILE". What is tried in a browser is tried once, in release.
suites_of() {
  find spec/c -name '*_test.c' -printf "$1 %p\n" | sort
  find spec -name '*_spec.lua' -printf "$1 %p\n" | sort
  [ "$1" = release ] && find spec/browser -name '*_page.mjs' -printf "$1 %p\n" | sort
}

# Whether the suite has to run alone (scripts/lib/alone.txt).
is_alone() {
  grep -qxE "(${1%% *} )?${1#* } .*" scripts/lib/alone.txt
}

# run_suite NAME: what it takes to run one, in the build that run_build has made.
run_suite() {
  local file=${1#* }
  case $file in
    *.c) tap "$1" "$limit" "$folder/spec/c/$(basename "$file" .c)" ;;
    *.mjs) tap "$1" "$limit" spec/browser/run "$file" ;;
    *) tap "$1" "$limit" "$RILLE_PROGRAM" scripts/specs.lua "$file" ;;
  esac
}

# run_build PRESET FOLDER LIMIT: builds it and runs its suites, each for LIMIT seconds at most. A
# build nobody asked for is not made.
run_build() {
  local preset=$1 folder=$2 limit=$3 name all names=() alone=() together=()
  mapfile -t all < <(suites_of "$preset")
  for name in "${all[@]}"; do
    wanted "$name" && names+=("$name")
  done
  [ ${#names[@]} = 0 ] && return
  rm -f "$folder/build.ninja" # configure anew: the environment decides about warnings
  building "$preset" "$folder" || return
  export RILLE_BUILD=$preset RILLE_PROGRAM=$PWD/$folder/rille
  for name in "${names[@]}"; do
    if [[ $name == *.c && ! -e $folder/spec/c/$(basename "$name" .c) ]]; then
      echo "$name: skipped, since a library that it tries is not installed"
    elif is_alone "$name"; then
      alone+=("$name")
    else
      together+=("$name")
    fi
  done
  pool 1 run_suite "${alone[@]}"
  pool "$(nproc)" run_suite "${together[@]}"
}

# building PRESET FOLDER: makes it; a build that fails is a suite that fails.
building() {
  echo "building $2"
  scripts/build "$1" >"$(log_of "$1 build")" 2>&1 && return
  finish "$1 build" "$SECONDS" 0 1 0
  report "$1 build"
  return 1
}
