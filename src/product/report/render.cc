// The forms of an update, from its small Markdown. Lines that are none of its marks are plain paragraphs.
#include "base/text.h"
#include "product/report/report.h"

namespace strata::report {
namespace {

bool bold(std::string_view line) { return line.size() > 4 && line.starts_with("**") && line.ends_with("**"); }
std::string_view unbold(std::string_view line) { return bold(line) ? line.substr(2, line.size() - 4) : line; }

std::string text_form(std::string_view markdown) {
  std::string out;
  for (std::string_view line : split(markdown, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("## ")) out += std::string(line.substr(3)) + ":\n";
    else if (line.starts_with("# ")) out += std::string(line.substr(2)) + "\n";
    else out += std::string(unbold(line)) + "\n";
  }
  return std::string(trim(out));
}

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string html_form(std::string_view markdown) {
  std::string body, title = "Weekly update";
  bool list = false;
  auto close = [&] {
    if (list) body += "</ul>\n";
    list = false;
  };
  for (std::string_view raw : split(markdown, '\n')) {
    std::string_view line = trim(raw);
    if (line.starts_with("- ")) {
      if (!list) body += "<ul>\n";
      list = true;
      body += "<li>" + escaped(line.substr(2)) + "</li>\n";
      continue;
    }
    close();
    if (line.starts_with("## ")) body += "<h2>" + escaped(line.substr(3)) + "</h2>\n";
    else if (line.starts_with("# ")) title = escaped(line.substr(2)), body += "<h1>" + title + "</h1>\n";
    else if (bold(line)) body += "<p><strong>" + escaped(unbold(line)) + "</strong></p>\n";
    else if (!line.empty()) body += "<p>" + escaped(line) + "</p>\n";
  }
  close();
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>" + title +
         "</title>\n<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:2em auto;padding:0 1em}h1{font-size:1.3em}h2{font-size:1em}</style>\n"
         "</head>\n<body>\n" +
         body + "</body>\n</html>\n";
}

}  // namespace

Result<Form> form_from(std::string_view name) {
  if (name == "markdown") return Form::kMarkdown;
  if (name == "html") return Form::kHtml;
  if (name == "text") return Form::kText;
  return invalid_argument("form: expected one of markdown, html, text; got '" + std::string(name.substr(0, 40)) + "'", "form");
}

std::string render(std::string_view markdown, Form form) {
  switch (form) {
    case Form::kMarkdown: return std::string(markdown);
    case Form::kHtml: return html_form(markdown);
    case Form::kText: return text_form(markdown);
  }
  return std::string(markdown);
}

}  // namespace strata::report
