#!/usr/bin/env python3
"""embed_bundle.py DIST OUT.cc [HEADER NAMESPACE TYPE LIST]: writes a C++ file that embeds every file below DIST (none where DIST is absent)
by .incbin. Without the last four: the web app's find_bundle_file. With them: a function LIST of NAMESPACE that gives all files as a vector
of TYPE {path, bytes}."""
import pathlib
import sys

dist, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
header, namespace, kind, list_name = sys.argv[3:7] if len(sys.argv) > 3 else ("app/bundle.h", "strata::app", "BundleFile", "")
symbol = "strata_" + (list_name or "bundle")
files = sorted(p for p in dist.rglob("*") if p.is_file() and not p.name.startswith(".")) if dist.is_dir() else []
lines = [f'#include "{header}"', "", "namespace {"]
for i, path in enumerate(files):
    lines.append(f'asm(".section .rodata\\n.global {symbol}_{i}\\n{symbol}_{i}:\\n.incbin \\"{path.resolve()}\\"\\n'
                 f'.global {symbol}_{i}_end\\n{symbol}_{i}_end:\\n.byte 0\\n.previous\\n");')
lines.append("}  // namespace")
lines.append('extern "C" {')
for i in range(len(files)):
    lines.append(f"extern const char {symbol}_{i}[], {symbol}_{i}_end[];")
entries = [f'{{"{path.relative_to(dist).as_posix()}", {{{symbol}_{i}, static_cast<size_t>({symbol}_{i}_end - {symbol}_{i})}}}},'
           for i, path in enumerate(files)]
lines += ["}", "", f"namespace {namespace} {{", ""]
if list_name:
    lines += [f"const std::vector<{kind}>& {list_name}() {{", f"  static const std::vector<{kind}> files = {{"]
    lines += [f"      {entry}" for entry in entries]
    lines += ["  };", "  return files;", "}"]
else:
    lines += ["const BundleFile* find_bundle_file(std::string_view path) {", "  static const BundleFile files[] = {"]
    lines += [f"      {entry}" for entry in entries or ["{},"]]
    lines += ["  };",
              "  for (const BundleFile& file : files)",
              "    if (!file.path.empty() && file.path == path) return &file;",
              "  return nullptr;", "}"]
lines += ["", f"}}  // namespace {namespace}", ""]
text = "\n".join(lines)
if not out.exists() or out.read_text() != text:
    out.write_text(text)
