// JSON schemas as they stand to each other: references followed, parts put together, alternatives told apart. Inside model/grammar only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace strata::grammar {

inline constexpr int kSchemaDepthMost = 64;

bool is_enforced(std::string_view keyword);
// Whether it says something about what is valid, beside one keyword.
bool asserts(const Json& schema, std::string_view except);
std::vector<std::string> types_in(const Json& type);       // of a name or a list of names
std::vector<Json> values_of(const Json& schema);           // that const or enum list

// `path`: where a schema stands, for errors. OWNS: nothing; the root outlives it.
class Schemas {
 public:
  Schemas(const Json& root, std::string where) : root_(root), where_(std::move(where)) {}

  const Json& root() const { return root_; }
  const std::string& where() const { return where_; }
  Error error(const std::string& path, const std::string& what) const;
  Result<const Json*> resolve(const std::string& reference, const std::string& path) const;
  // The same without $ref and allOf of its own.
  Result<Json> flat(const Json& schema, const std::string& path, int depth) const;
  // A schema that asks for what both ask for.
  Result<Json> merge(const Json& a, const Json& b, const std::string& path) const;

 private:
  Result<Json> merge_keyword(const std::string& key, const Json& a, const Json& b, const std::string& path) const;

  const Json& root_;
  const std::string where_;
};

// Whether nothing that we write for one is valid for the other.
bool disjoint(const Json& a, const Json& b);

}  // namespace strata::grammar
