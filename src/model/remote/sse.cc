#include "model/remote/sse.h"

namespace strata::remote {

Status SseReader::feed(std::string_view bytes, const std::function<Status(std::string_view)>& on_event) {
  while (!bytes.empty()) {
    if (after_cr_ && bytes[0] == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    size_t end = bytes.find_first_of("\r\n");
    line_ += bytes.substr(0, end);
    if (line_.size() + data_.size() > bytes_max_) return data_loss("an event of the stream is over " + std::to_string(bytes_max_) + " bytes");
    if (end == std::string_view::npos) return {};
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    TRY(end_line(on_event));
  }
  return {};
}

Status SseReader::finish(const std::function<Status(std::string_view)>& on_event) {
  if (!line_.empty()) TRY(end_line(on_event));
  return dispatch(on_event);
}

Status SseReader::end_line(const std::function<Status(std::string_view)>& on_event) {
  std::string line = std::move(line_);
  line_.clear();
  if (first_line_ && line.rfind("\xEF\xBB\xBF", 0) == 0) line.erase(0, 3);
  first_line_ = false;
  if (line.empty()) return dispatch(on_event);
  std::string_view rest = line;
  std::string_view field = rest.substr(0, rest.find(':'));
  if (field != "data") return {};   // a comment, an event name, an id
  rest.remove_prefix(std::min(rest.size(), field.size() + 1));
  if (!rest.empty() && rest[0] == ' ') rest.remove_prefix(1);
  if (has_data_) data_ += '\n';
  data_ += rest;
  has_data_ = true;
  return {};
}

Status SseReader::dispatch(const std::function<Status(std::string_view)>& on_event) {
  if (!has_data_) return {};
  std::string data = std::move(data_);
  data_.clear();
  has_data_ = false;
  return on_event(data);
}

}  // namespace strata::remote
