#include <algorithm>

#include "base/text.h"
#include "worker/parse/builder.h"
#include "worker/parse/docx_styles.h"
#include "worker/parse/package.h"
#include "worker/parse/parse.h"

namespace strata::worker {
namespace {

using document::BlockType;

constexpr int kDepth = 100;           // of nested elements; Word writes about 20
constexpr size_t kCellBytes = 2'000;  // a longer cell makes the table a means of layout
constexpr int kSpanColumns = 50;

std::string_view value(pugi::xml_node node) { return node.attribute("w:val").value(); }
// <w:vanish/>, <w:vanish w:val="0"/>
bool is_on(pugi::xml_node node) { return node && value(node) != "0" && value(node) != "false"; }

// Elements whose text is not part of the document as it stands: deleted or moved away, field codes, ruby readings, other versions of
// the same content, page furniture.
bool is_skipped(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "w:del",           "w:moveFrom",    "w:instrText",  "w:delText", "w:delInstrText", "w:rt",     "mc:Fallback", "w:pPr",
      "w:rPr",           "w:tblPr",       "w:tblGrid",    "w:trPr",    "w:tcPr",         "w:sectPr", "w:sdtPr",     "w:commentReference",
      "w:annotationRef", "w:footnoteRef", "w:endnoteRef", "wp:docPr",  "pic:pic",        "w:fldData"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

class DocxWriter {
 public:
  DocxWriter(DocxStyles styles, DocxNumbering numbering, Builder* out) : styles_(std::move(styles)), numbering_(std::move(numbering)), out_(out) {}

  void write_body(pugi::xml_node body) {
    blocks(body, 0);
    flush_code();
  }

  // The notes that were referred to, in that order, behind the text.
  void write_notes(pugi::xml_node notes, const char* element, const std::vector<std::string>& ids, size_t first) {
    for (const pugi::xml_node note : notes.children(element)) {
      const auto at = std::ranges::find(ids, std::string(note.attribute("w:id").value()));
      if (at == ids.end()) continue;
      std::string text;
      inline_text(note, &text, 0);
      out_->add(BlockType::kParagraph, "[" + std::to_string(first + static_cast<size_t>(at - ids.begin()) + 1) + "] " + one_line(text));
    }
  }
  const std::vector<std::string>& footnotes() const { return footnotes_; }
  const std::vector<std::string>& endnotes() const { return endnotes_; }

 private:
  void blocks(pugi::xml_node parent, int depth) {
    if (depth > kDepth) return too_deep();
    for (const pugi::xml_node node : parent.children()) {
      if (out_->full()) return;
      const std::string_view name = node.name();
      if (name == "w:p") paragraph(node);
      else if (name == "w:tbl") table(node, depth);
      else if (!is_skipped(name)) blocks(node, depth + 1);  // content controls, insertions, custom XML
    }
  }

  void too_deep() {
    if (!deep_) out_->warn("elements nested more than " + std::to_string(kDepth) + " deep were left out");
    deep_ = true;
  }

  // Text below `parent` as it reads; text boxes are put aside and follow the paragraph.
  void inline_text(pugi::xml_node parent, std::string* out, int depth) {
    if (depth > kDepth) return too_deep();
    for (const pugi::xml_node node : parent.children()) {
      const std::string_view name = node.name();
      if (name == "w:t" || name == "m:t") *out += node.child_value();
      else if (name == "w:tab" || name == "w:ptab") *out += ' ';
      else if (name == "w:br" || name == "w:cr") *out += std::string_view(node.attribute("w:type").value()) == "page" ? ' ' : '\n';
      else if (name == "w:noBreakHyphen") *out += '-';
      else if (name == "w:footnoteReference") *out += reference(node, &footnotes_);
      else if (name == "w:endnoteReference") *out += reference(node, &endnotes_);
      else if (name == "w:txbxContent") boxes_.push_back(node);
      else if (name == "w:r" && is_on(node.child("w:rPr").child("w:vanish"))) continue;
      else if (name == "w:p" || name == "w:tc") inline_text(node, out, depth + 1), *out += ' ';
      else if (!is_skipped(name)) inline_text(node, out, depth + 1);
    }
  }
  static std::string reference(pugi::xml_node node, std::vector<std::string>* notes) {
    const std::string id = node.attribute("w:id").value();
    if (std::string_view(node.attribute("w:customMarkFollows").value()) == "1") return "";
    auto at = std::ranges::find(*notes, id);
    if (at == notes->end() && notes->size() < 10'000) at = notes->insert(notes->end(), id);
    return "[" + std::to_string(at - notes->begin() + 1) + "]";
  }

  void paragraph(pugi::xml_node node) {
    std::string text;
    inline_text(node, &text, 0);
    const pugi::xml_node properties = node.child("w:pPr");
    // A paragraph whose end was deleted runs on with the next; its text still stands.
    const std::string_view named = value(properties.child("w:pStyle"));
    DocxStyle style = styles_.find(named.empty() ? styles_.default_id() : std::string(named));
    if (const pugi::xml_node outline = properties.child("w:outlineLvl"); outline && style.role == DocxStyle::Role::kBody) {
      const int level = outline.attribute("w:val").as_int(9);
      if (level >= 0 && level < 9) style.role = DocxStyle::Role::kHeading, style.level = level + 1;
    }
    if (const pugi::xml_node list = properties.child("w:numPr")) {
      style.number_id = list.child("w:numId") ? list.child("w:numId").attribute("w:val").as_int(0) : style.number_id;
      if (list.child("w:ilvl")) style.number_level = list.child("w:ilvl").attribute("w:val").as_int(0);
    }
    put(style, text);
    const std::vector<pugi::xml_node> boxes = std::exchange(boxes_, {});
    for (const pugi::xml_node box : boxes) {
      if (++box_depth_ < 5) blocks(box, 0);
      --box_depth_;
    }
  }

  void put(const DocxStyle& style, const std::string& text) {
    if (style.role == DocxStyle::Role::kCode) {
      code_ += text + "\n";
      return;
    }
    flush_code();
    if (trim(text).empty()) return;
    switch (style.role) {
      case DocxStyle::Role::kTitle:
        if (!out_->has_title()) out_->set_title(text);
        return out_->add_heading(1, text);
      case DocxStyle::Role::kHeading: return out_->add_heading(style.level, text);
      case DocxStyle::Role::kQuote: return out_->add(BlockType::kQuote, text);
      case DocxStyle::Role::kCode: return;
      case DocxStyle::Role::kBody: break;
    }
    const std::string clean = clean_prose(text);
    if (style.number_id <= 0) return out_->add(BlockType::kParagraph, clean);
    const std::string mark = numbering_.next_mark(style.number_id, style.number_level);
    if (mark.empty()) return out_->add(BlockType::kParagraph, clean);
    out_->add(BlockType::kListItem, mark + clean);
  }

  void flush_code() {
    if (!code_.empty()) out_->add(BlockType::kCode, std::exchange(code_, {}));
  }

  // Rows may stand inside content controls.
  void collect(pugi::xml_node parent, std::string_view wanted, std::vector<pugi::xml_node>* out, int depth) const {
    if (depth > 10) return;
    for (const pugi::xml_node node : parent.children()) {
      const std::string_view name = node.name();
      if (name == wanted) out->push_back(node);
      else if (name != "w:tbl" && name != "w:tc" && !is_skipped(name)) collect(node, wanted, out, depth + 1);
    }
  }

  void table(pugi::xml_node node, int depth) {
    flush_code();
    std::vector<pugi::xml_node> rows;
    collect(node, "w:tr", &rows, 0);
    std::string text;
    std::vector<std::string> above;
    size_t columns = 0;
    bool data = true;
    for (const pugi::xml_node row : rows) {
      if (row.child("w:trPr").child("w:del")) continue;
      std::vector<pugi::xml_node> cells;
      collect(row, "w:tc", &cells, 0);
      std::vector<std::string> texts;
      for (const pugi::xml_node cell : cells) {
        std::string written;
        inline_text(cell, &written, 0);
        data = data && written.size() <= kCellBytes;
        const pugi::xml_node properties = cell.child("w:tcPr"), merge = properties.child("w:vMerge");
        // A cell over several rows is said again in each, so that a row makes sense by itself.
        const bool merged = merge && value(merge) != "restart" && texts.size() < above.size();
        texts.push_back(merged ? above[texts.size()] : one_line(written));
        const int across = std::clamp(properties.child("w:gridSpan").attribute("w:val").as_int(1), 1, kSpanColumns);
        texts.resize(texts.size() + static_cast<size_t>(across) - 1);
      }
      above = texts;
      columns = std::max(columns, texts.size());
      if (std::ranges::any_of(texts, [](const std::string& one) { return !one.empty(); })) text += table_row(texts) + "\n";
    }
    boxes_.clear();
    if (data && columns >= 2) return out_->add(BlockType::kTable, text);
    for (const pugi::xml_node row : rows) blocks(row, depth + 1);
  }

  DocxStyles styles_;
  DocxNumbering numbering_;
  Builder* out_;
  std::string code_;
  std::vector<std::string> footnotes_, endnotes_;
  std::vector<pugi::xml_node> boxes_;
  int box_depth_ = 0;
  bool deep_ = false;
};

using Xml = std::unique_ptr<pugi::xml_document>;

// A part that a document may lack; a damaged one counts as lacking, with a warning.
Result<Xml> optional_part(Package& package, const std::string& main, std::string_view type, Builder* out) {
  const std::string part = package.related(main, type);
  if (part.empty()) return std::make_unique<pugi::xml_document>();
  Result<Xml> xml = package.xml(part);
  if (xml || xml.error().reason == "document_too_large") return xml;
  out->warn(xml.error().message);
  return std::make_unique<pugi::xml_document>();
}

}  // namespace

Result<document::Document> parse_docx(std::string_view bytes, const document::Limits& limits) {
  Builder builder(limits);
  TRY_ASSIGN(const std::unique_ptr<Package> package, Package::open(bytes));
  std::string main = package->related("", "/officeDocument");
  if (main.empty()) main = "word/document.xml";
  Result<Xml> document = package->xml(main);
  if (!document && document.error().code == Code::kNotFound) return unreadable("this is no Word document: it has no part " + main);
  if (!document) return document.error();
  const pugi::xml_node body = (*document)->child("w:document").child("w:body");
  if (!body) return unreadable("this is no Word document: " + main + " has no body");
  TRY_ASSIGN(const Xml style_part, optional_part(*package, main, "/styles", &builder));
  TRY_ASSIGN(const Xml number_part, optional_part(*package, main, "/numbering", &builder));
  DocxStyles styles;
  styles.read(style_part->document_element());
  DocxNumbering numbering;
  numbering.read(number_part->document_element());
  DocxWriter writer(std::move(styles), std::move(numbering), &builder);
  writer.write_body(body);
  TRY_ASSIGN(const Xml footnotes, optional_part(*package, main, "/footnotes", &builder));
  const std::vector<std::string> foot_ids = writer.footnotes(), end_ids = writer.endnotes();
  writer.write_notes(footnotes->document_element(), "w:footnote", foot_ids, 0);
  TRY_ASSIGN(const Xml endnotes, optional_part(*package, main, "/endnotes", &builder));
  writer.write_notes(endnotes->document_element(), "w:endnote", end_ids, 0);
  if (!builder.has_title()) {
    const auto core = package->xml("docProps/core.xml");
    if (core) builder.set_title((*core)->document_element().child_value("dc:title"));
  }
  return builder.finish();
}

}  // namespace strata::worker
