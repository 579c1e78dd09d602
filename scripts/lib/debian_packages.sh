# shellcheck shell=bash
# The Debian packages that Hearth needs, and their installation. Sourced by scripts/setup.

# One line each: package, and the command that makes the package unnecessary when it is there already.
run_packages='
g++ g++
cmake cmake
ninja-build ninja
libonnx-dev
libprotobuf-dev
protobuf-compiler protoc
nlohmann-json3-dev
libcli11-dev
libspdlog-dev
libfmt-dev
libpcre2-dev
libedit-dev
libutf8proc-dev
libexpected-dev
libxxhash-dev
libeigen3-dev
'
# Only while ONNX Runtime has to be fetched.
fetch_packages='
ca-certificates
npm npm
'
test_packages='
clang clang
clang-format clang-format
clang-tidy clang-tidy
libclang-rt-14-dev
ccache ccache
libgtest-dev
libbenchmark-dev
qemu-user qemu-x86_64
shellcheck shellcheck
python3 python3
python3-numpy
python3-jinja2
nodejs node
npm npm
git git
'

# missing_packages run|test: prints the packages that are not installed, one a line.
missing_packages() {
  local list=$run_packages package tool
  if ! onnxruntime_is_there; then list+=$fetch_packages; fi
  if [[ $1 == test ]]; then list+=$test_packages; fi
  local -A installed=()
  local -a wanted=()
  while read -r package tool; do
    if [[ -z $package ]] || { [[ -n $tool ]] && command -v "$tool" >/dev/null; }; then continue; fi
    wanted+=("$package")
  done <<<"$list"
  ((${#wanted[@]})) || return 0
  while read -r package; do
    installed[$package]=1
  done < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/^installed //p')
  for package in "${wanted[@]}"; do
    if [[ -z ${installed[$package]:-} ]]; then
      printf '%s\n' "$package"
      installed[$package]=1 # named once, however many lists hold it
    fi
  done
}

install_debian_packages() {
  command -v apt-get >/dev/null ||
    die "the set-up installs Debian packages, and this system has no apt-get" \
      "use Debian 12, or install by hand what docs/development.md lists and build with cmake --preset release"
  local -a missing
  mapfile -t missing < <(missing_packages "$1")
  ((${#missing[@]})) || return 0

  local command="apt-get install --no-install-recommends ${missing[*]}"
  local -a as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die "these Debian packages are missing, and installing them needs root or sudo: ${missing[*]}" \
        "as root: $command" "then run the same command again"
    if ! sudo -n true 2>/dev/null; then
      { [[ -t 2 ]] && sudo -v; } ||
        die "these Debian packages are missing, and sudo gives no right to install them: ${missing[*]}" \
          "as root: $command" "then run the same command again"
    fi
    as_root=(sudo -n)
  fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]} (log: $setup_log)"
  refresh_package_lists
  finish_interrupted_installation
  check_space_for_packages "${missing[@]}"
  run_apt "installing packages" install -f --no-install-recommends "${missing[@]}" && return
  die_of_apt "the Debian packages could not be installed: ${missing[*]}" \
    "by hand, as root: $command" "then run the same command again: it goes on where it stopped"
}

# run_apt LABEL ARGUMENTS...: apt-get without questions; its words go to the log, its progress to the user.
run_apt() {
  local label=$1
  shift
  printf '\n== %s: apt-get %s\n' "$(date -Is)" "$*" >>"$setup_log"
  # The progress gets a descriptor of its own, made here because sudo closes all but the standard ones. apt does not
  # pass it on to dpkg, which would also cut off standard output if both were the same.
  # shellcheck disable=SC2016 # expanded by the inner shell
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 bash -c 'exec apt-get "$@" 3>&1 >>"$0" 2>&1' \
    "$setup_log" -y -q -o APT::Status-Fd=3 -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 \
    -o APT::Update::Error-Mode=any -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 \
    "$@" </dev/null | apt_percentages "$1" | show_progress "$label"
}

# apt counts twice to 100: fetching, then installing.
apt_percentages() {
  local kind percent
  while IFS=: read -r kind _ percent _; do
    percent=${percent%%.*}
    case $1-$kind in
      update-dlstatus) echo "$percent" ;;
      *-dlstatus) echo $((percent * 3 / 10)) ;;
      *-pmstatus) echo $((30 + percent * 7 / 10)) ;;
    esac
  done
}

# die_of_apt MESSAGE LINE...: adds what apt itself complained about.
die_of_apt() {
  local message=$1
  shift
  local -a complaints
  mapfile -t complaints < <(tail -n 200 "$setup_log" 2>/dev/null | tr -d '\r' | sed -n '/^E: /p' | sort -u | tail -n 3)
  if grep -qiE 'could not (resolve|connect)|temporary failure|unreachable|connection (refused|timed out|failed)' \
    <(tail -n 200 "$setup_log" 2>/dev/null); then
    message+=" (there seems to be no network)"
  fi
  die "$message" "${complaints[@]}" "$@" "details: $setup_log"
}

# The lists may be missing (a bare image) or old (packages already superseded on the mirror).
refresh_package_lists() {
  run_apt "reading package lists" update ||
    say "the package lists could not be refreshed; trying with what is here"
}

# A killed dpkg leaves packages half configured, and then refuses to do anything else.
finish_interrupted_installation() {
  [[ -z $(dpkg --audit 2>/dev/null) && -z $(ls /var/lib/dpkg/updates 2>/dev/null) ]] && return
  say "finishing an installation that was interrupted earlier"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive dpkg --configure -a </dev/null >>"$setup_log" 2>&1 || true
}

# Asks apt what it would fetch and unpack, and compares with the disk.
check_space_for_packages() {
  local plan fetch unpack
  plan=$(LC_ALL=C "${as_root[@]}" apt-get install -f --no-install-recommends --assume-no "$@" </dev/null 2>>"$setup_log" || true)
  fetch=$(megabytes "$(sed -n 's/^Need to get \([0-9.,]* [kMG]\?B\).*/\1/p' <<<"$plan")")
  unpack=$(megabytes "$(sed -n 's/^After this operation, \([0-9.,]* [kMG]\?B\) of additional.*/\1/p' <<<"$plan")")
  need_space /usr "$((unpack + 50))" "the Debian packages once unpacked"
  need_space /var/cache/apt/archives "$((fetch + 20))" "the Debian packages to download"
}

# megabytes "1,234 kB": apt's way of writing sizes, rounded up.
megabytes() {
  local number unit
  read -r number unit <<<"${1//,/}"
  number=${number%%.*}
  case $unit in
    GB) echo $((number * 1000 + 1000)) ;;
    MB) echo $((number + 1)) ;;
    *) echo 1 ;;
  esac
}
