# shellcheck shell=bash
# What every script here shares: messages, folders, free-space checks, progress. Sourced, not run.
# Everything is said on standard error, so that standard output stays the program's own.

hearth_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

ort_version=1.30.0
# The library's own programs and tests, too, keep to themselves what they run (the program sees to that itself).
export ORT_DISABLE_TELEMETRY=1
# sysexits.h EX_UNAVAILABLE: the set-up or the build could not be finished; documented in docs/development.md.
exit_unavailable=69

say() { printf 'hearth: %s\n' "$*" >&2; }

# die MESSAGE [LINE...]: says what is wrong and what to do, then leaves.
die() {
  say "$1"
  shift
  local line
  for line in "$@"; do printf '        %s\n' "$line" >&2; done
  exit "$exit_unavailable"
}

absolute() { if [[ $1 == /* ]]; then printf '%s\n' "$1"; else printf '%s\n' "$PWD/$1"; fi; }

# Where downloads, logs and test caches live; the repository itself only gets build/.
cache_dir() {
  local home=~
  absolute "${HEARTH_CACHE_DIR:-${XDG_CACHE_HOME:-$home/.cache}/hearth}"
}

# The ONNX Runtime to build against: the user's own, or the one that scripts/setup fetched.
ort_root() { absolute "${ONNXRUNTIME_ROOT:-$(cache_dir)/onnxruntime-$ort_version}"; }

# make_folder DIR: creates a folder, or says why it cannot be written.
make_folder() {
  local error
  error=$(LC_ALL=C mkdir -p -- "$1" 2>&1) && [[ -w $1 ]] && return
  die "cannot write to the folder $1${error:+ (${error##*: })}" \
    "free some space or give yourself the right to write there, or choose another folder with HEARTH_CACHE_DIR"
}

# free_mb PATH: megabytes that this user may still write at PATH, or at its nearest existing parent.
free_mb() {
  local path=$1
  while [[ ! -e $path && $path == */* && -n $path ]]; do path=${path%/*}; done
  df --output=avail -B 1000000 -- "${path:-/}" | { read -r _; read -r avail; echo "$avail"; }
}

# need_space PATH MEGABYTES PURPOSE: stops before the first byte when the disk cannot hold it.
need_space() {
  local free
  free=$(free_mb "$1")
  ((free >= $2)) && return
  die "not enough disk space for $3: $2 MB are needed at $1, $free MB are free" \
    "free some space there${4:+, or $4}, then run the same command again: it goes on where it stopped"
}

# show_progress LABEL: reads percentages (one number a line) and shows them: a line that is redrawn on a
# terminal, one line every 20 percent elsewhere.
show_progress() {
  local label=$1 percent shown=-20 drawn=
  while read -r percent; do
    percent=${percent%%.*}
    [[ $percent =~ ^[0-9]+$ ]] || continue
    if [[ -t 2 ]]; then
      printf '\rhearth: %s %3d%%' "$label" "$percent" >&2
      drawn=yes
    elif ((percent >= shown + 20)); then
      shown=$((percent - percent % 20))
      say "$label $shown%"
    fi
  done
  if [[ -n $drawn ]]; then printf '\n' >&2; fi
}

# with_lock FILE COMMAND...: runs a command while holding an exclusive lock; says so when it has to wait.
with_lock() {
  local file=$1
  shift
  : >>"$file" || die "cannot write $file" "was it made by another user, such as root? give it to yourself or remove it"
  {
    if ! flock -n 9; then
      say "waiting for another set-up or build to finish"
      flock 9
    fi
    "$@"
  } 9>>"$file"
}
