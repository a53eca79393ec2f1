// YAML for what people write by hand (specs, flows, policies): one document → Json, with the place of every node, and back.
//
// A small, strict subset, read with YAML 1.2's core schema: true/false, null (also ~ and nothing), integers (decimal, 0o, 0x), floats;
// everything quoted is a string, and so are yes, no, on, off and dates. Refused, with line and column: anchors, aliases and tags (they
// hide what a reader sees, and can grow without bound), repeated keys, keys that are no scalars, a second document, integers over 64
// bits, .inf and .nan (JSON has none), invalid UTF-8, and what exceeds Limits. JSON is accepted as the YAML that it nearly is.
//
// The library under it is libyaml's event parser; yaml.cc is the only file that includes it. THREADS: safe, no state.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace strata::yaml {

// What parse() accepts at most. UNITS: bytes, levels, nodes (scalars, lists and mappings).
struct Limits {
  size_t bytes = 1u << 20;
  int depth = 32;
  size_t nodes = 100'000;
};

// Where a node stands, from 1; and where its members or items do, in the same order as in the Json beside it.
struct Place {
  int line = 0, column = 0;          // of the value (of the key, where a value is empty)
  int key_line = 0, key_column = 0;  // of a member's key; 0 for others
  std::vector<Place> items;
};

struct Document {
  Json value;
  Place place;
  // The place of "personas.developer.key_frustrations[1]"; of its nearest parent where it is absent.
  const Place& at(std::string_view path) const;
};

// kInvalidArgument: "line 3, column 7: expected …, got …".
Result<Document> parse(std::string_view text, const Limits& limits);
inline Result<Document> parse(std::string_view text) { return parse(text, Limits{}); }

// Block style, two spaces; reads back as an equal value. `comment` gives the words after "# " behind a member, by its path ("" for
// none). Invalid UTF-8 becomes U+FFFD.
using Comment = std::function<std::string(std::string_view path)>;
std::string dump(const Json& value, const Comment& comment = nullptr);

}  // namespace strata::yaml
