# shellcheck shell=bash
# The npm packages that tests use as independent oracles, installed as tests/npm/package-lock.json pins them. Sourced by
# scripts/setup and by suites that need the folder's name.

# Where the packages of the current lock file are; another lock file gets another folder.
npm_tools_dir() {
  local sum
  sum=$(sha256sum "$hearth_root/tests/npm/package-lock.json")
  printf '%s/npm-%s\n' "$(cache_dir)" "${sum:0:16}"
}

provide_test_tools() {
  local target staging
  target=$(npm_tools_dir)
  if [[ -d $target ]]; then return; fi
  staging=$target.part
  rm -rf "$staging" && mkdir -p "$staging"
  need_space "$staging" 800 "the npm packages that tests compare with" "choose another folder with HEARTH_CACHE_DIR"
  say "installing the npm packages that tests compare with (log: $setup_log)"
  cp "$hearth_root/tests/npm/package.json" "$hearth_root/tests/npm/package-lock.json" "$staging"
  printf '\n== %s: npm ci\n' "$(date -Is)" >>"$setup_log"
  (cd "$staging" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=warn --cache "$staging/npm-cache") \
    </dev/null >>"$setup_log" 2>&1 || {
    rm -rf "$staging"
    die_of_fetch "the npm packages of tests/npm could not be installed"
  }
  rm -rf "$staging/npm-cache"
  mv -T "$staging" "$target"
}
