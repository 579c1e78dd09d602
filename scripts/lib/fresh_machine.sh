# shellcheck shell=bash
# Makes the fresh machine of scripts/prove-fresh-machine and runs commands in it. Sourced.
# Uses: quick, machine (its root folder), logs. Sets: user_home, clone (paths inside the machine).

# Variables through which a machine reaches its package sources; carried over, so that the chroot reaches them too.
carried_variables=(http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY NODE_EXTRA_CA_CERTS SSL_CERT_FILE
  SSL_CERT_DIR)

prepare_chroot() {
  local mirror
  say "making a minimal Debian 12 in $machine"
  if [[ ! -f $machine/etc/debian_version ]]; then
    mirror=$(machine_mirror)
    debootstrap --variant=minbase bookworm "$machine" "$mirror" >"$logs/debootstrap.log" 2>&1 </dev/null ||
      die "debootstrap failed" "details: $logs/debootstrap.log"
  fi
  carry_configuration
  # This machine is thrown away: no need to wait for its disk after each package.
  echo force-unsafe-io >"$machine/etc/dpkg/dpkg.cfg.d/hearth-proof"
  mount -t proc proc "$machine/proc"
  mount --rbind /sys "$machine/sys"
  mount -t tmpfs -o mode=1777 tmpfs "$machine/dev/shm"
  mkdir -p "$machine/dev/pts"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$machine/dev/pts"
  ln -sf pts/ptmx "$machine/dev/ptmx"
  chroot "$machine" useradd --create-home --shell /bin/bash someone
  user_home=/home/someone
  clone=$user_home/hearth
  clone_head "$machine$clone"
  write_npm_configuration "$machine$user_home/.npmrc"
  chroot "$machine" chown -R someone:someone "$user_home"
}

# The first of this machine's own mirrors that carries whole Debian releases.
machine_mirror() {
  # shellcheck source=scripts/lib/onnxruntime.sh
  (source "$hearth_root/scripts/lib/onnxruntime.sh" && write_header_sources) | sed -n 's/^URIs: *\([^ ]*\).*/\1/p' | head -n 1
}

# Package sources, certificates and name resolution as this machine has them.
carry_configuration() {
  local file
  rm -f "$machine/etc/apt/sources.list"
  for file in sources.list sources.list.d trusted.gpg.d auth.conf.d keyrings; do
    if [[ -e /etc/apt/$file ]]; then cp -a "/etc/apt/$file" "$machine/etc/apt/"; fi
  done
  # How to reach sources, not what else this machine's packages hooked into apt.
  for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
    if [[ -f $file ]] && grep -qE '^Acquire::' "$file"; then cp "$file" "$machine/etc/apt/apt.conf.d/"; fi
  done
  cp -an /usr/share/keyrings/. "$machine/usr/share/keyrings/"
  mkdir -p "$machine/usr/local/share/ca-certificates" "$machine/etc/ssl/certs"
  cp -a /usr/local/share/ca-certificates/. "$machine/usr/local/share/ca-certificates/" 2>/dev/null || true
  cp -L /etc/ssl/certs/ca-certificates.crt "$machine/etc/ssl/certs/" 2>/dev/null || true
  cp -L /etc/resolv.conf /etc/hosts "$machine/etc/"
}

# Whatever npm reads here, in one file there.
write_npm_configuration() {
  local file
  for file in "$(npm config get globalconfig 2>/dev/null)" "$(npm config get userconfig 2>/dev/null)"; do
    if [[ -f $file ]]; then cat "$file" && echo; fi
  done | grep -vE '^(nodedir|prefix|cache)=' >"$1" || true
  chmod 600 "$1"
}

clone_head() {
  git clone --quiet --depth 1 "file://$hearth_root" "$1" ||
    die "HEAD could not be cloned" "commit first: the proof runs on what is committed"
}

# --quick: no chroot; a clone and a home folder of its own on this machine.
prepare_here() {
  user_home=$machine/home
  clone=$user_home/hearth
  mkdir -p "$user_home"
  clone_head "$clone"
  write_npm_configuration "$user_home/.npmrc"
}

# as_user COMMAND...: in the machine, in the clone, with a fresh environment, without rights.
# as_root COMMAND...: the same as root. Options before the command, for both: --offline (no network at all).
as_user() { in_machine someone "$user_home" "$@"; }
as_root() { in_machine root /root "$@"; }

in_machine() {
  local user=$1 home=$2 name
  shift 2
  local -a prefix=() environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8)
  if [[ $1 == --offline ]]; then
    prefix=(unshare --net)
    shift
  fi
  for name in "${carried_variables[@]}" "${!npm_config_@}"; do
    if [[ -n ${!name:-} ]]; then environment+=("$name=${!name}"); fi
  done
  if [[ -n $quick ]]; then
    "${prefix[@]}" env -i --chdir="$clone" "${environment[@]}" HOME="$user_home" "$@"
  else
    "${prefix[@]}" chroot --userspec="$user:$user" "$machine" env -i --chdir="$clone" "${environment[@]}" HOME="$home" \
      USER="$user" "$@"
  fi
}

# Inside paths as seen from outside.
outside() { if [[ -n $quick ]]; then printf '%s\n' "$1"; else printf '%s\n' "$machine$1"; fi; }
