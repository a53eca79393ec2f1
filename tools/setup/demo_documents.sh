#!/usr/bin/env bash
# demo_documents.sh DIR: the Debian Policy Manual and the Developer's Reference, downloaded and unpacked into DIR; installs nothing.
# (Slim images drop /usr/share/doc, so the packages are not installed but opened.)
set -euo pipefail
target=$1
[ -f "$target/.complete" ] && exit 0
mkdir -p "$target"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
fetch() { timeout --kill-after=10 120 apt-get -q download debian-policy developers-reference; }
fetch || { sleep 3; [ "$(id -u)" != 0 ] || timeout 240 apt-get -q update; fetch; }
for package in *.deb; do dpkg-deb -x "$package" tree; done
copy() {  # copy FROM TO: one manual's chapters, without its search pages and indexes
  mkdir -p "$target/$2"
  find "tree/usr/share/$1/" -maxdepth 1 -name '*.html' ! -name 'genindex*' ! -name 'search*' ! -name 'index.html' \
    ! -name "$2.html" -exec cp {} "$target/$2/" \;
  [ -n "$(ls "$target/$2")" ] || { echo "no pages found in $1" >&2; exit 1; }
}
copy doc/debian-policy/policy.html debian-policy
copy developers-reference developers-reference
touch "$target/.complete"
