// knowledge/document: bytes of a document → text with structure. Parsing runs in a separate, self-confining program
// (worker/strata-parse); this room starts it, feeds it, bounds it and checks what it says.
//
// Positions everywhere are UTF-8 byte offsets into Document::text, the extracted text that is stored with (document, version hash).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"

namespace strata::document {

enum class Kind { kText, kMarkdown, kHtml, kPdf, kDocx, kImage };
// From the name's ending and the first bytes. kInvalidArgument names the types that are supported.
Result<Kind> detect(std::string_view filename, std::string_view bytes);
std::string_view kind_name(Kind kind);          // "pdf"
std::string_view content_type(Kind kind);

struct Range {
  uint32_t begin = 0, end = 0;    // bytes, half-open
  bool operator==(const Range&) const = default;
};

struct Heading {
  int level = 1;                  // 1..6
  std::string title;
  Range at;                       // of the heading's line; its section runs to the next heading of the same or a higher level
};
enum class BlockType { kParagraph, kHeading, kListItem, kTable, kCode, kQuote };
struct Block {                    // a block never spans a page break or a heading
  BlockType type = BlockType::kParagraph;
  Range at;
};
struct Page {
  int number = 1;                 // as printed in a viewer, from 1
  Range at;
  bool by_ocr = false;
};

struct Document {
  Kind kind = Kind::kText;
  std::string title;              // the document's own, else its first heading, else the file name
  std::string text;               // valid UTF-8, "\n" line ends
  std::vector<Heading> headings;  // in order
  std::vector<Block> blocks;      // in order, not overlapping
  std::vector<Page> pages;        // empty where the format has none
  std::vector<std::string> warnings;  // "page 7: no text found, OCR gave 12 words"
};

struct Limits {
  uint64_t input_bytes = 64u << 20;
  uint64_t text_bytes = 32u << 20;
  int64_t wall_ms = 120'000;
  uint64_t memory_bytes = 1u << 30;
  int pages = 5'000;
  int ocr_pages = 200;
};

class Parser {
 public:
  // `worker` is the path of the strata-parse program.
  static Result<std::unique_ptr<Parser>> make(std::string worker, Limits limits);
  virtual ~Parser() = default;
  // Blocks (for the worker pool). A crash, a time-out, or a limit of the parser is an Error, never ours. THREADS: safe.
  virtual Result<Document> parse(const Context& context, std::string_view filename, std::string_view bytes) = 0;
};

}  // namespace strata::document
