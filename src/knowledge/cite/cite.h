// knowledge/cite: reports whose sentences are held to what they cite. A model hands in sections with marks such as [1], and for each mark the
// document and a verbatim quote of it; nothing of that is believed:
//
//   source [n]   the document is found, and the quote stands in it (white space and typographic marks aside)      else: the source is not found
//   sentence     the sentences around its quotes say what it says, by ground::verify (numbers, names, negation)   else: not supported
//
// What is not supported is marked in the report, or left out of it. The checked report is written as Markdown and as PDF.
//
// Two tools: "read_document" (a document by name, page by page) and "write_report" (checks, writes both files, gives their ids and what is
// wrong, so that a writer mends it; with dry_run it only checks). A report that was written here can be read, but not cited.
// THREADS: safe; all functions block on the store.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "knowledge/document/document.h"
#include "knowledge/tool/tool.h"

namespace strata::catalog { class Catalog; }

namespace strata::cite {

inline constexpr char kPurpose[] = "assistants_output";   // of files that tools write for people
inline constexpr size_t kQuoteBytesLeast = 12;            // a shorter one says nothing
inline constexpr size_t kPageBytes = 4'000;               // of one answer of read_document

// What can be cited.
struct Document {
  std::string document_id, file_id, filename, title, url;
  std::string text;
  bool ours = false;                // a report that was written here
};
class Shelf {
 public:
  virtual ~Shelf() = default;
  // By id of document or file, file name, or address (the attribute "url"); in these vector stores, or in all. kNotFound names what is near.
  virtual Result<Document> find(const Context& context, const std::string& name, const std::vector<std::string>& stores) = 0;
};
std::unique_ptr<Shelf> make_shelf(catalog::Catalog& catalog);

struct Source {
  std::string document, quote;      // as the writer gave them
};
struct Section {
  std::string heading, text;        // lines; "- " begins an item; [1] or [1, 2] cites
};
struct Draft {
  std::string title;
  std::vector<Section> sections;
  std::vector<Source> sources;      // [1] is the first
  std::vector<std::string> open;    // questions that stay open: not held to sources
  bool remove = false;              // leave out what is not supported, instead of marking it
};

struct CheckedSource {
  Source given;
  std::string title, document_id, file_id, filename, url;
  std::string problem;              // empty: it stands as quoted
  document::Range at;               // of the quote in the document's text
  std::string around;               // the whole sentences that the quote touches
};
struct Sentence {
  std::string text;                 // without marks
  std::vector<int> cites;
  bool supported = false;
  std::string reason;               // where not
};
struct Line {
  bool item = false;                // of a list
  std::vector<Sentence> sentences;
};
struct CheckedSection {
  std::string heading;
  std::vector<Line> lines;
};
struct Report {
  std::string title;
  std::vector<CheckedSection> sections;
  std::vector<CheckedSource> sources;
  std::vector<std::string> open;
  bool remove = false;
  int sentences = 0, supported = 0;
};

// Where `quote` stands in `text`: white space, quotation marks and dashes of all kinds count as alike. Empty: nowhere.
document::Range find_quote(std::string_view text, std::string_view quote);

// Errors: of the store only; what is wrong with the draft is in the report.
Result<Report> check(const Context& context, Shelf& shelf, const Draft& draft, const std::vector<std::string>& stores);
std::string markdown_of(const Report& report);
std::string pdf_of(const Report& report);

// The tools; catalog outlives them.
std::unique_ptr<tool::Tool> make_read_document(catalog::Catalog& catalog);
std::unique_ptr<tool::Tool> make_write_report(catalog::Catalog& catalog);

}  // namespace strata::cite
