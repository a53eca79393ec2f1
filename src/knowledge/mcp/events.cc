#include "knowledge/mcp/events.h"

#include "knowledge/mcp/rpc.h"

namespace strata::mcp {

bool EventReader::end_line(const std::function<bool(const std::string& data)>& each) {
  const std::string line = std::move(line_);
  line_.clear();
  if (line.empty()) {   // the end of an event
    const std::string data = std::move(data_);
    data_.clear();
    const bool whole = has_data_ && !data.empty();
    has_data_ = false;
    return !whole || each(data);
  }
  if (!line.starts_with("data")) return true;
  std::string_view value = line;
  value.remove_prefix(4);
  if (!value.empty() && value.front() != ':') return true;   // a field with a longer name
  if (!value.empty()) value.remove_prefix(1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (has_data_) data_ += '\n';
  data_ += value;
  has_data_ = true;
  return true;
}

Status EventReader::feed(std::string_view bytes, const std::function<bool(const std::string& data)>& each) {
  for (const char c : bytes) {
    const bool second_half = after_return_ && c == '\n';   // of "\r\n"
    after_return_ = c == '\r';
    if (second_half) continue;
    if (c == '\n' || c == '\r') {
      if (!end_line(each)) return {};
      continue;
    }
    if (line_.size() + data_.size() >= rpc::kMessageBytesMost)
      return resource_exhausted("an event is over the limit of " + std::to_string(rpc::kMessageBytesMost) + " bytes", "too_large");
    line_ += c;
  }
  return {};
}

}  // namespace strata::mcp
