// knowledge/document: bytes of a document → text with structure. Parsing runs in a separate, self-confining program
// (worker/strata-parse); this room starts it, feeds it, bounds it and checks what it says.
//
// Positions everywhere are UTF-8 byte offsets into Document::text, the extracted text that is stored with (document, version hash).
//
// How the text looks, whatever the format: what a person reads, without markup. Blocks are set apart by a blank line (items of one
// list by a line end); list items begin with "- " or "1. ", two spaces deeper per level; a table is one row a line, "| a | b |";
// code keeps its lines; a heading is a line of its own without marks, its level is in `headings`.
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
  // `worker` is the path of the strata-parse program, or of the folder that holds it; strata-parse-pdf lies beside it.
  // kFailedPrecondition where it is missing. strata-parse-pdf may be missing (it is GPL, and a separate program for that reason);
  // then parse() of a PDF is kFailedPrecondition.
  static Result<std::unique_ptr<Parser>> make(std::string worker, Limits limits);
  virtual ~Parser() = default;
  // Blocks (for the worker pool). A crash, a time-out, or a limit of the parser is an Error, never ours: kInvalidArgument, since the
  // same bytes would fail again, with the reason "parser_crashed", "parser_timeout", "parser_memory", "parser_forbidden" (it tried
  // what it may not) or "parser_output" (its answer made no sense). A damaged, encrypted or too large document is kInvalidArgument
  // too ("document_unreadable", "document_too_large"). kCancelled and kDeadlineExceeded are the Context's; kFailedPrecondition means
  // that the worker cannot run confined on this machine. THREADS: safe.
  virtual Result<Document> parse(const Context& context, std::string_view filename, std::string_view bytes) = 0;
};

// How well this machine can confine a parser; for doctor. An Error where the worker does not start or may not run here.
struct Confinement {
  bool seccomp = false;    // required: without it the workers refuse to run
  int landlock_abi = 0;    // 0: the kernel has none; a second wall that is used where it stands
};
Result<Confinement> confinement(std::string worker);

// What a parser and its worker say to each other, for src/worker. A request is kRequestBytes, then the document's bytes; the reply
// is one message on standard output. Little-endian; drawn in wire.cc. The worker may be taken over by a hostile document, so
// decode_reply trusts nothing: every range, order, size, code and UTF-8 sequence is checked.
namespace wire {
struct Request {
  Kind kind = Kind::kText;
  Limits limits;
  uint64_t bytes = 0;  // of the document, which follows
};
inline constexpr size_t kRequestBytes = 64;
std::string encode_request(const Request& request);
Result<Request> decode_request(std::string_view bytes);
std::string encode_reply(const Result<Document>& result);
Result<Document> decode_reply(std::string_view bytes, const Request& request);

// Exit statuses of a worker beside 0.
inline constexpr int kExitMemory = 70;   // ran over its memory limit
inline constexpr int kExitConfine = 71;  // could not confine itself; standard error says why
inline constexpr int kExitRequest = 72;  // the request made no sense
}  // namespace wire

}  // namespace strata::document
