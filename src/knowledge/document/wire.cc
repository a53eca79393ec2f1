// The messages, little-endian:
//
//   request   "STRQ" u32 version · u32 kind · i32 pages · i32 ocr_pages · u32 0 · u64 text_bytes · u64 memory_bytes · i64 wall_ms ·
//             u64 document_bytes · u64 0                                                                  = 64 bytes
//   reply     "STRP" u32 version · u32 status: 0 a document, else an error
//   error     u32 code · string message · string reason
//   document  string title · string text · u32 n, n × heading · u32 n, n × block · u32 n, n × page · u32 n, n × string warning
//   heading   u32 level · u32 begin · u32 end · string title
//   block     u32 type · u32 begin · u32 end
//   page      u32 number · u32 begin · u32 end · u32 by_ocr
//   string    u32 bytes · bytes
#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "knowledge/document/document.h"

namespace strata::document::wire {
namespace {

constexpr uint32_t kVersion = 1;
constexpr std::string_view kRequestMagic = "STRQ", kReplyMagic = "STRP";
// What a reply may hold at most beside its text, so that a hostile worker cannot make us hoard.
constexpr uint32_t kTitleBytes = 2'000, kMessageBytes = 2'000, kWarnings = 200;
constexpr uint64_t kRows = 4'000'000;  // headings, blocks: no more than text bytes / 1, and no more than this

template <class T>
void put(std::string* out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out->append(bytes, sizeof(T));
}
void put_string(std::string* out, std::string_view text) {
  put(out, static_cast<uint32_t>(text.size()));
  out->append(text);
}

Error nonsense(const std::string& what) { return invalid_argument("the parser's answer made no sense: " + what, "file", "parser_output"); }

class Reader {
 public:
  Reader(std::string_view bytes, const Limits& limits) : in_(bytes, "the parser's answer"), limits_(limits) {}

  Result<uint32_t> number() { return in_.read<uint32_t>(); }

  // Valid UTF-8 without control characters but the line end and tab.
  Result<std::string> string(uint64_t most, std::string_view what) {
    TRY_ASSIGN(const uint32_t size, number());
    if (size > most) return nonsense(std::string(what) + " of " + std::to_string(size) + " bytes, at most " + std::to_string(most) + " are taken");
    TRY_ASSIGN(const std::string_view bytes, in_.take(size));
    if (!utf8_valid(bytes)) return nonsense(std::string(what) + " that is not UTF-8");
    const auto control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f; };
    if (std::ranges::any_of(bytes, control)) return nonsense("control characters in " + std::string(what));
    return std::string(bytes);
  }

  // A list's length: each row takes at least `row_bytes` of what is left, so a lie cannot make us reserve more than came.
  Result<uint32_t> length(uint64_t row_bytes, uint64_t most) {
    TRY_ASSIGN(const uint32_t rows, number());
    if (rows > most || rows > in_.remaining() / row_bytes) return nonsense("a list of " + std::to_string(rows) + " rows");
    return rows;
  }

  // A range of `text`, not before `at_least`, on UTF-8 boundaries.
  Result<Range> range(std::string_view text, uint32_t at_least, bool may_be_empty) {
    TRY_ASSIGN(const uint32_t begin, number());
    TRY_ASSIGN(const uint32_t end, number());
    if (begin < at_least || end > text.size() || (may_be_empty ? begin > end : begin >= end) || !boundary(text, begin) || !boundary(text, end)) {
      return nonsense("the range " + std::to_string(begin) + ".." + std::to_string(end) + " of a text of " + std::to_string(text.size()) + " bytes");
    }
    return Range{begin, end};
  }

  Result<Document> document(Kind kind) {
    Document out;
    out.kind = kind;
    TRY_ASSIGN(out.title, string(kTitleBytes, "a title"));
    TRY_ASSIGN(out.text, string(limits_.text_bytes, "text"));
    TRY(headings(&out));
    TRY(blocks(&out));
    TRY(pages(&out));
    TRY_ASSIGN(const uint32_t warnings, length(4, kWarnings));
    for (uint32_t i = 0; i < warnings; ++i) {
      TRY_ASSIGN(std::string warning, string(kMessageBytes, "a warning"));
      out.warnings.push_back(std::move(warning));
    }
    if (in_.remaining() != 0) return nonsense(std::to_string(in_.remaining()) + " bytes behind its end");
    return out;
  }

  Error error() {
    static constexpr Code kAllowed[] = {Code::kInvalidArgument, Code::kUnimplemented, Code::kInternal};
    Result<uint32_t> code = number();
    if (!code) return code.error();
    Result<std::string> message = string(kMessageBytes, "an error message");
    if (!message) return message.error();
    Result<std::string> reason = string(64, "an error reason");
    if (!reason) return reason.error();
    const Code known = static_cast<Code>(*code);
    return Error{std::ranges::find(kAllowed, known) != std::end(kAllowed) ? known : Code::kInvalidArgument, *message, "file", *reason};
  }

 private:
  static bool boundary(std::string_view text, uint32_t at) { return at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80; }

  Status headings(Document* out) {
    TRY_ASSIGN(const uint32_t rows, length(16, kRows));
    uint32_t end = 0;
    for (uint32_t i = 0; i < rows; ++i) {
      TRY_ASSIGN(const uint32_t level, number());
      if (level < 1 || level > 6) return nonsense("a heading of level " + std::to_string(level));
      TRY_ASSIGN(const Range at, range(out->text, end, false));
      TRY_ASSIGN(std::string title, string(kTitleBytes, "a heading"));
      out->headings.push_back({static_cast<int>(level), std::move(title), at});
      end = at.end;
    }
    return {};
  }
  Status blocks(Document* out) {
    TRY_ASSIGN(const uint32_t rows, length(12, kRows));
    uint32_t end = 0;
    out->blocks.reserve(rows);
    for (uint32_t i = 0; i < rows; ++i) {
      TRY_ASSIGN(const uint32_t type, number());
      if (type > static_cast<uint32_t>(BlockType::kQuote)) return nonsense("a block of type " + std::to_string(type));
      TRY_ASSIGN(const Range at, range(out->text, end, false));
      out->blocks.push_back({static_cast<BlockType>(type), at});
      end = at.end;
    }
    return {};
  }
  Status pages(Document* out) {
    TRY_ASSIGN(const uint32_t rows, length(16, static_cast<uint64_t>(std::max(0, limits_.pages))));
    uint32_t end = 0;
    for (uint32_t i = 0; i < rows; ++i) {
      TRY_ASSIGN(const uint32_t number_here, number());
      if (number_here != i + 1) return nonsense("page " + std::to_string(number_here) + " where page " + std::to_string(i + 1) + " was expected");
      TRY_ASSIGN(const Range at, range(out->text, end, true));
      TRY_ASSIGN(const uint32_t by_ocr, number());
      out->pages.push_back({static_cast<int>(number_here), at, by_ocr == 1});
      end = at.end;
    }
    return {};
  }

  ByteReader in_;
  const Limits& limits_;
};

std::string_view cut(std::string_view text, size_t most) {
  text = text.substr(0, most);
  return text.substr(0, utf8_complete_prefix(text));
}

void put_document(std::string* out, const Document& document) {
  put_string(out, cut(document.title, kTitleBytes));
  put_string(out, document.text);
  put(out, static_cast<uint32_t>(document.headings.size()));
  for (const Heading& heading : document.headings) {
    put(out, static_cast<uint32_t>(heading.level));
    put(out, heading.at.begin);
    put(out, heading.at.end);
    put_string(out, cut(heading.title, kTitleBytes));
  }
  put(out, static_cast<uint32_t>(document.blocks.size()));
  for (const Block& block : document.blocks) {
    put(out, static_cast<uint32_t>(block.type));
    put(out, block.at.begin);
    put(out, block.at.end);
  }
  put(out, static_cast<uint32_t>(document.pages.size()));
  for (const Page& page : document.pages) {
    put(out, static_cast<uint32_t>(page.number));
    put(out, page.at.begin);
    put(out, page.at.end);
    put(out, uint32_t{page.by_ocr});
  }
  const uint32_t warnings = std::min<uint32_t>(kWarnings, static_cast<uint32_t>(document.warnings.size()));
  put(out, warnings);
  for (uint32_t i = 0; i < warnings; ++i) put_string(out, cut(document.warnings[i], kMessageBytes));
}

}  // namespace

std::string encode_request(const Request& request) {
  std::string out(kRequestMagic);
  put(&out, kVersion);
  put(&out, static_cast<uint32_t>(request.kind));
  put(&out, static_cast<int32_t>(request.limits.pages));
  put(&out, static_cast<int32_t>(request.limits.ocr_pages));
  put(&out, uint32_t{0});
  put(&out, request.limits.text_bytes);
  put(&out, request.limits.memory_bytes);
  put(&out, request.limits.wall_ms);
  put(&out, request.bytes);
  put(&out, uint64_t{0});
  return out;
}

Result<Request> decode_request(std::string_view bytes) {
  ByteReader in(bytes, "the request");
  Request request;
  TRY_ASSIGN(const std::string_view magic, in.take(4));
  TRY_ASSIGN(const uint32_t version, in.read<uint32_t>());
  if (magic != kRequestMagic || version != kVersion) return invalid_argument("this is no request of this version of Strata");
  TRY_ASSIGN(const uint32_t kind, in.read<uint32_t>());
  if (kind > static_cast<uint32_t>(Kind::kImage)) return invalid_argument("unknown kind " + std::to_string(kind));
  request.kind = static_cast<Kind>(kind);
  TRY_ASSIGN(request.limits.pages, in.read<int32_t>());
  TRY_ASSIGN(request.limits.ocr_pages, in.read<int32_t>());
  TRY(in.skip(4));
  TRY_ASSIGN(request.limits.text_bytes, in.read<uint64_t>());
  TRY_ASSIGN(request.limits.memory_bytes, in.read<uint64_t>());
  TRY_ASSIGN(request.limits.wall_ms, in.read<int64_t>());
  TRY_ASSIGN(request.bytes, in.read<uint64_t>());
  request.limits.input_bytes = request.bytes;
  return request;
}

std::string encode_reply(const Result<Document>& result) {
  std::string out(kReplyMagic);
  put(&out, kVersion);
  put(&out, uint32_t{!result});
  if (result) {
    put_document(&out, *result);
  } else {
    put(&out, static_cast<uint32_t>(result.error().code));
    put_string(&out, cut(result.error().message, kMessageBytes));
    put_string(&out, cut(result.error().reason, 64));
  }
  return out;
}

Result<Document> decode_reply(std::string_view bytes, const Request& request) {
  const auto damaged = [](Error error) { return error.reason.empty() ? nonsense(error.message) : error; };
  if (bytes.size() < 12 || bytes.substr(0, 4) != kReplyMagic) return nonsense("it does not begin as an answer does");
  Reader reader(bytes.substr(4), request.limits);
  Result<uint32_t> version = reader.number(), status = reader.number();
  if (*version != kVersion) return nonsense("version " + std::to_string(*version));
  if (*status != 0) return damaged(reader.error());
  Result<Document> document = reader.document(request.kind);
  if (!document) return damaged(document.error());
  return document;
}

}  // namespace strata::document::wire
