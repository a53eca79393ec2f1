#include "orchestration/answer/compose.h"

#include <algorithm>

#include "base/text.h"

namespace strata::answer {
namespace {

uint32_t size32(const std::string& text) { return static_cast<uint32_t>(text.size()); }

std::string_view without_marker(std::string_view line) {
  line = trim(line);
  while (!line.empty() && line.front() == '#') line.remove_prefix(1);
  for (std::string_view marker : {"- ", "* ", "+ ", "• ", "> "}) {
    if (line.substr(0, marker.size()) == marker) line.remove_prefix(marker.size());
  }
  return trim(line);
}

bool is_row(std::string_view line) { return line.size() > 1 && line.front() == '|'; }

// "| a | b |" → "a | b"; a rule between head and body → "".
std::string row(std::string_view line) {
  if (line.find_first_not_of("|-: ") == std::string_view::npos) return "";
  std::string out;
  for (std::string_view cell : split(line, '|')) {
    cell = trim(cell);
    if (cell.empty()) continue;
    out += (out.empty() ? "" : " | ");
    out += cell;
  }
  return out;
}

bool begins_item(std::string_view line) {
  line = trim(line);
  if (line.empty()) return false;
  if (is_row(line)) return true;
  for (std::string_view marker : {"- ", "* ", "+ ", "• "}) {
    if (line.substr(0, marker.size()) == marker) return true;
  }
  size_t digits = 0;
  while (digits < line.size() && line[digits] >= '0' && line[digits] <= '9') ++digits;
  return digits > 0 && digits < 3 && digits + 1 < line.size() && (line[digits] == '.' || line[digits] == ')') && line[digits + 1] == ' ';
}

std::string joined_spaces(std::string_view text) {
  std::string out;
  for (char c : text) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!space) out += c;
    else if (!out.empty() && out.back() != ' ') out += ' ';
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

int next_number(const Answer& answer) {
  int most = 0;
  for (const Citation& citation : answer.citations) most = std::max(most, citation.number);
  return most + 1;
}

std::string close_mark(int number) { return "” [" + std::to_string(number) + "]"; }

}  // namespace

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAnswered: return "answered";
    case Outcome::kNotInDocuments: return "not_in_documents";
    case Outcome::kNothingFound: return "nothing_found";
    case Outcome::kPackedOut: return "packed_out";
    case Outcome::kStale: return "stale";
    case Outcome::kModelFailed: return "model_failed";
  }
  return "answered";
}

Citation citation_of(const retrieve::Hit& hit, document::Range at, std::string quote, int number) {
  return {.number = number,
          .document_id = hit.chunk.document_id,
          .file_id = hit.chunk.file_id,
          .filename = hit.filename,
          .title = hit.title,
          .version = hit.version,
          .heading = hit.heading,
          .page = hit.chunk.chunk.page,
          .begin = at.begin,
          .end = at.end,
          .quote = std::move(quote)};
}

std::string readable(std::string_view quote) {
  std::string out, paragraph;
  const auto flush = [&] {
    const std::string text = joined_spaces(paragraph);
    if (!text.empty()) out += (out.empty() ? "" : "\n") + text;
    paragraph.clear();
  };
  for (std::string_view line : split(quote, '\n')) {
    const bool item = begins_item(line);
    if (item || trim(line).empty()) flush();
    if (item && is_row(trim(line))) {
      paragraph = row(trim(line));
      flush();
      continue;
    }
    paragraph += ' ';
    paragraph += item ? without_marker(line) : line.substr(0, 1) == "#" ? without_marker(line) : line;
  }
  flush();
  return out;
}

Piece add_quotes(Answer* answer, const std::vector<ground::Quote>& quotes, const std::vector<retrieve::Hit>& hits) {
  Piece out;
  const size_t before = answer->text.size();
  for (const ground::Quote& quote : quotes) {
    if (!answer->text.empty()) answer->text += "\n\n";
    const int number = next_number(*answer);
    const auto cite = [&](document::Range at, const std::string& text) {
      Citation citation = citation_of(hits[quote.source], at, text, number);
      citation.answer_begin = size32(answer->text);
      answer->text += readable(text);
      citation.answer_end = size32(answer->text);
      return citation;
    };
    std::vector<Citation> fresh;
    answer->text += "“";
    if (!quote.header_text.empty()) {
      fresh.push_back(cite(quote.header, quote.header_text));
      answer->text += "\n";
    }
    fresh.insert(fresh.begin(), cite(quote.at, quote.text));  // what is cited comes first, then the names of its columns
    answer->text += close_mark(number);
    answer->verdicts.push_back({.begin = fresh.back().answer_begin,
                                .end = fresh.front().answer_end,
                                .kind = SentenceKind::kQuote,
                                .supported = true,
                                .score = 1,
                                .reason = "verbatim"});
    answer->citations.insert(answer->citations.end(), fresh.begin(), fresh.end());
    out.citations.insert(out.citations.end(), fresh.begin(), fresh.end());
  }
  out.text = answer->text.substr(before);
  return out;
}

Piece add_generated(Answer* answer, const std::string& sentence, const ground::Claim& claim, const retrieve::Hit& hit, document::Range at) {
  Piece out;
  const size_t before = answer->text.size();
  const bool follows_generated = !answer->verdicts.empty() && answer->verdicts.back().kind == SentenceKind::kGenerated;
  if (!answer->text.empty()) answer->text += follows_generated ? " " : "\n\n";
  // The same passage keeps its number.
  int number = next_number(*answer);
  for (const Citation& citation : answer->citations) {
    const bool same = citation.document_id == hit.chunk.document_id && citation.begin < at.end && at.begin < citation.end;
    if (same) number = std::min(number, citation.number);
  }
  const std::string quote = hit.chunk.text.substr(at.begin - hit.chunk.chunk.at.begin, at.end - at.begin);
  Citation citation = citation_of(hit, at, quote, number);
  citation.answer_begin = size32(answer->text);
  answer->text += sentence;
  citation.answer_end = size32(answer->text);
  answer->text += " [" + std::to_string(number) + "]";
  answer->verdicts.push_back({.begin = citation.answer_begin,
                              .end = citation.answer_end,
                              .kind = SentenceKind::kGenerated,
                              .supported = true,
                              .score = claim.score,
                              .reason = "verified"});
  answer->citations.push_back(citation);
  out.citations.push_back(std::move(citation));
  out.text = answer->text.substr(before);
  return out;
}

Piece add_notice(Answer* answer, std::string_view text) {
  Piece out;
  if (!answer->text.empty()) out.text = "\n\n";
  const uint32_t begin = static_cast<uint32_t>(answer->text.size() + out.text.size());
  out.text += text;
  answer->text += out.text;
  answer->verdicts.push_back({.begin = begin, .end = size32(answer->text), .kind = SentenceKind::kNotice, .supported = true, .score = 1});
  return out;
}

}  // namespace strata::answer
