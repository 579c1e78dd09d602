# shellcheck shell=bash
# Configuring and building one CMake preset, quietly. Sourced by scripts/build-release and the test suites.

# Compilers take about 1 GB each on the largest files.
build_jobs() {
  local cores memory_gb
  cores=$(nproc)
  memory_gb=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
  if ((memory_gb < 1)); then memory_gb=1; fi
  echo $((cores < memory_gb ? cores : memory_gb))
}

# configure_preset PRESET: messages go to build/PRESET/build.log, and on failure the end of it to the user.
configure_preset() {
  local preset=$1 folder=$hearth_root/build/$1 ort
  local log=$folder/build.log
  ort=$(ort_root)
  make_folder "$folder"
  local -a configure=(cmake --preset "$preset" "-DONNXRUNTIME_ROOT=$ort" -U 'OnnxRuntime_*')
  if command -v ccache >/dev/null; then
    # The same file compiled in another clone is a hit: paths count relative to the repository.
    export CCACHE_DIR=${CCACHE_DIR:-$(cache_dir)/ccache} CCACHE_BASEDIR=$hearth_root CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=3G
    configure+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  else
    configure+=(-U CMAKE_CXX_COMPILER_LAUNCHER)
  fi
  if ! (cd "$hearth_root" && "${configure[@]}") >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    die_of_build "configuring the build failed" "$log"
  fi
}

# build_preset PRESET [TARGET...]: what changed is built again; messages as configure_preset's.
build_preset() {
  local preset=$1 folder=$hearth_root/build/$1
  shift
  local log=$folder/build.log
  configure_preset "$preset"
  say "building ($preset; log: $log)"
  # [12/345] at the head of each line becomes a percentage.
  NINJA_STATUS='[%f/%t] ' ninja -C "$folder" -j "$(build_jobs)" "$@" 2>&1 | tee -a "$log" |
    sed -u -n 's|^\[\([0-9]*\)/\([0-9]*\)\].*|\1 \2|p' |
    while read -r finished all; do echo $((finished * 100 / all)); done | show_progress "building ($preset)" || {
    sed -n '/^FAILED:\|error:\|rror: /,+12p' "$log" | head -n 60 >&2
    die_of_build "building ($preset) failed" "$log"
  }
}

# run_unit_tests PRESET [CTEST_OPTIONS...]: all of ctest, or what the options leave, with a folder for temporary files that no other run shares.
run_unit_tests() {
  local preset=$1 folder status=0
  shift
  folder=$(mktemp -d)
  TMPDIR=$folder TEST_TMPDIR=$folder ctest --test-dir "$hearth_root/build/$preset" --output-on-failure --no-tests=error \
    --timeout 2400 -j "$(build_jobs)" "$@" || status=$?
  rm -rf "$folder"
  return "$status"
}

die_of_build() {
  # On a full disk the log may have missed the words that say so.
  if grep -qi 'no space left on device' "$2" || (($(free_mb "$hearth_root/build") < 3)); then
    die "$1: the disk that holds $hearth_root/build is full" \
      "free some space, then run the same command again: it goes on where it stopped"
  fi
  die "$1" "details: $2"
}
