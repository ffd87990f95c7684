# For scripts/test: suites, their results, and how these are told. Sourced, with `words` and `logs` set.
#
# A suite is one program that prints TAP, or a command that succeeds or fails. It leaves a log, and
# beside it its result: a line SECONDS PASSED FAILED SKIPPED. Suites run in processes of their own,
# several at a time, and are reported in the order in which they were named.

passed=0 failed=0
failures=() # the names of the suites that failed

wanted() {
  local word
  for word in "${words[@]}"; do
    [[ $1 == *"$word"* ]] || return 1
  done
}

# Where the suite NAME writes its log.
log_of() {
  echo "$logs/${1//[\/ ]/_}"
}

# finish NAME START PASSED FAILED SKIPPED: the result of a suite that began at the second START.
finish() {
  local log
  log=$(log_of "$1")
  echo "$((SECONDS - $2)) $3 $4 $5" >"$log.new"
  mv "$log.new" "$log.result" # at once: it may be looked for right now
}

# report NAME: tells the result that the suite has left.
report() {
  local log seconds ok bad skipped note=
  log=$(log_of "$1")
  [ -e "$log.result" ] || finish "$1" "$SECONDS" 0 1 0 # killed, or this script is at fault
  read -r seconds ok bad skipped <"$log.result"
  [ "$skipped" = 0 ] || note=", $skipped skipped"
  printf '%-44s %4d passed, %d failed%s  (%d s)\n' "$1" "$ok" "$bad" "$note" "$seconds"
  passed=$((passed + ok)) failed=$((failed + bad))
  [ "$bad" = 0 ] && return
  failures+=("$1")
  sed -n 's/^not ok /    not ok /p; s/.*Test unit written to /    not ok input kept in /p' "$log"
}

# What the suites that failed have printed, and how many tests did what.
report_all() {
  local name
  for name in "${failures[@]}"; do
    printf '\n--- failed: %s\n' "$name"
    tail -n 300 "$(log_of "$name")"
  done
  [ "$((passed + failed))" != 0 ] || echo "no suite has in its name: ${words[*]-}" >&2
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ] && [ "$passed" != 0 ]
}

# limited LIMIT COMMAND...: the command, for LIMIT seconds at most; ended with the process it is in.
limited() {
  timeout --kill-after=10 "$@" </dev/null &
  # shellcheck disable=SC2064
  trap "kill $! 2>/dev/null" TERM
  wait $!
}

# tap NAME LIMIT COMMAND...: a suite that prints TAP. What crashes, hangs, leaks or stops early has
# one failed test more.
tap() {
  local name=$1 limit=$2 start=$SECONDS log status ok bad skipped plan
  shift 2
  log=$(log_of "$name")
  limited "$limit" "$@" >"$log.all" 2>&1
  status=$?
  sed -i 's/^not \(ok .*# SKIP\)/\1/' "$log.all" # as cmocka says it
  ok=$(grep -ac '^ok ' "$log.all") bad=$(grep -ac '^not ok ' "$log.all")
  skipped=$(grep -ac '^ok .*# SKIP' "$log.all")
  plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$log.all" | tail -n 1)
  grep -av '^ok ' "$log.all" >"$log"
  if [ "$status" = 124 ] || [ "$status" = 137 ]; then
    echo "    $name: not over after $limit s" >>"$log"
  fi
  if [ "$bad" = 0 ] && [ "$status" != 0 ] || [ "$plan" != $((ok + bad)) ]; then
    echo "    $name: ended with status $status after $((ok + bad)) tests of ${plan:-?}" >>"$log"
    bad=$((bad + 1))
  fi
  finish "$name" "$start" $((ok - skipped)) "$bad" "$skipped"
}

# check NAME COMMAND...: a suite of one test, which passes if the command succeeds.
check() {
  local name=$1 start=$SECONDS
  shift
  if "$@" >"$(log_of "$name")" 2>&1; then
    finish "$name" "$start" 1 0 0
  else
    finish "$name" "$start" 0 1 0
  fi
}

# pool COUNT FUNCTION NAME...: calls FUNCTION for each of the suites, for COUNT of them at a time,
# and reports them.
pool() {
  local count=$1 function=$2 name reported=0
  shift 2
  local names=("$@")
  for name in "${names[@]}"; do
    [ "$(jobs -pr | wc -l)" -lt "$count" ] || wait -n
    "$function" "$name" &
    while [ -e "$(log_of "${names[reported]}").result" ]; do
      report "${names[reported]}"
      reported=$((reported + 1))
    done
  done
  wait
  for name in "${names[@]:reported}"; do
    report "$name"
  done
}
