// Server-sent events, read: the framing of Streamable HTTP's streams. Inside knowledge/mcp only.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace strata::mcp {

// Bytes in any pieces → the data of each event. Comments, names and ids of events are passed over, and so are events without data (servers
// send those to open a stream). SOURCE: https://html.spec.whatwg.org/multipage/server-sent-events.html
class EventReader {
 public:
  // `each` returns false to stop. kResourceExhausted where an event is over rpc::kMessageBytesMost.
  Status feed(std::string_view bytes, const std::function<bool(const std::string& data)>& each);

 private:
  bool end_line(const std::function<bool(const std::string& data)>& each);   // false: stop
  std::string line_, data_;
  bool has_data_ = false, after_return_ = false;
};

}  // namespace strata::mcp
