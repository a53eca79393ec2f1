#include "knowledge/cite/cite.h"

#include <gtest/gtest.h>

#include <map>

namespace strata::cite {
namespace {

class FewDocuments : public Shelf {
 public:
  std::map<std::string, Document> documents;
  Result<Document> find(const Context&, const std::string& name, const std::vector<std::string>&) override {
    const auto found = documents.find(name);
    if (found == documents.end()) return not_found("there is no document '" + name + "'");
    return found->second;
  }
};

const char kLeave[] =
    "Leave\n\nFull-time employees receive 27 days of paid annual leave per calendar year. Part-time employees receive leave in\nproportion to their "
    "hours. Unused days expire on 31 March of the following year.";

struct Desk {
  FewDocuments shelf;
  Context context = Context::background();
  Desk() {
    shelf.documents["leave.md"] = {"doc_1", "file_1", "leave.md", "Leave", "https://example.com/leave", kLeave};
    shelf.documents["ours.md"] = {"", "file_2", "ours.md", "Ours", "", "Full-time employees receive 90 days of leave.", true};
  }
  Report report(std::string text, std::vector<Source> sources, bool remove = false) {
    return *check(context, shelf,
                  {.title = "Leave <b>", .sections = {{"Days", std::move(text)}}, .sources = std::move(sources), .open = {"Who decides?"}, .remove = remove},
                  {});
  }
};
const Source kDays{"leave.md", "27 days of paid annual leave"};

TEST(Cite, ASentenceThatItsQuoteSaysIsSupported) {
  const Report report = Desk().report("Full-time employees receive 27 days of paid annual leave [1].", {kDays});
  EXPECT_EQ(report.supported, 1);
  EXPECT_EQ(report.sources[0].problem, "");
  EXPECT_EQ(std::string(kLeave).substr(report.sources[0].at.begin, 28), kDays.quote);
}

TEST(Cite, AnotherNumberANameLessQuoteAndAMissingMarkAreNot) {
  Desk desk;
  EXPECT_EQ(desk.report("Full-time employees receive 30 days of paid annual leave [1].", {kDays}).supported, 0);
  const Report bare = desk.report("Full-time employees receive 27 days of paid annual leave.", {kDays});
  EXPECT_EQ(bare.sections[0].lines[0].sentences[0].reason, "it cites nothing");
  EXPECT_EQ(desk.report("Employees receive 27 days of paid annual leave [2].", {kDays}).sections[0].lines[0].sentences[0].reason, "there is no source [2]");
}

TEST(Cite, AQuoteThatDoesNotStandInItsDocumentSupportsNothing) {
  Desk desk;
  for (const Source& source : {Source{"leave.md", "35 days of paid annual leave"}, Source{"nowhere.md", "27 days of paid annual leave"},
                               Source{"leave.md", "27 days"}, Source{"ours.md", "employees receive 90 days of leave"}}) {
    const Report report = desk.report("Full-time employees receive 27 days of paid annual leave [1].", {source});
    EXPECT_EQ(report.supported, 0) << source.quote;
    EXPECT_NE(report.sources[0].problem, "") << source.quote;
  }
}

TEST(Cite, AQuoteIsFoundAcrossLineEndsAndTypographicMarks) {
  EXPECT_NE(find_quote(kLeave, "leave in proportion to their hours"), document::Range{});
  EXPECT_NE(find_quote("it’s  a “long\nway” – home", "\"it's a \"long way\" - home\""), document::Range{});
  EXPECT_EQ(find_quote(kLeave, "leave in proportion to our hours"), document::Range{});
  EXPECT_EQ(find_quote("", "x"), document::Range{});
  EXPECT_EQ(find_quote("x", ""), document::Range{});
}

TEST(Cite, MarksAfterTheFullStopBelongToTheSentenceBefore) {
  const Report report = Desk().report(
      "Full-time employees receive 27 days of paid annual leave. [1] Unused days expire on 31 March.[1, 2]\n- Part-time employees receive leave in proportion "
      "to their hours [2][1].",
      {kDays, {"leave.md", "Unused days expire on 31 March"}});
  ASSERT_EQ(report.sections[0].lines.size(), 2u);
  ASSERT_EQ(report.sections[0].lines[0].sentences.size(), 2u);
  EXPECT_EQ(report.sections[0].lines[0].sentences[0].cites, std::vector<int>({1}));
  EXPECT_EQ(report.sections[0].lines[0].sentences[1].cites, std::vector<int>({1, 2}));
  EXPECT_EQ(report.sections[0].lines[0].sentences[1].text, "Unused days expire on 31 March.");
  EXPECT_TRUE(report.sections[0].lines[1].item);
  EXPECT_EQ(report.sections[0].lines[1].sentences[0].cites, std::vector<int>({2, 1}));
}

TEST(Cite, WhatIsNotSupportedIsMarkedOrLeftOut) {
  Desk desk;
  const std::string text = "Full-time employees receive 27 days of paid annual leave [1]. The moon is made of cheese [1].";
  const std::string marked = markdown_of(desk.report(text, {kDays})), removed = markdown_of(desk.report(text, {kDays}, true));
  EXPECT_NE(marked.find("⚠ *The moon is made of cheese.* (not supported: "), std::string::npos) << marked;
  EXPECT_EQ(removed.find("moon"), std::string::npos);
  EXPECT_NE(removed.find("1 of 2 sentences are supported by what they cite; the others were left out"), std::string::npos);
  EXPECT_NE(marked.find("[1] Leave, https://example.com/leave: “27 days of paid annual leave”"), std::string::npos) << marked;
  EXPECT_NE(marked.find("## What stays open\n\n- Who decides?"), std::string::npos);
  EXPECT_NE(marked.find("# Leave &lt;b>"), std::string::npos);
  const std::string pdf = pdf_of(desk.report(text, {kDays}));
  EXPECT_TRUE(pdf.starts_with("%PDF-1.7"));
  EXPECT_NE(pdf.find("/URI(https://example.com/leave)"), std::string::npos);
}

}  // namespace
}  // namespace strata::cite
