// Server-sent events, read from pieces of any size: the WHATWG event stream format, of which only the data of events matters here.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace strata::remote {

class SseReader {
 public:
  // An event of more than `bytes_max` is an error.
  explicit SseReader(size_t bytes_max = 4u << 20) : bytes_max_(bytes_max) {}

  // Calls `on_event` with the data of each event that ends in these bytes; its error ends the reading.
  Status feed(std::string_view bytes, const std::function<Status(std::string_view)>& on_event);
  // The stream has ended. An event without its empty line is complete all the same: some servers leave the last one out.
  Status finish(const std::function<Status(std::string_view)>& on_event);

 private:
  Status end_line(const std::function<Status(std::string_view)>& on_event);
  Status dispatch(const std::function<Status(std::string_view)>& on_event);

  size_t bytes_max_;
  std::string line_;
  std::string data_;
  bool has_data_ = false;
  bool after_cr_ = false;     // a line feed now belongs to the line end before it
  bool first_line_ = true;
};

}  // namespace strata::remote
