#!/usr/bin/env python3
"""embed_bundle.py DIST OUT.cc: writes a C++ file that embeds every file below DIST (none where DIST is absent) by .incbin."""
import pathlib
import sys

dist, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
files = sorted(p for p in dist.rglob("*") if p.is_file() and not p.name.startswith(".")) if dist.is_dir() else []
lines = ['#include "app/bundle.h"', "", "namespace {"]
for i, path in enumerate(files):
    lines.append(f'asm(".section .rodata\\n.global strata_bundle_{i}\\nstrata_bundle_{i}:\\n.incbin \\"{path.resolve()}\\"\\n'
                 f'.global strata_bundle_{i}_end\\nstrata_bundle_{i}_end:\\n.byte 0\\n.previous\\n");')
lines.append("}  // namespace")
lines.append('extern "C" {')
for i in range(len(files)):
    lines.append(f"extern const char strata_bundle_{i}[], strata_bundle_{i}_end[];")
lines += ["}", "", "namespace strata::app {", "", "const BundleFile* find_bundle_file(std::string_view path) {"]
lines.append("  static const BundleFile files[] = {")
for i, path in enumerate(files):
    size = f"static_cast<size_t>(strata_bundle_{i}_end - strata_bundle_{i})"
    lines.append(f'      {{"{path.relative_to(dist).as_posix()}", {{strata_bundle_{i}, {size}}}}},')
if not files:
    lines.append("      {},")
lines += ["  };",
          "  for (const BundleFile& file : files)",
          "    if (!file.path.empty() && file.path == path) return &file;",
          "  return nullptr;", "}", "", "}  // namespace strata::app", ""]
text = "\n".join(lines)
if not out.exists() or out.read_text() != text:
    out.write_text(text)
