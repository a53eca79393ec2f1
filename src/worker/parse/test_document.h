// For tests: a document as lines that are easy to compare, and what must hold for every document.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/text.h"
#include "knowledge/document/document.h"

namespace strata::worker {

// "H1 Title / P text / L - item / T | a | b | / C code / Q quote", one block a line, line ends inside shown as "⏎".
inline std::string shown(const Result<document::Document>& document) {
  if (!document) return "error: " + document.error().message;
  std::string out;
  size_t heading = 0;
  for (const document::Block& block : document->blocks) {
    if (!out.empty()) out += "\n";
    if (block.type == document::BlockType::kHeading) out += "H" + std::to_string(document->headings.at(heading++).level) + " ";
    else out += std::string(1, "PHLTCQ"[static_cast<int>(block.type)]) + " ";
    for (char c : document->text.substr(block.at.begin, block.at.end - block.at.begin)) out += c == '\n' ? "⏎" : std::string(1, c);
  }
  return out;
}

// The receiving side's own checks: the reply comes through the wire unchanged.
inline void expect_sound(const Result<document::Document>& document, const document::Limits& limits = {}) {
  if (!document) {
    EXPECT_EQ(document.error().code, Code::kInvalidArgument) << document.error().message;
    return;
  }
  const auto received = document::wire::decode_reply(document::wire::encode_reply(document), {.kind = document->kind, .limits = limits});
  ASSERT_TRUE(received.has_value()) << received.error().message;
  EXPECT_EQ(received->text, document->text);
  for (const document::Heading& heading : document->headings) {
    EXPECT_EQ(document->text.substr(heading.at.begin, heading.at.end - heading.at.begin), heading.title);
  }
}

}  // namespace strata::worker
