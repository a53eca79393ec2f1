// "read_document" and "write_report".
#include "base/crypto.h"
#include "base/text.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/cite/cite.h"

namespace strata::cite {
namespace {

using tool::Answer;
using tool::Description;
using tool::Invocation;

constexpr const char* kReadParameters = R"({"type":"object","properties":{
  "source":{"type":"string","minLength":1,"maxLength":2000,"description":"A file's name, a page's address, or a file_id of a search result"},
  "vector_store_ids":{"type":"array","items":{"type":"string","minLength":1,"maxLength":100},"maxItems":16},
  "from":{"type":"integer","minimum":0,"description":"Go on from here: next of the answer before"}},"required":["source"],"additionalProperties":false})";
constexpr const char* kReadResult = R"({"type":"object","properties":{"title":{"type":"string"},"filename":{"type":"string"},"file_id":{"type":"string"},
  "url":{"type":"string"},"text":{"type":"string"},"from":{"type":"integer"},"next":{"type":["integer","null"]},"bytes":{"type":"integer"}},
  "required":["title","filename","file_id","text","from","next","bytes"],"additionalProperties":false})";

constexpr const char* kWriteParameters = R"({"type":"object","properties":{
  "title":{"type":"string","minLength":1,"maxLength":200},
  "sections":{"type":"array","minItems":1,"maxItems":40,"items":{"type":"object","properties":{"heading":{"type":"string","minLength":1,"maxLength":200},
    "text":{"type":"string","minLength":1,"maxLength":20000,"description":"Sentences; each ends with the number of its source, such as [1]"}},
    "required":["heading","text"],"additionalProperties":false}},
  "sources":{"type":"array","maxItems":100,"description":"[1] is the first","items":{"type":"object","properties":{
    "document":{"type":"string","minLength":1,"maxLength":2000,"description":"File name, address or file_id"},
    "quote":{"type":"string","minLength":1,"maxLength":2000,"description":"Word for word from that document"}},
    "required":["document","quote"],"additionalProperties":false}},
  "open":{"type":"array","maxItems":20,"items":{"type":"string","maxLength":500},"description":"Questions that stay open"},
  "unsupported":{"enum":["mark","remove"],"description":"What becomes of a sentence that its source does not support"},
  "vector_store_ids":{"type":"array","items":{"type":"string","minLength":1,"maxLength":100},"maxItems":16}},
  "required":["title","sections","sources"],"additionalProperties":false})";
constexpr const char* kWriteResult = R"({"type":"object","properties":{
  "markdown":{"$ref":"#/$defs/file"},"pdf":{"$ref":"#/$defs/file"},"sentences":{"type":"integer"},"supported":{"type":"integer"},
  "problems":{"type":"array","items":{"type":"object","properties":{"where":{"type":"string"},"text":{"type":"string"},"reason":{"type":"string"}},
    "required":["where","text","reason"]}}},"required":["sentences","supported","problems"],"additionalProperties":false,
  "$defs":{"file":{"type":"object","properties":{"file_id":{"type":"string"},"filename":{"type":"string"}},"required":["file_id","filename"]}}})";

std::string text_of(const Json& json) { return json.as_string() ? *json.as_string() : ""; }
std::vector<std::string> texts_of(const Json& json) {
  std::vector<std::string> out;
  if (const auto* all = json.as_array()) {
    for (const Json& one : *all) out.push_back(text_of(one));
  }
  return out;
}

Result<Answer> read_page(const Context& context, Shelf& shelf, const Json& arguments) {
  auto found = shelf.find(context, text_of(arguments["source"]), texts_of(arguments["vector_store_ids"]));
  if (!found && found.error().code == Code::kNotFound)
    return Answer::failed("not_found", found.error().message, {{"/source", "exists", "a document that was taken in", text_of(arguments["source"]), ""}});
  if (!found) return found.error();
  const std::string& text = found->text;
  size_t from = std::min(text.size(), static_cast<size_t>(arguments["from"].to_int("from").value_or(0)));
  while (from > 0 && from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) --from;
  size_t end = std::min(text.size(), from + kPageBytes);
  if (end < text.size()) {   // not in the middle of a line, and never of a character
    const size_t line = text.rfind('\n', end);
    if (line != text.npos && line > from + kPageBytes / 2) end = line + 1;
    while (end > from && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  }
  return Answer::of(Json::object({{"title", found->title},
                                  {"filename", found->filename},
                                  {"file_id", found->file_id},
                                  {"url", found->url},
                                  {"text", text.substr(from, end - from)},
                                  {"from", from},
                                  {"next", end < text.size() ? Json(end) : Json()},
                                  {"bytes", text.size()}}));
}

Draft draft_of(const Json& arguments) {
  Draft out;
  out.title = text_of(arguments["title"]);
  for (const Json& one : *arguments["sections"].as_array()) out.sections.push_back({text_of(one["heading"]), text_of(one["text"])});
  for (const Json& one : *arguments["sources"].as_array()) out.sources.push_back({text_of(one["document"]), text_of(one["quote"])});
  out.open = texts_of(arguments["open"]);
  out.remove = arguments["unsupported"] == Json("remove");
  return out;
}

Json problems_of(const Report& report) {
  Json out = Json::array();
  for (size_t i = 0; i < report.sources.size(); ++i) {
    const CheckedSource& source = report.sources[i];
    if (!source.problem.empty())
      out.push(Json::object({{"where", "sources[" + std::to_string(i) + "]"}, {"text", source.given.quote.substr(0, 200)}, {"reason", source.problem}}));
  }
  for (const CheckedSection& section : report.sections) {
    for (const Line& line : section.lines) {
      for (const Sentence& one : line.sentences) {
        if (!one.supported) out.push(Json::object({{"where", section.heading}, {"text", utf8_repaired(one.text.substr(0, 300))}, {"reason", one.reason}}));
      }
    }
  }
  return out;
}

// "Leave in 2026!" → "leave-in-2026".
std::string slug_of(const std::string& title) {
  std::string out;
  for (char c : ascii_lower(title)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain) out += c;
    else if (!out.empty() && out.back() != '-') out += '-';
    if (out.size() == 60) break;
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "report" : out;
}

// The same report again is the same file.
Result<Json> keep(const Context& context, catalog::Catalog& catalog, const std::string& name, const std::string& bytes) {
  TRY_ASSIGN(auto known, catalog.same_file(context, name, kPurpose, sha256_hex(bytes)));
  if (!known) {
    TRY_ASSIGN(known, catalog.add_file(context, name, kPurpose, bytes));
  }
  return Json::object({{"file_id", known->id}, {"filename", known->filename}});
}

Result<Answer> write_both(const Context& context, catalog::Catalog& catalog, Shelf& shelf, const Invocation& call) {
  const Draft draft = draft_of(call.arguments);
  TRY_ASSIGN(const Report report, check(context, shelf, draft, texts_of(call.arguments["vector_store_ids"])));
  Json out = Json::object({{"sentences", report.sentences}, {"supported", report.supported}, {"problems", problems_of(report)}});
  if (call.dry_run) return Answer::of(std::move(out));
  const std::string name = slug_of(draft.title);
  TRY_ASSIGN(Json markdown, keep(context, catalog, name + ".md", markdown_of(report)));
  TRY_ASSIGN(Json pdf, keep(context, catalog, name + ".pdf", pdf_of(report)));
  out.set("markdown", std::move(markdown));
  out.set("pdf", std::move(pdf));
  return Answer::of(std::move(out));
}

}  // namespace

std::unique_ptr<tool::Tool> make_read_document(catalog::Catalog& catalog) {
  Description about;
  about.name = "read_document";
  about.description =
      "The text of one document or page that was taken in, part by part: to read around a passage that a search found, and to quote word for word.";
  about.parameters = *Json::parse(kReadParameters);
  about.result = *Json::parse(kReadResult);
  about.untrusted_result = true;
  std::shared_ptr<Shelf> shelf = make_shelf(catalog);
  return tool::make_tool(std::move(about), [shelf](const Context& context, const Invocation& call) { return read_page(context, *shelf, call.arguments); });
}

std::unique_ptr<tool::Tool> make_write_report(catalog::Catalog& catalog) {
  Description about;
  about.name = "write_report";
  about.description =
      "Writes a report as Markdown and PDF. Each sentence must cite a source by number, and each source quotes its document word for word; both are checked. "
      "The answer names the files and every problem: mend them and write it again.";
  about.parameters = *Json::parse(kWriteParameters);
  about.result = *Json::parse(kWriteResult);
  about.changes = true;
  about.dry_run = true;
  about.untrusted_result = true;
  std::shared_ptr<Shelf> shelf = make_shelf(catalog);
  return tool::make_tool(std::move(about),
                         [shelf, &catalog](const Context& context, const Invocation& call) { return write_both(context, catalog, *shelf, call); });
}

}  // namespace strata::cite
