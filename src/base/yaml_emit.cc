// Json → YAML that a person likes to read and parse() reads back as an equal value.
#include "base/text.h"
#include "base/yaml.h"

namespace strata::yaml {
namespace {

// Where quotes can be left out: words that are no number, null or truth, and hold nothing that YAML gives a meaning.
bool is_plain(std::string_view text) {
  constexpr std::string_view kInside = " _-./()+%$;'=@!?,<>";
  auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > 200 || !alphanumeric(text.front()) || text.back() == ' ') return false;
  for (char c : text)
    if (!alphanumeric(c) && kInside.find(c) == kInside.npos) return false;
  auto again = parse(text);
  return again && again->value.is_string();
}

// Double quotes, with escapes for what may not stand in a YAML stream or would be folded.
std::string quoted(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out = "\"";
  while (!text.empty()) {
    size_t length = 1;
    uint32_t c = utf8_decode(text, &length);
    if (c == '"' || c == '\\') out += '\\', out += static_cast<char>(c);
    else if (c == '\n') out += "\\n";
    else if (c == '\t') out += "\\t";
    else if (c < 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE || c == 0xFFFF) {
      out += "\\u";
      for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[c >> shift & 15];
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return out + "\"";
}

// A literal block keeps lines as they are; only for text that needs no escape and has no line that a block would change.
bool is_block(std::string_view text) {
  if (text.find('\n') == text.npos || text.front() == ' ' || text.front() == '\n' || text.back() != '\n' || text.ends_with("\n\n")) return false;
  for (unsigned char c : text)
    if ((c < 0x20 && c != '\n') || c >= 0x7F) return false;
  return true;
}

class Writer {
 public:
  explicit Writer(const Comment& comment) : comment_(comment) {}
  std::string take() { return std::move(out_); }

  // Everything after "key:" or "-", with its line's end. `indent` is that of what stands below.
  void value(const Json& json, size_t indent, const std::string& path) {
    const auto* members = json.as_object();
    const auto* items = json.as_array();
    if (members && !members->empty()) return end_line(path), object(*members, indent, path);
    if (items && !items->empty()) return end_line(path), array(*items, indent, path);
    if (auto* text = json.as_string(); text && is_block(*text)) return block(*text, indent, path);
    out_ += ' ' + scalar(json);
    end_line(path);
  }

  void object(const Json::Object& members, size_t indent, const std::string& path) {
    for (auto& [key, member] : members) {
      out_.append(indent, ' ');
      member_at(key, member, indent, path);
    }
  }

  void array(const Json::Array& items, size_t indent, const std::string& path) {
    for (size_t i = 0; i < items.size(); ++i) {
      out_.append(indent, ' ') += '-';
      value(items[i], indent + 2, path + "[" + std::to_string(i) + "]");
    }
  }

  static std::string scalar(const Json& json) {
    if (auto* text = json.as_string()) {
      std::string valid = utf8_repaired(*text);
      return is_plain(valid) ? valid : quoted(valid);
    }
    return json.dump();  // "[]" and "{}" too
  }

 private:
  void member_at(const std::string& key, const Json& member, size_t indent, const std::string& path) {
    out_ += scalar(Json(key)) + ':';
    value(member, indent + 2, path.empty() ? key : path + "." + key);
  }

  void block(const std::string& text, size_t indent, const std::string& path) {
    out_ += " |";
    end_line(path);
    std::string_view rest = text;
    while (!rest.empty()) {
      size_t end = rest.find('\n');
      if (end > 0) out_.append(indent, ' ').append(rest.substr(0, end));
      out_ += '\n';
      rest.remove_prefix(end + 1);
    }
  }

  void end_line(const std::string& path) {
    std::string words = comment_ && !path.empty() ? comment_(path) : "";
    if (!words.empty()) out_ += "  # " + words;
    out_ += '\n';
  }

  const Comment& comment_;
  std::string out_;
};

}  // namespace

std::string dump(const Json& json, const Comment& comment) {
  Writer writer(comment);
  if (json.as_object() && json.size()) writer.object(*json.as_object(), 0, "");
  else if (json.as_array() && json.size()) writer.array(*json.as_array(), 0, "");
  else return Writer::scalar(json) + "\n";
  return writer.take();
}

}  // namespace strata::yaml
