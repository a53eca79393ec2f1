#include "product/suggest/suggest.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace strata::suggest {
namespace {

bool in_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z');
}

// Lower-case words: letters, digits and what is beyond ASCII.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : ascii_lower(text)) {
    if (in_word(c)) words.back() += c;
    else if (!words.back().empty()) words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

}  // namespace

bool matches(std::string_view candidate, std::string_view text) {
  const std::vector<std::string> asked = words_of(text), words = words_of(candidate);
  return !asked.empty() && std::all_of(asked.begin(), asked.end(), [&](const std::string& begin) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) { return word.starts_with(begin); });
  });
}

Result<Suggestions> Suggester::complete(const Context& context, std::string_view text, const std::vector<std::string>& base_ids, int limit) {
  if (limit < 1 || limit > 50) return invalid_argument("limit must be between 1 and 50, got " + std::to_string(limit), "limit");
  Suggestions out;
  TRY_ASSIGN(const auto answers, feedback_.answers(context, {}, kQuestionsRead, ""));
  std::set<std::string> seen;
  for (const auto& answer : answers) {
    if (static_cast<int>(out.questions.size()) >= limit) break;
    if (answer.outcome != "answered" || answer.question.size() > 300 || !matches(answer.question, text)) continue;
    const std::string key = ascii_lower(trim(answer.question));
    if (key != ascii_lower(trim(text)) && seen.insert(key).second) out.questions.push_back(answer.question);
  }
  TRY_ASSIGN(out.headings, headings(context, text, base_ids, limit));
  return out;
}

Result<std::vector<Heading>> Suggester::headings(const Context& context, std::string_view text, const std::vector<std::string>& base_ids, int limit) {
  std::vector<Heading> found;
  int documents = 0;
  for (const std::string& base : base_ids) {
    TRY(catalog_.base(context, base));
    TRY_ASSIGN(const auto files, catalog_.base_files(context, base, kDocumentsRead, "", true, catalog::FileState::kCompleted));
    for (const auto& file : files) {
      if (++documents > kDocumentsRead) break;
      const auto kept = headings_of(context, file.document_id);
      if (!kept && kept.error().code == Code::kNotFound) continue;  // replaced meanwhile
      if (!kept) return kept.error();
      for (const Heading& heading : **kept)
        if (matches(heading.heading, text)) found.push_back(heading);
    }
  }
  const std::string begin = ascii_lower(trim(text));
  std::stable_partition(found.begin(), found.end(), [&](const Heading& heading) { return ascii_lower(heading.heading).starts_with(begin); });
  if (static_cast<int>(found.size()) > limit) found.resize(static_cast<size_t>(limit));
  return found;
}

Result<Suggester::Headings> Suggester::headings_of(const Context& context, const std::string& document_id) {
  {
    std::lock_guard lock(mutex_);
    if (const auto kept = by_document_.find(document_id); kept != by_document_.end()) return kept->second;
  }
  TRY_ASSIGN(const auto document, catalog_.document(context, document_id));
  auto headings = std::make_shared<std::vector<Heading>>();
  for (const document::Heading& heading : document.content.headings)
    headings->push_back({heading.title, document.title, document.id, document.base_id, heading.at.begin, heading.at.end});
  std::lock_guard lock(mutex_);
  if (by_document_.size() >= kDocumentsRead) by_document_.clear();
  return by_document_[document_id] = std::move(headings);
}

}  // namespace strata::suggest
