#include <gtest/gtest.h>
#include <zip.h>

#include <map>

#include "worker/parse/parse.h"
#include "worker/parse/test_document.h"

namespace strata::worker {
namespace {

// A zip archive in memory.
std::string zipped(const std::map<std::string, std::string>& parts) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* memory = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_source_keep(memory);
  zip_t* zip = zip_open_from_source(memory, ZIP_TRUNCATE, &error);
  for (const auto& [name, text] : parts) zip_file_add(zip, name.c_str(), zip_source_buffer(zip, text.data(), text.size(), 0), ZIP_FL_OVERWRITE);
  EXPECT_EQ(zip_close(zip), 0);
  zip_source_open(memory);
  std::string out;
  char buffer[4096];
  for (zip_int64_t got; (got = zip_source_read(memory, buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<size_t>(got));
  zip_source_close(memory);
  zip_source_free(memory);
  return out;
}

std::string relation(const std::string& type, const std::string& target) {
  return "<Relationship Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/" + type + "' Target='" + target + "'/>";
}

std::string docx(const std::string& body, std::map<std::string, std::string> more = {}) {
  more["_rels/.rels"] = "<Relationships>" + relation("officeDocument", "word/document.xml") + "</Relationships>";
  more["word/_rels/document.xml.rels"] = "<Relationships>" + relation("styles", "styles.xml") + relation("numbering", "/word/numbering.xml") +
                                         relation("footnotes", "footnotes.xml") + "</Relationships>";
  more["word/document.xml"] = "<w:document><w:body>" + body + "<w:sectPr/></w:body></w:document>";
  if (!more.contains("word/styles.xml")) {
    more["word/styles.xml"] =
        "<w:styles><w:style w:type='paragraph' w:styleId='berschrift1'><w:name w:val='heading 1'/></w:style>"
        "<w:style w:type='paragraph' w:styleId='Mine'><w:name w:val='My head'/><w:basedOn w:val='berschrift1'/></w:style>"
        "<w:style w:type='paragraph' w:styleId='Out'><w:name w:val='Whatever'/><w:pPr><w:outlineLvl w:val='2'/></w:pPr></w:style>"
        "<w:style w:type='paragraph' w:styleId='Titel'><w:name w:val='Title'/></w:style>"
        "<w:style w:type='paragraph' w:styleId='Code'><w:name w:val='HTML Preformatted'/></w:style></w:styles>";
  }
  return zipped(more);
}
std::string p(const std::string& text, const std::string& style = "", const std::string& properties = "") {
  return "<w:p><w:pPr>" + (style.empty() ? "" : "<w:pStyle w:val='" + style + "'/>") + properties + "</w:pPr><w:r><w:t xml:space='preserve'>" + text +
         "</w:t></w:r></w:p>";
}
std::string read(const std::string& bytes) {
  const auto document = parse_docx(bytes, {});
  expect_sound(document);
  return shown(document);
}

TEST(Docx, HeadingsByStyleNameInheritanceAndOutlineLevel) {
  const std::string bytes = docx(p("The title", "Titel") + p("One", "berschrift1") + p("Two", "Mine") + p("Three", "Out") +
                                 p("Direct", "", "<w:outlineLvl w:val='1'/>") + p("Body") + p("By id", "Heading2"));
  EXPECT_EQ(read(bytes), "H1 The title\nH1 One\nH1 Two\nH3 Three\nH2 Direct\nP Body\nH2 By id");
  EXPECT_EQ(parse_docx(bytes, {})->title, "The title");
}

TEST(Docx, RunsAreJoinedAndDeletedHiddenAndFieldTextIsNot) {
  EXPECT_EQ(
      read(docx("<w:p><w:r><w:t>Ab</w:t></w:r><w:r><w:t>c </w:t><w:tab/><w:t>d</w:t><w:br/><w:t>e</w:t><w:noBreakHyphen/><w:softHyphen/><w:t>f</w:t></w:r>"
                "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:ins><w:r><w:t> new</w:t></w:r></w:ins>"
                "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:r><w:instrText>PAGEREF x</w:instrText></w:r>"
                "<w:hyperlink><w:r><w:t> link</w:t></w:r></w:hyperlink><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom></w:p>")),
      "P Abc d⏎e-f new link");
}

TEST(Docx, ListsAreNumberedAsWordDoes) {
  const std::string level =
      "<w:lvl w:ilvl='0'><w:start w:val='3'/><w:numFmt w:val='decimal'/><w:lvlText w:val='%1.'/></w:lvl>"
      "<w:lvl w:ilvl='1'><w:numFmt w:val='lowerLetter'/><w:lvlText w:val='%1.%2)'/></w:lvl>";
  const auto item = [](const std::string& text, int list, int depth) {
    return p(text, "", "<w:numPr><w:ilvl w:val='" + std::to_string(depth) + "'/><w:numId w:val='" + std::to_string(list) + "'/></w:numPr>");
  };
  EXPECT_EQ(read(docx(item("a", 1, 0) + item("b", 1, 1) + item("c", 1, 1) + item("d", 1, 0) + item("e", 1, 1) + item("f", 2, 0) + item("g", 0, 0),
                      {{"word/numbering.xml",
                        "<w:numbering><w:abstractNum w:abstractNumId='7'>" + level +
                            "</w:abstractNum><w:abstractNum w:abstractNumId='8'>"
                            "<w:lvl w:ilvl='0'><w:numFmt w:val='bullet'/></w:lvl></w:abstractNum><w:num w:numId='1'><w:abstractNumId w:val='7'/></w:num>"
                            "<w:num w:numId='2'><w:abstractNumId w:val='8'/></w:num></w:numbering>"}})),
            "L 3. a\nL   3.a) b\nL   3.b) c\nL 4. d\nL   4.a) e\nL - f\nP g");
}

TEST(Docx, TablesNotesTextBoxesAndCode) {
  const std::string row = "<w:tr><w:tc>" + p("a") + p("more") + "</w:tc><w:tc>" + p("b") + "</w:tc></w:tr>";
  EXPECT_EQ(read(docx("<w:tbl>" + row + "<w:tr><w:trPr><w:del/></w:trPr><w:tc>" + p("x") + "</w:tc></w:tr></w:tbl>")), "T | a more | b |");
  EXPECT_EQ(read(docx("<w:tbl><w:tr><w:tc><w:tcPr><w:vMerge w:val='restart'/></w:tcPr>" + p("a") + "</w:tc><w:tc><w:tcPr><w:gridSpan w:val='2'/></w:tcPr>" +
                      p("b") + "</w:tc></w:tr><w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr>" + p("") + "</w:tc><w:tc>" + p("c") + "</w:tc><w:tc>" + p("d") +
                      "</w:tc></w:tr></w:tbl>")),
            "T | a | b |  |⏎| a | c | d |");
  EXPECT_EQ(read(docx("<w:tbl><w:tr><w:tc>" + p("Head", "berschrift1") + p("Text") + "</w:tc></w:tr></w:tbl>")), "H1 Head\nP Text")
      << "a table of one cell is a frame";
  EXPECT_EQ(read(docx("<w:p><w:r><w:t>See</w:t><w:footnoteReference w:id='5'/></w:r></w:p>",
                      {{"word/footnotes.xml", "<w:footnotes><w:footnote w:id='0'>" + p("sep") + "</w:footnote><w:footnote w:id='5'>" + p("The note.") +
                                                  "</w:footnote></w:footnotes>"}})),
            "P See[1]\nP [1] The note.");
  EXPECT_EQ(read(docx("<w:p><w:r><w:t>Out</w:t><mc:AlternateContent><mc:Choice><w:drawing><w:txbxContent>" + p("Boxed") +
                      "</w:txbxContent></w:drawing></mc:Choice><mc:Fallback>" + p("Boxed") + "</mc:Fallback></mc:AlternateContent></w:r></w:p>")),
            "P Out\nP Boxed");
  EXPECT_EQ(read(docx(p("a()", "Code") + p("  b()", "Code") + p("End"))), "C a()⏎  b()\nP End");
}

TEST(Docx, ZipBombsAreRefused) {
  const auto bomb = parse_docx(docx(p(std::string(30u << 20, 'a'))), {});
  ASSERT_FALSE(bomb.has_value());
  EXPECT_EQ(bomb.error().reason, "document_too_large");
}

TEST(Docx, DeepAndDamagedFilesAreErrorsOrCut) {
  std::string deep;
  for (int i = 0; i < 5'000; ++i) deep += "<w:ins>";
  for (int i = 0; i < 5'000; ++i) deep += "</w:ins>";
  const auto document = parse_docx(docx(p("Kept") + deep), {});
  ASSERT_TRUE(document.has_value()) << document.error().message;
  EXPECT_FALSE(document->warnings.empty());
  const std::string good = docx(p("Text"));
  for (size_t size = 0; size < good.size(); size += 7) EXPECT_FALSE(parse_docx(good.substr(0, size), {}).has_value());
  EXPECT_EQ(parse_docx(zipped({{"a.txt", "x"}}), {}).error().reason, "document_unreadable");
  EXPECT_EQ(parse_docx(docx("<w:p>"), {}).error().reason, "document_unreadable");
}

}  // namespace
}  // namespace strata::worker
