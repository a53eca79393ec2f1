// The values of a running template. Strings carry, byte by byte, whether they came from outside the template.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace strata::templates {

// Lists of lists of …: deeper than any message nests, and shallow enough to walk by recursion.
inline constexpr int kValueDepthMax = 80;

// Bytes with their marks. `mask` is as long as `text` ('\1' marked) or empty, and then `marked` holds for all of it.
class Text {
 public:
  Text() = default;
  Text(std::string text, bool marked = false) : text_(std::move(text)), marked_(marked) {}
  const std::string& str() const { return text_; }
  size_t size() const { return text_.size(); }
  bool marked_at(size_t at) const { return mask_.empty() ? marked_ : mask_[at] != 0; }
  bool any_marked() const { return mask_.empty() ? marked_ && !text_.empty() : mask_.find('\1') != std::string::npos; }
  Text substr(size_t begin, size_t end) const;  // bytes [begin, end)
  void append(const Text& other);
  void append(std::string_view text, bool marked);
  // The same marks on changed bytes. REQUIRES: as many bytes.
  Text with_bytes(std::string text) const;

 private:
  void spread();
  std::string text_, mask_;
  bool marked_ = false;
};

struct Undefined {
  std::string name;
};
struct None {};
struct List;
struct Dict;
struct Namespace;
struct MacroNode;
enum class Builtin { kRange, kNamespace, kDict, kRaiseException, kStrftimeNow };

using Value = std::variant<Undefined, None, bool, int64_t, double, std::shared_ptr<const Text>, std::shared_ptr<const List>, std::shared_ptr<const Dict>,
                           std::shared_ptr<Namespace>, const MacroNode*, Builtin>;

struct List {
  std::vector<Value> items;
  int depth = 1;
  bool tuple = false;
};
struct Dict {
  std::vector<std::pair<Value, Value>> items;  // in order of insertion
  int depth = 1;
};
struct Namespace {
  std::vector<std::pair<std::string, Value>> items;
};

Value make_string(Text text);
Value make_string(std::string text);
// Error where the nesting passes kValueDepthMax.
Result<Value> make_list(std::vector<Value> items, bool tuple = false);
Result<Value> make_dict(std::vector<std::pair<Value, Value>> items);
Result<Value> value_of(const Json& json, bool marked);

const Text* as_text(const Value& value);  // nullptr where it is no string
const List* as_list(const Value& value);
const Dict* as_dict(const Value& value);
bool is_undefined(const Value& value);
bool is_none(const Value& value);
bool is_number(const Value& value);       // bools too, as in Python
double number_of(const Value& value);     // REQUIRES: is_number
std::string_view type_name(const Value& value);

bool truthy(const Value& value);
bool equal(const Value& a, const Value& b);
Result<int> compare(const Value& a, const Value& b);   // -1, 0, 1; error for types without an order
const Value* dict_find(const Dict& dict, const Value& key);
const Value* dict_find(const Dict& dict, std::string_view key);

// Python's str() and repr().
Text text_of(const Value& value);
Text repr_of(const Value& value);
std::string float_repr(double value);

struct JsonStyle {
  int indent = -1;                 // -1: one line, ", " and ": "
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::string item_separator, key_separator;  // empty: Python's defaults
};
// json.dumps(). Error for what JSON cannot hold.
Result<Text> json_of(const Value& value, const JsonStyle& style);

// Python's str.isspace() of one code point.
bool is_space(uint32_t code_point);

}  // namespace strata::templates
