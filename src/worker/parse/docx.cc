#include "worker/parse/builder.h"
#include "worker/parse/parse.h"
namespace strata::worker {
Result<document::Document> parse_docx(std::string_view, const document::Limits&) { return unreadable(""); }
}
