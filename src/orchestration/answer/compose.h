// Building an answer's text with its citations and verdicts in step. Internal to orchestration/answer.
#pragma once

#include <string>
#include <string_view>

#include "knowledge/ground/ground.h"
#include "orchestration/answer/answer.h"

namespace strata::answer {

// What an answer grows from: each add… returns the text to release, and the citations that came with it in `citations`.
struct Piece {
  std::string text;
  std::vector<Citation> citations;
};

// One document range of a hit, with a number of its own unless `number` is given. The answer's byte range is left to the caller.
Citation citation_of(const retrieve::Hit& hit, document::Range at, std::string quote, int number);

// A quote made readable: white space joined; list items and table rows on lines of their own, their markers removed.
std::string readable(std::string_view quote);

// Appends “quote” [n] for each quote; a table row stands below the names of its columns, which are a citation of the same number.
// ENSURES: the citations' answer ranges are what stands between the quotation marks.
Piece add_quotes(Answer* answer, const std::vector<ground::Quote>& quotes, const std::vector<retrieve::Hit>& hits);
// Appends a verified sentence of the model and the number of the passage that says it.
Piece add_generated(Answer* answer, const std::string& sentence, const ground::Claim& claim, const retrieve::Hit& hit, document::Range at);
// Appends a sentence of ours that asserts nothing about the documents' subject.
Piece add_notice(Answer* answer, std::string_view text);

}  // namespace strata::answer
