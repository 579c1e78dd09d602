# shellcheck shell=bash
# What scripts/prove-fresh-machine checks, in the order in which a user could meet it: each case starts where the one
# before stopped, because that is what a second try does. Sourced.

question='What is 17 + 25?'
answer=42
warm_limit_s=0.5
passed=0
failed=0

# case_done NAME VERDICT: VERDICT is empty when the case holds, else what was wrong.
case_done() {
  if [[ -z $2 ]]; then
    passed=$((passed + 1))
    say "ok      $1"
  else
    failed=$((failed + 1))
    say "FAILED  $1: $2"
    tail -n 25 "$logs/last.stderr" >&2
  fi
}

# attempt COMMAND...: runs it, keeps its words in $logs/last.stdout and last.stderr and its exit code in $status.
attempt() {
  status=0
  "$@" >"$logs/last.stdout" 2>"$logs/last.stderr" </dev/null || status=$?
  { printf '\n== %s -> %s\n' "$*" "$status" && cat "$logs/last.stdout" "$logs/last.stderr"; } >>"$logs/all.log"
}

# refused PATTERN: the verdict on an attempt that had to fail with that message and print nothing else.
refused() {
  if ((status != exit_unavailable)); then
    echo "exit code $status instead of $exit_unavailable"
  elif ! grep -qE "$1" "$logs/last.stderr"; then
    echo "the message does not say '$1'"
  elif [[ -s $logs/last.stdout ]]; then
    echo "standard output is not empty"
  fi
}

answered() {
  if ((status != 0)); then
    echo "exit code $status"
  elif ! grep -qw "$answer" "$logs/last.stdout"; then
    echo "the answer is '$(head -c 200 "$logs/last.stdout")'"
  fi
}

run_cases() {
  local installed_before=0
  local cache
  cache=$(outside "$user_home")/.cache/hearth
  if [[ -z $quick ]]; then
    case_without_rights
    case_without_network
    give_sudo
    installed_before=$(packaged_files)
    case_killed_during_packages
  fi
  case_small_disk_for_downloads
  case_without_network_for_onnxruntime
  case_killed_during_download "$cache"
  case_small_disk_for_build
  case_disk_fills_during_build
  case_killed_during_build
  case_answer
  case_warm
  case_concurrent
  if [[ -n $tests ]]; then case_tests; fi
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
}

case_without_rights() {
  attempt as_user ./hearth run --task "$question"
  case_done "a user without root or sudo is told which packages are missing" \
    "$(refused 'needs root or sudo: .*cmake.*')"
}

case_without_network() {
  attempt as_root --offline ./hearth run --task "$question"
  case_done "without network, the packages that could not be fetched are named" \
    "$(refused 'could not be installed: .*cmake.*no network')"
}

give_sudo() {
  say "installing sudo in the machine, as many have it"
  as_root apt-get update -q >"$logs/sudo.log" 2>&1
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends sudo >>"$logs/sudo.log" 2>&1
  echo 'someone ALL=(ALL) NOPASSWD: ALL' >"$machine/etc/sudoers.d/someone"
  # sudo resolves the machine's own name.
  printf '127.0.0.1 %s\n' "$(hostname)" >>"$machine/etc/hosts"
}

# kill_when CONDITION COMMAND...: starts the command and kills every process of it as soon as the condition holds.
kill_when() {
  local condition=$1 leader waited=0
  shift
  "$@" >"$logs/last.stdout" 2>"$logs/last.stderr" </dev/null &
  leader=$!
  until eval "$condition" || ((waited++ > 3000)) || ! kill -0 "$leader" 2>/dev/null; do sleep 0.1; done
  verdict=
  kill -0 "$leader" 2>/dev/null || verdict="it ended before it could be killed"
  kill_descendants "$leader"
  wait "$leader" 2>/dev/null || true
}

kill_descendants() {
  local child
  for child in $(ps -o pid= --ppid "$1" 2>/dev/null); do kill_descendants "$child"; done
  kill -KILL "$1" 2>/dev/null || true
}

packaged_files() { find "$machine/var/lib/dpkg/info" -type f | wc -l; }

case_killed_during_packages() {
  # dpkg unpacks some, not all.
  kill_when "(( \$(packaged_files) > installed_before + 60 ))" as_user ./hearth run --task "$question"
  case_done "killed while packages are being installed (the next cases go on from there)" "$verdict"
}

# small_disk FOLDER SIZE: a disk of its own, of that size, on a folder of the machine.
small_disk() {
  local owner=0
  [[ -n $quick ]] || owner=$(stat -c %u "$(outside "$user_home")")
  mkdir -p "$(outside "$1")"
  chown "$owner:$owner" "$(outside "$(dirname "$1")")" "$(outside "$1")"
  mount -t tmpfs -o "size=$2,uid=$owner,gid=$owner,mode=755" tmpfs "$(outside "$1")"
}

case_small_disk_for_downloads() {
  small_disk "$user_home/.cache/hearth" 100m
  attempt as_user ./hearth run --task "$question"
  case_done "a disk too small for the downloads is noticed before the first byte, with both numbers" \
    "$(refused 'not enough disk space for ONNX Runtime: [0-9]+ MB are needed at .*, [0-9]+ MB are free')"
  umount "$(outside "$user_home/.cache/hearth")"
}

case_without_network_for_onnxruntime() {
  attempt as_user --offline ./hearth run --task "$question"
  case_done "without network, ONNX Runtime that could not be fetched is named" \
    "$(refused 'npm package .* could not be fetched .*no network')"
}

case_killed_during_download() {
  local cache=$1
  kill_when "[[ -f '$cache'/staging/onnxruntime-node-$ort_version.tgz ]]" as_user ./hearth run --task "$question"
  case_done "killed after the first of two downloads" "$verdict"
}

case_small_disk_for_build() {
  local verdict
  small_disk "$clone/build" 100m
  attempt as_user ./hearth run --task "$question"
  verdict=$(refused 'not enough disk space for the build: [0-9]+ MB are needed at .*, [0-9]+ MB are free')
  case_done "a disk too small for the build is noticed before the first file, with both numbers" "$verdict"
  if grep -q 'fetching ONNX Runtime [0-9]' "$logs/last.stderr"; then verdict="the library was fetched again"; fi
  case_done "the second try did not fetch again what was there" "$verdict"
  umount "$(outside "$clone/build")"
}

objects() { find "$(outside "$clone/build")" -name '*.o' | wc -l; }

case_disk_fills_during_build() {
  local build
  build=$(outside "$clone/build")
  small_disk "$clone/build" 1000m
  as_user ./hearth run --task "$question" >"$logs/last.stdout" 2>"$logs/last.stderr" </dev/null &
  local child=$!
  until (($(objects) > 1)) || ! kill -0 "$child" 2>/dev/null; do sleep 0.1; done
  head -c 2000000000 /dev/zero >"$build/filler" 2>/dev/null || true
  status=0
  wait "$child" || status=$?
  case_done "a disk that fills up during the build is named" "$(refused 'the disk that holds .* is full')"
  rm "$build/filler"
}

case_killed_during_build() {
  local before
  before=$(objects)
  kill_when "(( \$(objects) > $before + 3 ))" as_user ./hearth run --task "$question"
  case_done "killed during the build" "$verdict"
}

case_answer() {
  local before verdict
  before=$(objects)
  attempt as_user ./hearth run --task "$question"
  verdict=$(answered)
  if [[ -z $verdict ]] && ((before == 0)); then verdict="nothing was left of the build that was killed"; fi
  case_done "the next try goes on and prints the answer" "$verdict"
}

# seconds COMMAND...: the best of three, in $best.
seconds() {
  local started round taken
  best=999
  for round in 1 2 3; do
    started=$EPOCHREALTIME
    attempt "$@"
    taken=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f", b - a }')
    best=$(printf '%s\n%s\n' "$best" "$taken" | sort -g | head -n 1)
  done
}

case_warm() {
  local verdict
  seconds as_user --offline ./hearth run --task "$question"
  verdict=$(answered)
  if [[ -z $verdict ]]; then
    verdict=$(awk -v best="$best" -v limit="$warm_limit_s" 'BEGIN { if (best > limit) print "it took " best " s" }')
  fi
  case_done "later calls answer without any network in under $warm_limit_s s ($best s)" "$verdict"
  attempt as_root --offline ./hearth run --task "$question"
  case_done "so they do for root" "$(answered)"
}

case_concurrent() {
  local child verdict=''
  rm -rf "$(outside "$clone/build/bin")"
  as_user ./hearth run --task "$question" >"$logs/other.stdout" 2>"$logs/other.stderr" </dev/null &
  child=$!
  attempt as_user ./hearth run --task "$question"
  verdict=$(answered)
  wait "$child" || verdict="the other call failed"
  grep -qw "$answer" "$logs/other.stdout" || verdict="the other call did not answer"
  case_done "two first calls at once both answer" "$verdict"
}

case_tests() {
  say "running ./test in the machine"
  attempt as_user env CI=true ./test
  cp "$logs/last.stdout" "$logs/test.stdout"
  tail -n 25 "$logs/last.stdout" >&2
  local verdict=''
  ((status == 0)) || verdict="exit code $status"
  case_done "./test passes" "$verdict"
}
