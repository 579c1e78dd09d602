# shellcheck shell=bash
# npm packages that Hearth is compared with, installed as a lock file here pins them: those of tests/npm are the tests'
# independent oracles, those of bench/peers/npm are measured beside Hearth. Sourced by scripts/setup and by what needs the
# folders' names.

# npm_folder PREFIX LOCK_FOLDER: where the packages of the current lock file are; another lock file gets another folder.
npm_folder() {
  local sum
  sum=$(sha256sum "$hearth_root/$2/package-lock.json")
  printf '%s/%s-%s\n' "$(cache_dir)" "$1" "${sum:0:16}"
}

npm_tools_dir() { npm_folder npm tests/npm; }
npm_peers_dir() { npm_folder npm-peers bench/peers/npm; }

provide_test_tools() {
  install_npm_packages "$(npm_tools_dir)" tests/npm 800 "the npm packages that tests compare with"
}

# The lock file lists no optional packages: those of node-llama-cpp are llama.cpp for other processors and graphics cards.
provide_peers() {
  install_npm_packages "$(npm_peers_dir)" bench/peers/npm 500 "the npm packages that Hearth is measured beside"
}

# install_npm_packages TARGET LOCK_FOLDER MEGABYTES WHAT [NPM_OPTION...]
install_npm_packages() {
  local target=$1 lock=$2 megabytes=$3 what=$4 staging=$1.part
  shift 4
  if [[ -d $target ]]; then return; fi
  rm -rf "$staging" && mkdir -p "$staging"
  need_space "$staging" "$megabytes" "$what" "choose another folder with HEARTH_CACHE_DIR"
  say "installing $what (log: $setup_log)"
  cp "$hearth_root/$lock/package.json" "$hearth_root/$lock/package-lock.json" "$staging"
  printf '\n== %s: npm ci\n' "$(date -Is)" >>"$setup_log"
  (cd "$staging" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=warn --cache "$staging/npm-cache" "$@") \
    </dev/null >>"$setup_log" 2>&1 || {
    rm -rf "$staging"
    die_of_fetch "the npm packages of $lock could not be installed"
  }
  rm -rf "$staging/npm-cache"
  mv -T "$staging" "$target"
}
