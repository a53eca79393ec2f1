// A draft → a report whose sources were looked up and whose sentences were held to them.
#include <algorithm>

#include "base/text.h"
#include "knowledge/chunk/chunk.h"
#include "knowledge/cite/cite.h"
#include "knowledge/ground/ground.h"

namespace strata::cite {
namespace {

constexpr size_t kNormalizedMost = 8u << 20;   // UNITS: bytes; longer texts are searched byte by byte as they are
constexpr size_t kAroundBytes = 1'500;         // on both sides of a quote, looked at for the sentences that it touches

// Quotation marks and dashes of every kind, and spaces, become the plain ones; white space becomes one space.
struct Plain {
  std::string text;
  std::vector<uint32_t> from;                  // SHAPE: one per byte of text: its byte in the original
  uint32_t end = 0;
};
char plain_of(uint32_t code) {
  switch (code) {
    case 0x2018:
    case 0x2019:
    case 0x201A:
    case 0x2032:
    case '`': return '\'';
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0x2033:
    case 0xAB:
    case 0xBB: return '"';
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2212: return '-';
    case 0xA0:
    case 0x2009:
    case 0x202F:
    case '\n':
    case '\t':
    case '\r':
    case ' ': return ' ';
    default: return 0;
  }
}
Plain plain(std::string_view text) {
  Plain out;
  for (size_t at = 0; at < text.size();) {
    size_t length = 1;
    const char simple = plain_of(utf8_decode(text.substr(at), &length));
    const bool repeated_space = simple == ' ' && (out.text.empty() || out.text.back() == ' ');
    if (simple != 0 && !repeated_space) {
      out.text += simple;
      out.from.push_back(static_cast<uint32_t>(at));
    } else if (simple == 0) {
      for (size_t i = 0; i < length; ++i) {
        out.text += text[at + i];
        out.from.push_back(static_cast<uint32_t>(at + i));
      }
    }
    at += length;
  }
  out.end = static_cast<uint32_t>(text.size());
  return out;
}

// Without what people put around a quote.
std::string_view bare(std::string_view quote) {
  for (bool again = true; again;) {
    again = false;
    quote = trim(quote);
    for (std::string_view mark : {"\"", "“", "”", "…", "..."}) {
      if (quote.starts_with(mark)) quote.remove_prefix(mark.size()), again = true;
      if (quote.ends_with(mark)) quote.remove_suffix(mark.size()), again = true;
    }
  }
  return quote;
}

std::string sentences_around(const std::string& text, document::Range at) {
  size_t begin = at.begin > kAroundBytes ? at.begin - kAroundBytes : 0;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  size_t end = std::min<size_t>(text.size(), at.end + kAroundBytes);
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  const std::string_view window = std::string_view(text).substr(begin, end - begin);
  size_t from = at.begin - begin, to = at.end - begin;
  for (const document::Range& one : chunk::sentences(window)) {
    if (one.end <= at.begin - begin || one.begin >= at.end - begin) continue;
    from = std::min<size_t>(from, one.begin);
    to = std::max<size_t>(to, one.end);
  }
  return std::string(window.substr(from, to - from));
}

Result<CheckedSource> look_up(const Context& context, Shelf& shelf, const Source& source, const std::vector<std::string>& stores) {
  CheckedSource out;
  out.given = source;
  auto found = shelf.find(context, source.document, stores);
  if (!found && found.error().code != Code::kNotFound) return found.error();
  if (!found) {
    out.problem = found.error().message;
    return out;
  }
  out.title = found->title.empty() ? found->filename : found->title;
  out.document_id = found->document_id;
  out.file_id = found->file_id;
  out.filename = found->filename;
  out.url = found->url;
  if (found->ours) {
    out.problem = "a report that was written here is no source";
  } else if (bare(source.quote).size() < kQuoteBytesLeast) {
    out.problem = "the quote is too short to say anything: at least " + std::to_string(kQuoteBytesLeast) + " bytes";
  } else {
    out.at = find_quote(found->text, source.quote);
    if (out.at == document::Range{}) out.problem = "the quote does not stand in '" + out.filename + "': copy it word for word";
    else out.around = sentences_around(found->text, out.at);
  }
  return out;
}

// "[1]", "[1, 2]" at the beginning of `text`: its length, and the numbers; 0 where there is none.
size_t mark_at(std::string_view text, std::vector<int>& numbers) {
  if (text.empty() || text[0] != '[') return 0;
  const size_t close = text.find(']');
  if (close == text.npos || close < 2 || close > 40) return 0;
  std::vector<int> found;
  for (std::string_view part : split(text.substr(1, close - 1), ',')) {
    part = trim(part);
    if (part.empty() || part.size() > 3 || !std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; })) return 0;
    found.push_back(std::stoi(std::string(part)));
  }
  numbers.insert(numbers.end(), found.begin(), found.end());
  return close + 1;
}

Sentence sentence_of(std::string_view text) {
  Sentence out;
  for (size_t at = 0; at < text.size();) {
    const size_t mark = mark_at(text.substr(at), out.cites);
    if (mark > 0) {
      while (!out.text.empty() && out.text.back() == ' ') out.text.pop_back();
      at += mark;
    } else {
      out.text += text[at++];
    }
  }
  out.text = std::string(trim(out.text));
  return out;
}

Line line_of(std::string_view text) {
  Line out;
  while (!text.empty() && text.front() == '#') text.remove_prefix(1);
  text = trim(text);
  for (std::string_view item : {"- ", "* ", "• "}) {
    if (!out.item && text.starts_with(item)) {
      out.item = true;
      text = trim(text.substr(item.size()));
    }
  }
  for (const document::Range& at : chunk::sentences(text)) {
    std::string_view one = text.substr(at.begin, at.end - at.begin);
    // Marks after the full stop belong to the sentence before.
    while (!out.sentences.empty()) {
      const size_t mark = mark_at(one, out.sentences.back().cites);
      if (mark == 0) break;
      one = trim(one.substr(mark));
    }
    if (Sentence made = sentence_of(one); !made.text.empty()) out.sentences.push_back(std::move(made));
    else if (!out.sentences.empty()) out.sentences.back().cites.insert(out.sentences.back().cites.end(), made.cites.begin(), made.cites.end());
  }
  return out;
}

void judge(Sentence& sentence, const std::vector<CheckedSource>& sources) {
  std::vector<std::string_view> evidence;
  for (int number : sentence.cites) {
    const bool known = number >= 1 && static_cast<size_t>(number) <= sources.size();
    const CheckedSource* source = known ? &sources[static_cast<size_t>(number) - 1] : nullptr;
    if (!source) sentence.reason = "there is no source [" + std::to_string(number) + "]";
    else if (!source->problem.empty()) sentence.reason = "source [" + std::to_string(number) + "]: " + source->problem;
    else evidence.push_back(source->around);
  }
  if (sentence.cites.empty()) sentence.reason = "it cites nothing";
  if (evidence.empty()) return;
  const ground::Claim claim = ground::verify(sentence.text, evidence);
  sentence.supported = claim.supported;
  sentence.reason = claim.supported ? "" : claim.reason;
}

}  // namespace

document::Range find_quote(std::string_view text, std::string_view quote) {
  quote = bare(quote);
  if (quote.empty()) return {};
  if (const size_t at = text.find(quote); at != text.npos) return {static_cast<uint32_t>(at), static_cast<uint32_t>(at + quote.size())};
  if (text.size() > kNormalizedMost) return {};
  const Plain all = plain(text);
  const std::string wanted(trim(plain(quote).text));
  const size_t at = wanted.empty() ? all.text.npos : all.text.find(wanted);
  if (at == all.text.npos) return {};
  const size_t after = at + wanted.size();
  return {all.from[at], after < all.from.size() ? all.from[after] : all.end};
}

Result<Report> check(const Context& context, Shelf& shelf, const Draft& draft, const std::vector<std::string>& stores) {
  Report out;
  out.title = draft.title;
  out.open = draft.open;
  out.remove = draft.remove;
  for (const Source& source : draft.sources) {
    TRY(context.check());
    TRY_ASSIGN(auto checked, look_up(context, shelf, source, stores));
    out.sources.push_back(std::move(checked));
  }
  for (const Section& section : draft.sections) {
    CheckedSection made{section.heading, {}};
    for (std::string_view text : split(section.text, '\n')) {
      Line line = line_of(text);
      for (Sentence& sentence : line.sentences) {
        judge(sentence, out.sources);
        ++out.sentences;
        out.supported += sentence.supported ? 1 : 0;
      }
      if (!line.sentences.empty()) made.lines.push_back(std::move(line));
    }
    out.sections.push_back(std::move(made));
  }
  return out;
}

}  // namespace strata::cite
