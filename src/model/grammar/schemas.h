// JSON schemas as they stand to each other: references followed, parts put together, alternatives told apart. Inside model/grammar only.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace strata::grammar {

inline constexpr int kSchemaDepthMost = 64;
// Of following references, putting parts together and telling alternatives apart: values copied and pairs compared, some tenths of a second.
inline constexpr size_t kSchemaWorkMost = 5'000'000;

bool is_enforced(std::string_view keyword);
// Whether it says something about what is valid, beside one keyword.
bool asserts(const Json& schema, std::string_view except);
std::vector<std::string> types_in(const Json& type);       // of a name or a list of names
std::span<const Json> values_of(const Json& schema);       // that const or enum list; of that schema

// `path`: where a schema stands, for errors. OWNS: nothing; root and work outlive it.
class Schemas {
 public:
  // `work`: what was spent so far, shared by the schemas of one grammar.
  Schemas(const Json& root, std::string where, size_t& work) : root_(root), where_(std::move(where)), work_(work) {}

  const Json& root() const { return root_; }
  const std::string& where() const { return where_; }
  Error error(const std::string& path, const std::string& what) const;
  Result<const Json*> resolve(const std::string& reference, const std::string& path) const;
  // The same without $ref and allOf of its own.
  Result<Json> flat(const Json& schema, const std::string& path, int depth) const;
  // A schema that asks for what both ask for.
  Result<Json> merge(const Json& a, const Json& b, const std::string& path) const;
  // Whether nothing that we write for one is valid for the other.
  Result<bool> disjoint(const Json& a, const Json& b, const std::string& path) const;
  // Counts work; an error once there was too much of it.
  Status spend(size_t work, const std::string& path) const;

 private:
  Result<Json> merge_keyword(const std::string& key, const Json& a, const Json& b, const std::string& path) const;

  const Json& root_;
  const std::string where_;
  size_t& work_;
};

// Values in it, itself among them; and its bytes, about as it is written.
size_t values_in(const Json& json);
size_t bytes_of(const Json& json);

}  // namespace strata::grammar
