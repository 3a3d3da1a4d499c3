#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what building and testing needs on Debian 12: Debian packages, then the npm packages of
# package-lock.json. Asks nothing; does nothing, and quickly, when all is there. Needs root or sudo
# only when a Debian package is missing.
#
# usage: scripts/setup.sh [--quiet]    --quiet: say nothing when there is nothing to do
set -euo pipefail
cd "$(dirname "$0")/.."

quiet=no
[ "${1:-}" = --quiet ] && quiet=yes

say() {
    printf 'setup: %s\n' "$*"
}

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

packages=(
    # the compiler and the build
    build-essential meson ninja-build pkg-config python3
    # libraries
    libuv1-dev libhttp-parser-dev libwslay-dev libsqlite3-dev libsecp256k1-dev nettle-dev
    libjansson-dev libyaml-dev libcurl4-openssl-dev libssl-dev libseccomp-dev
    libbrotli-dev
    # tests, fuzzing, checks
    chromium fonts-dejavu-core
    libcmocka-dev clang libclang-rt-14-dev clang-format clang-tidy llvm cppcheck sqlite3 git spin
    # npm over HTTPS
    ca-certificates
)

# Node.js may also come from elsewhere than Debian, with npm inside its package.
command -v node >/dev/null || packages+=(nodejs)
command -v npm >/dev/null || packages+=(npm)

missing_packages() {
    # The db:Status-Abbrev of what is installed is "ii "; unknown names go to stderr.
    local installed
    installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "${packages[@]}" 2>/dev/null |
        sed -n 's/^ii //p' || true)
    printf '%s\n' "${packages[@]}" | grep -vxF -e "${installed:-none}" || true
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    elif command -v sudo >/dev/null; then
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@" ||
            fail "sudo asks for a password or refuses; run 'make setup' as root"
    else
        fail "Debian packages are missing (${missing[*]}); run 'make setup' as root"
    fi
}

apt_install() {
    as_root apt-get install -y -q --no-install-recommends \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "${missing[@]}" </dev/null
}

install_debian() {
    command -v dpkg-query >/dev/null || fail "this is not Debian: install by hand: ${packages[*]}"
    mapfile -t missing < <(missing_packages)
    [ "${#missing[@]}" -eq 0 ] && return
    say "installing ${missing[*]}"
    # The package lists may be absent or old: only then fetch them.
    if ! apt_install; then
        as_root apt-get update -q -o Acquire::Retries=3 </dev/null
        apt_install || fail "apt-get could not install ${missing[*]}"
    fi
    mapfile -t missing < <(missing_packages)
    [ "${#missing[@]}" -eq 0 ] || fail "still missing after apt-get: ${missing[*]}"
}

# What node_modules was made from: the lock file on this machine's platform.
npm_stamp() {
    sha256sum package.json package-lock.json
    uname -sm
}

install_npm() {
    local stamp=node_modules/.tenseq-setup
    if [ "$(cat $stamp 2>/dev/null)" != "$(npm_stamp)" ]; then
        say "installing the npm packages of package-lock.json"
        # Debian 12 has Node.js 18 and the packages say 20; they hold native programs that run
        # without Node.js, so npm's warning about it says nothing here.
        # What this machine trusts, npm trusts too: a company's proxy may have its own authority.
        NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt} \
            npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null ||
            fail "npm ci failed"
        npm_stamp >$stamp
    fi
    for tool in anvil cast forge; do
        scripts/foundry.sh "$tool" >/dev/null
    done
}

install_promtool() {
    [ -x .cache/promtool/promtool ] || command -v promtool >/dev/null && return
    say "fetching promtool"
    scripts/promtool.sh >/dev/null 2>&1 && return
    as_root apt-get update -q -o Acquire::Retries=3 </dev/null # the lists may be absent or old
    scripts/promtool.sh >/dev/null || fail "promtool could not be fetched"
}

install_debian
install_npm
install_promtool
[ $quiet = yes ] || say "everything is there"
