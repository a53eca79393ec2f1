#include "orchestration/guard/guard.h"

namespace strata::guard {
namespace {

// An unbroken run of so many bytes is no address any more (64 + 1 + 254 bytes at most): it is cut wherever nothing was found.
constexpr size_t kUnbrokenMax = 1'024;

// Nothing personal has one of these inside: white space in an e-mail address, and letters beyond ASCII anywhere. (Spaces inside numbers
// are what kHeldBytes is for.)
bool parts(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || static_cast<unsigned char>(c) >= 0xC0; }
bool inside_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

bool inside(const std::vector<Pii>& found, size_t at) {
  for (auto& pii : found)
    if (pii.begin < at && at < pii.end) return true;
  return false;
}

}  // namespace

std::string MaskStream::give(size_t bytes) {
  Masked masked = mask_pii(std::string_view(held_).substr(0, bytes));
  for (auto& pii : masked.found) ++found_[pii.kind];
  held_.erase(0, bytes);
  return std::move(masked.text);
}

std::string MaskStream::feed(std::string_view text) {
  held_ += text;
  if (held_.size() <= kHeldBytes) return "";
  const std::vector<Pii> found = find_pii(held_);
  const bool unbroken = held_.size() > kUnbrokenMax;
  for (size_t at = held_.size() - kHeldBytes; at > 0; --at) {
    const bool place = parts(held_[at]) || (unbroken && !inside_character(held_[at]));
    if (place && !inside(found, at)) return give(at);
  }
  return "";
}

std::string MaskStream::rest() { return give(held_.size()); }

}  // namespace strata::guard
