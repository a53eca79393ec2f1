// worker/pdf: PDF → Document, by poppler. Whatever links this room is GPL as a whole (poppler is GPL-2.0-or-later): it is linked by
// strata-parse-pdf, a program of its own, and by nothing else.
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document/document.h"
#include "worker/ocr/ocr.h"

namespace strata::worker {

// Text page by page in reading order. A page without text that shows something is rendered and read by `ocr` (may be null: then it
// stays empty, with a warning), for at most Limits::ocr_pages pages and three quarters of Limits::wall_ms.
Result<document::Document> parse_pdf(std::string_view bytes, const document::Limits& limits, Ocr* ocr);

// Loads what poppler would else load at first use. Before files are out of reach.
void preload_pdf();

}  // namespace strata::worker
