// worker/parse: the parsers of text, Markdown, HTML and DOCX, as plain functions from bytes to a Document.
//
// They are written for hostile bytes: bounded in depth, in size of output (Limits::text_bytes) and in what they unpack; they do not
// touch files. Each returns an Error (kInvalidArgument) for what it cannot read. THREADS: one at a time.
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document/document.h"

namespace strata::worker {

// Paragraphs between blank lines, lines kept. Headings that are underlined with = - ~ and the like become headings.
Result<document::Document> parse_text(std::string_view bytes, const document::Limits& limits);

// CommonMark with GitHub's tables, task lists and strike-through. Front matter gives the title; comments, shortcodes and attribute
// lists of site generators are dropped; MkDocs admonitions are unwrapped; embedded HTML is read as HTML.
Result<document::Document> parse_markdown(std::string_view bytes, const document::Limits& limits);

// HTML5 as browsers read it. Main content; scripts, styles, navigation, hidden elements and page furniture are dropped.
Result<document::Document> parse_html(std::string_view bytes, const document::Limits& limits);

// Word documents: headings by style or outline level, lists, tables, footnotes; deleted text, headers and footers are dropped.
Result<document::Document> parse_docx(std::string_view bytes, const document::Limits& limits);

// Whichever of the four `kind` names.
Result<document::Document> parse(document::Kind kind, std::string_view bytes, const document::Limits& limits);

}  // namespace strata::worker
