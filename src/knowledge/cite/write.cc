// A checked report → Markdown and PDF.
#include "infra/pdf/pdf.h"
#include "knowledge/cite/cite.h"

namespace strata::cite {
namespace {

constexpr char kOpen[] = "What stays open", kSources[] = "Sources";

std::string summary_of(const Report& report) {
  const int wrong = report.sentences - report.supported;
  std::string out = std::to_string(report.supported) + " of " + std::to_string(report.sentences) + " sentences are supported by what they cite";
  if (wrong > 0) out += report.remove ? "; the others were left out" : "; the others are marked";
  return out + ". Each quote was looked up in its document. That a sentence is supported was judged by its words, numbers and names.";
}
std::string mark(int number) { return "[" + std::to_string(number) + "]"; }
std::string marks(const std::vector<int>& numbers) {
  std::string out;
  for (int number : numbers) out += mark(number);
  return out;
}
// No markup comes from outside: neither tags nor links.
std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '<') out += "&lt;";
    else if (c == '\n') out += ' ';
    else if (c == '[' || c == ']' || c == '!') (out += '\\') += c;
    else out += c;
  }
  return out;
}
std::string origin_of(const CheckedSource& source) { return source.url.empty() ? source.filename : source.url; }

std::string line_text(const Line& line, bool remove) {
  std::string out;
  for (const Sentence& one : line.sentences) {
    if (remove && !one.supported) continue;
    if (!out.empty()) out += ' ';
    if (one.supported) out += escaped(one.text) + " " + marks(one.cites);
    else out += "⚠ *" + escaped(one.text) + "* (not supported: " + escaped(one.reason) + ")";
  }
  return out;
}

std::vector<pdf::Span> line_spans(const Line& line, bool remove) {
  std::vector<pdf::Span> out;
  for (const Sentence& one : line.sentences) {
    if (remove && !one.supported) continue;
    if (!out.empty()) out.push_back({" "});
    else if (line.item) out.push_back({"• "});
    out.push_back({one.supported ? one.text + " " : one.text + " [not supported: " + one.reason + "]"});
    for (int number : one.supported ? one.cites : std::vector<int>{}) out.push_back({.text = mark(number), .target = number});
  }
  return out;
}

}  // namespace

std::string markdown_of(const Report& report) {
  std::string out = "# " + escaped(report.title) + "\n\n*" + summary_of(report) + "*\n";
  for (const CheckedSection& section : report.sections) {
    out += "\n## " + escaped(section.heading) + "\n";
    for (const Line& line : section.lines) {
      if (const std::string text = line_text(line, report.remove); !text.empty()) out += (line.item ? "\n- " : "\n") + text + "\n";
    }
  }
  if (!report.open.empty()) out += std::string("\n## ") + kOpen + "\n\n";
  for (const std::string& question : report.open) out += "- " + escaped(question) + "\n";
  out += std::string("\n## ") + kSources + "\n";
  for (size_t i = 0; i < report.sources.size(); ++i) {
    const CheckedSource& source = report.sources[i];
    out += "\n" + mark(static_cast<int>(i) + 1) + " ";
    if (source.problem.empty()) out += escaped(source.title) + ", " + escaped(origin_of(source)) + ": “" + escaped(source.given.quote) + "”\n";
    else out += "⚠ " + escaped(source.given.document) + ": not found (" + escaped(source.problem) + ")\n";
  }
  return out;
}

std::string pdf_of(const Report& report) {
  using pdf::Kind;
  std::vector<pdf::Block> blocks = {{Kind::kTitle, {{report.title}}}, {Kind::kNote, {{summary_of(report)}}}};
  for (const CheckedSection& section : report.sections) {
    blocks.push_back({Kind::kHeading, {{section.heading}}});
    for (const Line& line : section.lines) {
      if (auto spans = line_spans(line, report.remove); !spans.empty()) blocks.push_back({Kind::kParagraph, std::move(spans)});
    }
  }
  if (!report.open.empty()) blocks.push_back({Kind::kHeading, {{kOpen}}});
  for (const std::string& question : report.open) blocks.push_back({Kind::kParagraph, {{"• " + question}}});
  blocks.push_back({Kind::kHeading, {{kSources}}});
  for (size_t i = 0; i < report.sources.size(); ++i) {
    const CheckedSource& source = report.sources[i];
    const int number = static_cast<int>(i) + 1;
    if (source.problem.empty())
      blocks.push_back({Kind::kParagraph,
                        {{.text = mark(number) + " ", .bold = true},
                         {source.title + ", "},
                         {.text = origin_of(source), .url = source.url},
                         {": “" + source.given.quote + "”"}},
                        number});
    else
      blocks.push_back(
          {Kind::kParagraph, {{.text = mark(number) + " ", .bold = true}, {source.given.document + ": not found (" + source.problem + ")"}}, number});
  }
  if (const int missing = pdf::write(report.title, blocks).missing; missing > 0)
    blocks.push_back(
        {Kind::kNote, {{std::to_string(missing) + " characters are shown as '?' here, because PDF's own fonts lack them; the Markdown has them."}}});
  return pdf::write(report.title, blocks).bytes;
}

}  // namespace strata::cite
