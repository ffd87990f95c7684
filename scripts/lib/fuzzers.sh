# For scripts/test: the fuzzers, each a suite of one test.

# Those that read what comes from a network by themselves; they have the whole time, and go first.
main_fuzzers=(http_request http_chunked http_url http_multipart http_cookie)

# run_fuzzer "fuzz NAME"
run_fuzzer() {
  local name=${1#* } time=$seconds
  [[ " ${main_fuzzers[*]} " == *" $name "* ]] || time=$((seconds / 10 + 1))
  check "$1" limited $((time + 60)) scripts/fuzz "$name" "$time"
}

# Whether clang can link a fuzzer.
has_fuzzer() {
  echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' |
    clang -x c -fsanitize=fuzzer - -o "$logs/fuzzer" >"$logs/fuzzer.log" 2>&1
}

# run_fuzzers SECONDS
run_fuzzers() {
  local seconds=$1 name names=()
  for name in "${main_fuzzers[@]}" $(cd fuzz && echo *.c); do
    name="fuzz ${name%.c}"
    [[ " ${names[*]-} " != *" $name "* ]] && wanted "$name" && names+=("$name")
  done
  if [ ${#names[@]} = 0 ] || [ "$seconds" = 0 ]; then
    return
  fi
  if ! has_fuzzer && ! { scripts/setup fuzz && has_fuzzer; }; then
    echo "fuzz: skipped, since clang cannot link a fuzzer (packages clang, libclang-rt-dev)"
    return
  fi
  building fuzz build-fuzz || return
  pool "$(nproc)" run_fuzzer "${names[@]}"
}
