// The web app's files, embedded at build time (tools/embed_bundle.py).
#pragma once

#include <string_view>

namespace strata::app {

struct BundleFile {
  std::string_view path;    // "assets/index-abc.js"
  std::string_view bytes;
};
const BundleFile* find_bundle_file(std::string_view path);  // nullptr where there is none

}  // namespace strata::app
