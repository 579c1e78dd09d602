# shellcheck shell=bash
# ONNX Runtime: the user's own (ONNXRUNTIME_ROOT), or the library from a pinned npm package with the headers that
# Debian 13 ships (an older API version, which newer libraries serve). Sourced by scripts/setup.

ort_package=onnxruntime-node
# The package's sha512, as the registry and tests/npm/package-lock.json give it.
ort_integrity=twhs1C2C/BFkz1yc5OY0KIU2GUq6DURO7hD4bx5Q2Qy3nAMJwRXW8xU3NVczE29VA9lolLOYepoD8fjTGOfIqw==
ort_header_package=libonnxruntime-dev
ort_header_suite=trixie
ort_oldest_minor=22 # the oldest library whose C API Hearth uses: 1.22
ort_space_mb=330    # the npm package, npm's own copy of it, library and headers

onnxruntime_is_there() {
  if [[ -n ${ONNXRUNTIME_ROOT:-} ]]; then return 0; fi
  [[ -f $(ort_root)/lib/libonnxruntime.so && -f $(ort_root)/include/onnxruntime_cxx_api.h ]]
}

provide_onnxruntime() {
  if [[ -n ${ONNXRUNTIME_ROOT:-} ]]; then
    check_given_onnxruntime "$(ort_root)"
    return
  fi
  if onnxruntime_is_there; then return; fi
  local target staging
  target=$(ort_root)
  staging=$cache/staging
  make_folder "$staging"
  if [[ ! -f $staging/onnxruntime/lib/libonnxruntime.so.1 ]]; then
    fetch_ort_library "$staging"
  fi
  if [[ ! -f $staging/onnxruntime/include/onnxruntime_cxx_api.h ]]; then
    fetch_ort_headers "$staging"
  fi
  rm -rf "$target" # without its header or library it was never complete
  mv -T "$staging/onnxruntime" "$target"
  rm -rf "$staging"
  say "ONNX Runtime $ort_version is in $target"
}

# A folder of the user's: refused here with words, rather than by the compiler or the loader later.
check_given_onnxruntime() {
  local root=$1 library header version missing
  library=$root/lib/libonnxruntime.so
  [[ -f $library ]] || die "ONNXRUNTIME_ROOT is $root, but there is no lib/libonnxruntime.so in it"
  header=$root/include/onnxruntime_cxx_api.h
  [[ -f $header || -f $root/include/onnxruntime/onnxruntime_cxx_api.h ]] ||
    die "ONNXRUNTIME_ROOT is $root, but there is no include/onnxruntime_cxx_api.h in it"
  # The linker's version node carries the release, whatever the file is called.
  version=$(grep -aoEm 1 'VERS_1\.[0-9]+\.[0-9]+' "$library" | head -n 1 || true)
  version=${version#VERS_}
  [[ $version =~ ^1\.([0-9]+)\. ]] || die "ONNXRUNTIME_ROOT: $library is not an ONNX Runtime library"
  ((BASH_REMATCH[1] >= ort_oldest_minor)) ||
    die "ONNXRUNTIME_ROOT holds ONNX Runtime $version; Hearth needs 1.$ort_oldest_minor or newer"
  missing=$(LC_ALL=C ldd "$library" 2>&1 | sed -n 's/^[[:space:]]*\(.*\) => not found.*/\1/p' | tr '\n' ' ')
  [[ -z $missing ]] || die "ONNXRUNTIME_ROOT: $library cannot be loaded, these libraries are missing: $missing"
}

# fetch_ort_library STAGING: the package is downloaded under another name and renamed once its checksum is right, so a
# kept package is a good one and a second try does not fetch it again.
fetch_ort_library() {
  local staging=$1 package=$1/$ort_package-$ort_version.tgz member
  case $(uname -m) in
    x86_64) member=package/bin/napi-v6/linux/x64/libonnxruntime.so.1 ;;
    aarch64) member=package/bin/napi-v6/linux/arm64/libonnxruntime.so.1 ;;
    *) die "no prebuilt ONNX Runtime for $(uname -m)" "build or install one and name its folder in ONNXRUNTIME_ROOT" ;;
  esac
  if [[ ! -f $package ]]; then
    need_space "$staging" "$ort_space_mb" "ONNX Runtime" "choose another folder with HEARTH_CACHE_DIR"
    say "fetching ONNX Runtime $ort_version (npm package, 113 MB; log: $setup_log)"
    rm -rf "$staging/npm" && mkdir -p "$staging/npm"
    printf '\n== %s: npm pack %s@%s\n' "$(date -Is)" "$ort_package" "$ort_version" >>"$setup_log"
    (cd "$staging/npm" && npm pack --ignore-scripts --loglevel=warn --cache "$staging/npm/cache" \
      --fetch-retries=3 --fetch-timeout=60000 --fetch-retry-maxtimeout=10000 \
      "$ort_package@$ort_version") </dev/null >>"$setup_log" 2>&1 ||
      die_of_fetch "the npm package $ort_package $ort_version could not be fetched"
    local expected actual
    expected=$(base64 -d <<<"$ort_integrity" | od -An -v -tx1 | tr -d ' \n')
    actual=$(sha512sum "$staging/npm/$ort_package-$ort_version.tgz")
    actual=${actual%% *}
    if [[ $actual != "$expected" ]]; then
      rm -rf "$staging/npm"
      die "the npm package $ort_package $ort_version is not the pinned one: its sha512 is $actual" \
        "expected: $expected" "nothing of it was used; check what your npm registry serves"
    fi
    mv "$staging/npm/$ort_package-$ort_version.tgz" "$package"
    rm -rf "$staging/npm"
  fi
  need_space "$staging" 60 "ONNX Runtime's library" "choose another folder with HEARTH_CACHE_DIR"
  rm -rf "$staging/library" && mkdir -p "$staging/library" "$staging/onnxruntime"
  # --no-same-owner: root would otherwise keep the packager's user.
  tar -xzf "$package" -C "$staging/library" --no-same-owner --strip-components=5 "$member" 2>>"$setup_log" ||
    die "ONNX Runtime's library could not be unpacked in $staging (disk full?)" "details: $setup_log"
  ln -s libonnxruntime.so.1 "$staging/library/libonnxruntime.so"
  rm -rf "$staging/onnxruntime/lib"
  mv -T "$staging/library" "$staging/onnxruntime/lib"
}

# fetch_ort_headers STAGING: from Debian 13 through a package list of our own, which leaves the system's untouched and
# needs no root. apt checks the signature of the list and the checksum of the package.
fetch_ort_headers() {
  local staging=$1 apt=$1/apt
  say "fetching ONNX Runtime's headers (Debian package, 0.1 MB, and a package list of 10 MB)"
  need_space "$staging" 80 "ONNX Runtime's headers" "choose another folder with HEARTH_CACHE_DIR"
  rm -rf "$apt" && mkdir -p "$apt/sources" "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/package"
  : >"$apt/status"
  write_header_sources >"$apt/sources/hearth.sources"
  [[ -s $apt/sources/hearth.sources ]] ||
    die "no Debian package source was found in /etc/apt, so ONNX Runtime's headers cannot be fetched" \
      "set ONNXRUNTIME_ROOT to a folder with lib/libonnxruntime.so and include/onnxruntime_cxx_api.h"
  local -a options=(-q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$apt/sources"
    -o "Dir::State=$apt/state" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache"
    -o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::http::Timeout=30)
  # The private folders belong to this user, so apt's own download user could not write there.
  options+=(-o "APT::Sandbox::User=$(id -un)")
  printf '\n== %s: %s of %s\n' "$(date -Is)" "$ort_header_package" "$ort_header_suite" >>"$setup_log"
  {
    LC_ALL=C apt-get "${options[@]}" update &&
      (cd "$apt/package" && LC_ALL=C apt-get "${options[@]}" download "$ort_header_package") &&
      dpkg-deb -x "$apt"/package/*.deb "$apt/root"
  } </dev/null >>"$setup_log" 2>&1 ||
    die_of_fetch "the headers of ONNX Runtime (Debian 13's package $ort_header_package) could not be fetched"
  local headers
  headers=$(find "$apt/root/usr/include" -name onnxruntime_cxx_api.h -printf '%h\n' | head -n 1)
  [[ -n $headers ]] || die "Debian 13's package $ort_header_package holds no onnxruntime_cxx_api.h" "details: $setup_log"
  mkdir -p "$staging/onnxruntime"
  rm -rf "$staging/onnxruntime/include"
  mv -T "$headers" "$staging/onnxruntime/include"
}

# write_header_sources: this machine's own Debian sources with the suite replaced, in deb822 form. Suites with a suffix
# (-updates, -security, backports) are left out, and so are sources of others.
write_header_sources() {
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [[ -f $keyring ]] || keyring=
  local -a lists=() stanzas=()
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do [[ -f $file ]] && lists+=("$file"); done
  for file in /etc/apt/sources.list.d/*.sources; do [[ -f $file ]] && stanzas+=("$file"); done
  if ((${#lists[@]})); then
    awk -v suite="$ort_header_suite" -v keyring="$keyring" -f "$hearth_root/scripts/lib/sources_from_list.awk" "${lists[@]}"
  fi
  if ((${#stanzas[@]})); then
    # Paragraph mode needs an empty line between files too.
    for file in "${stanzas[@]}"; do
      sed '/^#/d' "$file"
      echo
    done | awk -v suite="$ort_header_suite" -v keyring="$keyring" -f "$hearth_root/scripts/lib/sources_from_deb822.awk"
  fi
}

die_of_fetch() {
  local reason
  reason=$(tail -n 60 "$setup_log" 2>/dev/null | grep -iE '^(E:|npm (err!|error))' | grep -viE 'complete log|fetch_error' |
    tail -n 3 | cut -c 1-200 || true)
  if tail -n 60 "$setup_log" 2>/dev/null | grep -qiE 'ENOSPC|no space left'; then
    set -- "$1 (the disk is full)"
  elif tail -n 60 "$setup_log" 2>/dev/null |
    grep -qiE 'EAI_AGAIN|ENOTFOUND|ECONN|ETIMEDOUT|ENETUNREACH|could not resolve|temporary failure|could not connect'; then
    set -- "$1 (there seems to be no network)"
  fi
  die "$1" ${reason:+"$reason"} "run the same command again once that is mended: it goes on where it stopped" \
    "or set ONNXRUNTIME_ROOT to a folder with lib/libonnxruntime.so and include/onnxruntime_cxx_api.h" \
    "details: $setup_log"
}
