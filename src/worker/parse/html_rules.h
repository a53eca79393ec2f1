// Which parts of a page are its content: elements that are dropped, and where the main content lies.
#pragma once

#include "worker/parse/html_tree.h"

namespace strata::worker {

enum class Trim {
  kUnseen,     // what a reader never sees or cannot read: scripts, styles, hidden elements, form controls
  kFurniture,  // also navigation, page headers and footers, edit links and the like, known by element, role or class
};

bool is_dropped(const GumboNode* node, Trim trim);

// The element that holds the main content: <main>, role="main", the only <article>, else <body>.
const GumboNode* main_content(const GumboNode* root);

enum class Layout { kInline, kBlock, kHeading, kListItem, kCode, kTable, kQuote, kBreak, kImage };
Layout layout(const GumboNode* node);

}  // namespace strata::worker
