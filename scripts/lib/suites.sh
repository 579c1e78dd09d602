# shellcheck shell=bash
# Running test suites: each is one file tests/suites/NAME.sh, whose head says what it is:
#   # about: one line for --list
#   # default: its place in the default run (a number), or no
#   # limit: seconds after which it counts as hung
#   # inputs: files and folders it depends on; unchanged since it passed, it is skipped; `always` never skips
# Sourced by ./test. Results are kept in build/suites.

suite_file() { printf '%s/tests/suites/%s.sh\n' "$hearth_root" "$1"; }
suite_field() { sed -n "s/^# $2: //p" "$(suite_file "$1")" | head -n 1; }
all_suites() {
  local file
  for file in "$hearth_root"/tests/suites/*.sh; do
    file=${file##*/}
    echo "${file%.sh}"
  done
}

# In the order of their `default` numbers: quick checks first.
default_suites() {
  local name place
  for name in $(all_suites); do
    place=$(suite_field "$name" default)
    if [[ $place != no ]]; then printf '%s %s\n' "$place" "$name"; fi
  done | sort -n | cut -d ' ' -f 2
}

list_suites() {
  local name defaults
  defaults=$(default_suites)
  for name in $defaults; do printf '%-12s %s\n' "$name" "$(suite_field "$name" about)"; done
  printf '\nby name only:\n'
  for name in $(all_suites); do
    if ! grep -qx "$name" <<<"$defaults"; then printf '%-12s %s\n' "$name" "$(suite_field "$name" about)"; fi
  done
}

# The files of the working tree below the given paths: tracked, or new and not ignored.
tree_files() {
  if [[ -e $hearth_root/.git ]]; then
    git -C "$hearth_root" ls-files -z --cached --others --exclude-standard -- "$@"
  else
    (cd "$hearth_root" && find "$@" -type f -not -path 'build/*' -print0 2>/dev/null)
  fi
}

# Compilers and libraries that every suite depends on.
tools_state() {
  if [[ -z ${tools_state_known:-} ]]; then
    tools_state_known=$(
      for tool in g++ clang++ clang-tidy clang-format cmake node python3; do "$tool" --version 2>/dev/null | head -n 1; done
      stat -L -c '%n %s' "$(ort_root)/lib/libonnxruntime.so" 2>/dev/null
      dpkg-query -W -f '${Package} ${Version}\n' libonnx-dev libprotobuf-dev libpcre2-dev libgtest-dev nlohmann-json3-dev 2>/dev/null
    ) || true
  fi
  printf '%s\n' "$tools_state_known"
}

# A checksum over everything that the suite's result depends on.
inputs_state() {
  local -a inputs
  read -r -a inputs <<<"$(suite_field "$1" inputs)"
  {
    tools_state
    # A file that is tracked but deleted shows by its missing line.
    tree_files "${inputs[@]}" "tests/suites/$1.sh" scripts/lib CMakeLists.txt CMakePresets.json cmake |
      (cd "$hearth_root" && xargs -0 sha256sum 2>/dev/null) || true
  } | sha256sum | cut -d ' ' -f 1
}

results=()
passed=0
failed=0

run_suite() {
  local name=$1 folder=$hearth_root/build/suites stamp state started seconds status=0 limit
  stamp=$folder/$name.passed
  state=$(inputs_state "$name")
  if [[ -z $fresh && $(suite_field "$name" inputs) != always && $(cat "$stamp" 2>/dev/null) == "$state" ]]; then
    results+=("$name|passed (unchanged since)|-")
    passed=$((passed + 1))
    return
  fi
  rm -f "$stamp"
  limit=$(suite_field "$name" limit)
  say "$name: $(suite_field "$name" about)"
  started=$EPOCHREALTIME
  HEARTH_TEST_FRESH=$fresh timeout -k 10 "$limit" bash "$(suite_file "$name")" \
    >"$folder/$name.log" 2>&1 </dev/null 9>&- &
  suite_pid=$!
  wait "$suite_pid" || status=$?
  suite_pid=
  seconds=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
  if ((status == 0)); then
    # What changed while the suite ran is not what it tested.
    if [[ $(inputs_state "$name") == "$state" ]]; then echo "$state" >"$stamp"; fi
    results+=("$name|passed|$seconds")
    passed=$((passed + 1))
    say "$name passed in $seconds s"
    return
  fi
  failed=$((failed + 1))
  if ((status == 124)); then
    results+=("$name|FAILED (over $limit s)|$seconds")
  else
    results+=("$name|FAILED|$seconds")
  fi
  say "$name FAILED after $seconds s; the end of build/suites/$name.log:"
  tail -n 60 "$folder/$name.log" >&2
}

suite_pid=
# timeout leads a process group of its own, which Ctrl-C does not reach.
stop_suite() {
  if [[ -n $suite_pid ]]; then kill -TERM "$suite_pid" 2>/dev/null || true; fi
  say "stopped"
  exit 130
}
trap stop_suite INT TERM

# The lines of a log that look like what went wrong, which may stand far above its end.
print_failures() {
  printf '\n%s (build/suites/%s.log):\n' "$1" "$1"
  grep -nE -A 5 ': Failure$|(^|[^a-z])(error|Error|ERROR|FATAL|CRITICAL)(:|\b.*:)|WARNING: ThreadSanitizer|^FAIL|runtime error:|^Traceback' \
    "$hearth_root/build/suites/$1.log" | cut -c 1-240 | head -n 40 || true
}

print_results() {
  local row name result seconds
  printf '\n%-14s %-24s %s\n' suite result seconds
  for row in "${results[@]}"; do
    IFS='|' read -r name result seconds <<<"$row"
    printf '%-14s %-24s %s\n' "$name" "$result" "$seconds"
  done
  for row in "${results[@]}"; do
    IFS='|' read -r name result seconds <<<"$row"
    if [[ $result == FAILED* ]]; then print_failures "$name"; fi
  done
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
}
