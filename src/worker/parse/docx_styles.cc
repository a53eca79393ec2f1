#include "worker/parse/docx_styles.h"

#include <algorithm>

#include "base/text.h"

namespace strata::worker {
namespace {

constexpr int kLevels = 9;  // Word has nine of each

int number(pugi::xml_node node, int otherwise) { return node ? node.attribute("w:val").as_int(otherwise) : otherwise; }

std::string letters(int n) {
  if (n < 1 || n > 26 * 27) return std::to_string(n);
  const std::string one(1, static_cast<char>('a' + (n - 1) % 26));
  return n > 26 ? std::string(1, static_cast<char>('a' + (n - 1) / 26 - 1)) + one : one;
}
std::string roman(int n) {
  if (n < 1 || n > 3999) return std::to_string(n);
  std::string out;
  for (const auto& [value, digits] : {std::pair<int, const char*>{1000, "m"},
                                      {900, "cm"},
                                      {500, "d"},
                                      {400, "cd"},
                                      {100, "c"},
                                      {90, "xc"},
                                      {50, "l"},
                                      {40, "xl"},
                                      {10, "x"},
                                      {9, "ix"},
                                      {5, "v"},
                                      {4, "iv"},
                                      {1, "i"}}) {
    for (; n >= value; n -= value) out += digits;
  }
  return out;
}
std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}
std::string written(int n, const std::string& format) {
  if (format == "lowerLetter") return letters(n);
  if (format == "upperLetter") return upper(letters(n));
  if (format == "lowerRoman") return roman(n);
  if (format == "upperRoman") return upper(roman(n));
  return std::to_string(n);
}

}  // namespace

void DocxStyles::read(pugi::xml_node styles) {
  for (const pugi::xml_node style : styles.children("w:style")) {
    if (std::string_view(style.attribute("w:type").value()) != "paragraph") continue;
    Entry entry;
    entry.name = ascii_lower(style.child("w:name").attribute("w:val").value());
    entry.based_on = style.child("w:basedOn").attribute("w:val").value();
    const pugi::xml_node paragraph = style.child("w:pPr");
    entry.outline = number(paragraph.child("w:outlineLvl"), -1);
    const pugi::xml_node list = paragraph.child("w:numPr");
    entry.number_id = number(list.child("w:numId"), -1);
    entry.number_level = number(list.child("w:ilvl"), -1);
    const std::string id = style.attribute("w:styleId").value();
    if (style.attribute("w:default").as_bool()) default_id_ = id;
    entries_[id] = std::move(entry);
  }
}

DocxStyle DocxStyles::find(const std::string& id) const {
  DocxStyle out;
  int outline = -1, number_level = -1;
  std::string at = id;
  // Names such as "heading 2" are the same in every language's Word; others carry an outline level.
  for (int steps = 0; steps < 12; ++steps) {
    const auto found = entries_.find(at);
    const std::string name = found != entries_.end() ? found->second.name : ascii_lower(at);
    if (out.role == DocxStyle::Role::kBody && outline < 0) {
      const bool heading = name.starts_with("heading ") || (found == entries_.end() && name.starts_with("heading"));
      const int level = heading ? std::atoi(name.c_str() + 7) : 0;
      if (level >= 1 && level <= kLevels) out.role = DocxStyle::Role::kHeading, out.level = level;
      else if (name == "title") out.role = DocxStyle::Role::kTitle;
      else if (name.find("preformatted") != name.npos || name == "macro text" || name == "source code" || name == "code" || name == "plain text")
        out.role = DocxStyle::Role::kCode;
      else if (name == "quote" || name == "intense quote" || name == "block text" || name == "quotations") out.role = DocxStyle::Role::kQuote;
    }
    if (found == entries_.end()) break;
    if (outline < 0) outline = found->second.outline;
    if (out.number_id < 0) out.number_id = found->second.number_id;
    if (number_level < 0) number_level = found->second.number_level;
    at = found->second.based_on;
    if (at.empty()) break;
  }
  if (out.role == DocxStyle::Role::kBody && outline >= 0 && outline < kLevels) out.role = DocxStyle::Role::kHeading, out.level = outline + 1;
  out.number_level = std::max(0, number_level);
  return out;
}

void DocxNumbering::read(pugi::xml_node numbering) {
  for (const pugi::xml_node list : numbering.children("w:abstractNum")) {
    std::vector<Level>& levels = lists_[list.attribute("w:abstractNumId").as_int()];
    levels.assign(kLevels, {});
    for (const pugi::xml_node level : list.children("w:lvl")) {
      const int at = level.attribute("w:ilvl").as_int();
      if (at < 0 || at >= kLevels) continue;
      levels[static_cast<size_t>(at)] = {level.child("w:numFmt").attribute("w:val").as_string("decimal"), level.child("w:lvlText").attribute("w:val").value(),
                                         number(level.child("w:start"), 1)};
    }
  }
  for (const pugi::xml_node entry : numbering.children("w:num")) {
    abstract_of_[entry.attribute("w:numId").as_int()] = entry.child("w:abstractNumId").attribute("w:val").as_int();
  }
}

std::string DocxNumbering::next_mark(int id, int level) {
  level = std::clamp(level, 0, kLevels - 1);
  const std::string indent(static_cast<size_t>(2 * level), ' ');
  const auto abstract = abstract_of_.find(id);
  if (abstract == abstract_of_.end() || !lists_.contains(abstract->second)) return indent + "- ";
  const std::vector<Level>& levels = lists_[abstract->second];
  std::vector<int>& counters = counters_[abstract->second];
  if (counters.empty()) {
    for (const Level& one : levels) counters.push_back(one.start - 1);
  }
  const auto here = static_cast<size_t>(level);
  if (counters[here] < 1'000'000) ++counters[here];
  for (size_t deeper = here + 1; deeper < counters.size(); ++deeper) counters[deeper] = levels[deeper].start - 1;
  if (levels[here].format == "bullet") return indent + "- ";
  if (levels[here].format == "none" || levels[here].text.empty()) return "";
  std::string mark;
  const std::string& text = levels[here].text;  // "%1.%2."
  for (size_t i = 0; i < text.size() && i < 60; ++i) {
    const int digit = text[i] == '%' && i + 1 < text.size() ? text[i + 1] - '1' : -1;
    if (digit < 0 || digit >= kLevels) {
      mark += text[i];
      continue;
    }
    const auto part = static_cast<size_t>(digit);
    mark += written(std::max(counters[part], levels[part].start), levels[part].format);
    ++i;
  }
  return indent + mark + " ";
}

}  // namespace strata::worker
