// product/suggest: what a person may want to ask, while they type: questions that were asked and answered here, and the headings of the
// documents that they look in. Nothing is guessed by a model: everything suggested exists.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "knowledge/catalog/catalog.h"
#include "product/feedback/feedback.h"

namespace strata::suggest {

struct Heading {
  std::string heading;                     // "Parental leave"
  std::string title;                       // of its document
  std::string document_id, base_id;
  uint32_t begin = 0, end = 0;             // of the heading's line, bytes in the document's text
};
struct Suggestions {
  std::vector<std::string> questions;      // newest first, each once
  std::vector<Heading> headings;           // in the order of the documents, those that begin with the text first
};

// How much is looked at: a bound on the time of one keystroke.
inline constexpr int kQuestionsRead = 500, kDocumentsRead = 300;

// Whether every word of `text` begins a word of `candidate` (ASCII letters' case ignored). Nothing matches an empty text.
bool matches(std::string_view candidate, std::string_view text);

// THREADS: safe. COST: the first look at a document reads it; its headings are kept (a document never changes under its id).
class Suggester {
 public:
  Suggester(catalog::Catalog& catalog, feedback::Feedback& feedback) : catalog_(catalog), feedback_(feedback) {}
  // At most `limit` of each. An unknown base is kNotFound.
  Result<Suggestions> complete(const Context& context, std::string_view text, const std::vector<std::string>& base_ids, int limit);

 private:
  using Headings = std::shared_ptr<const std::vector<Heading>>;
  Result<Headings> headings_of(const Context& context, const std::string& document_id);
  Result<std::vector<Heading>> headings(const Context& context, std::string_view text, const std::vector<std::string>& base_ids, int limit);

  catalog::Catalog& catalog_;
  feedback::Feedback& feedback_;
  std::mutex mutex_;
  std::map<std::string, Headings> by_document_;   // at most kDocumentsRead; emptied when full
};

}  // namespace strata::suggest
