// An Office file: a zip of XML parts. Bounded against zip bombs: entries, bytes in all, and growth.
#pragma once

#include <memory>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "base/status.h"

namespace strata::worker {

class Package {
 public:
  // `bytes` must outlive it.
  static Result<std::unique_ptr<Package>> open(std::string_view bytes);
  virtual ~Package() = default;
  // The XML of a part ("word/document.xml"); kNotFound where there is none. The views of the tree live as long as the result.
  virtual Result<std::unique_ptr<pugi::xml_document>> xml(const std::string& part) = 0;
  // The part that `from` (or "" for the package) relates to by a type that ends with `type` ("/styles"); empty where there is none.
  virtual std::string related(const std::string& from, std::string_view type) = 0;
};

}  // namespace strata::worker
