#!/usr/bin/env bash
# fuzz.sh BUILD_DIR SECONDS: runs every *_fuzz program of BUILD_DIR for SECONDS each; a crash, leak or time-out fails.
set -euo pipefail
build=$1 seconds=$2 count=0
while read -r target; do
  name=$(basename "$target")
  corpus=$build/corpus/$name
  mkdir -p "$corpus"
  seeds=tests/fixtures/fuzz/$name
  begin=$SECONDS
  # Its own words are shown only where it finds something.
  "$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=65536 -verbosity=0 -print_final_stats=0 \
    -artifact_prefix="$build/" "$corpus" $([ -d "$seeds" ] && echo "$seeds") >"$build/$name.log" 2>&1 ||
    { tail -n 40 "$build/$name.log"; echo "$name: failed"; exit 1; }
  echo "$name: nothing found in $((SECONDS - begin)) s"
  count=$((count + 1))
done < <(find "$build" -type f -name '*_fuzz' -executable | sort)
[ "$count" -gt 0 ] || { echo "no fuzz targets in $build" >&2; exit 1; }
echo "$count fuzz targets"
