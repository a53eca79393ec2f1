#include "infra/http/request_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

#include "base/text.h"

namespace strata::http {
namespace beast = boost::beast::http;

namespace {
// Chunk sizes and extensions that never end would otherwise collect without limit.
constexpr size_t kUnparsedBytesMax = 16u << 10;

// A body in a string that grows with what has come. WHY: Beast's string_body reserves what Content-Length claims.
struct GrowingBody {
  using value_type = std::string;
  class reader {
   public:
    template <bool isRequest, class Fields>
    reader(beast::header<isRequest, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>&, boost::system::error_code& error) { error = {}; }
    template <class Buffers>
    size_t put(const Buffers& buffers, boost::system::error_code& error) {
      error = {};
      size_t before = body_.size();
      for (auto at = boost::asio::buffer_sequence_begin(buffers); at != boost::asio::buffer_sequence_end(buffers); ++at)
        body_.append(static_cast<const char*>(at->data()), at->size());
      return body_.size() - before;
    }
    void finish(boost::system::error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

}  // namespace

struct RequestReader::Parser : beast::request_parser<GrowingBody> {};

RequestReader::RequestReader(size_t header_bytes_max, size_t body_bytes_max)
    : parser_(std::make_unique<Parser>()), header_bytes_max_(header_bytes_max), body_bytes_max_(body_bytes_max) {
  parser_->header_limit(static_cast<std::uint32_t>(header_bytes_max));
  parser_->body_limit(boost::none);   // the caller may set another limit once it knows the head
}

RequestReader::~RequestReader() = default;

void RequestReader::fail(int status, std::string message, std::string reason) {
  state_ = State::kBad;
  refusal_ = {status, invalid_argument(std::move(message), "", std::move(reason)), {}};
}

void RequestReader::fail_too_large() { fail(413, "the request's body is over the limit of " + std::to_string(body_bytes_max_) + " bytes", "body_too_large"); }

size_t RequestReader::put(std::string_view bytes) {
  size_t used = 0;
  if (state_ == State::kBody && head_.content_length.value_or(0) > body_bytes_max_) {
    fail_too_large();
    return 0;
  }
  while (used < bytes.size() && state_ != State::kDone && state_ != State::kBad) {
    boost::system::error_code error;
    bool in_head = state_ == State::kHead;
    size_t taken = parser_->put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), error);
    used += taken;
    if (error == beast::error::need_more) {
      if (!in_head && bytes.size() - used > kUnparsedBytesMax) fail(400, "the chunked body is not well formed", "bad_request");
      break;
    }
    if (error == beast::error::header_limit) {
      fail(431, "the request's head is over the limit of " + std::to_string(header_bytes_max_) + " bytes", "header_too_large");
    } else if (error == beast::error::body_limit) {
      fail_too_large();
    } else if (error) {
      fail(400, "the request is not well-formed HTTP/1.1: " + error.message(), "bad_request");
    } else if (in_head && parser_->is_header_done()) {
      read_head();
      break;
    } else if (parser_->is_done()) {
      state_ = State::kDone;
    } else if (taken == 0) {
      break;
    }
  }
  return used;
}

void RequestReader::read_head() {
  auto& message = parser_->get();
  state_ = parser_->is_done() ? State::kDone : State::kBody;
  size_t lengths = 0, codings = 0;
  for (auto& field : message.base()) {
    head_.headers.push_back(
        {ascii_lower(std::string_view(field.name_string().data(), field.name_string().size())), std::string(field.value().data(), field.value().size())});
    const Header& header = head_.headers.back();
    lengths += header.name == "content-length";
    codings += header.name == "transfer-encoding";
    if (header.name == "content-length" && header.value.find_first_not_of("0123456789") != std::string::npos)
      return fail(400, "the Content-Length is not a number", "bad_request");
    if (header.name == "transfer-encoding" && ascii_lower(trim(header.value)) != "chunked")
      return fail(400, "the only Transfer-Encoding understood is \"chunked\"", "bad_request");
    if (header.name == "expect" && ascii_lower(header.value) == "100-continue") head_.expects_continue = true;
  }
  // SOURCE: RFC 9112, 6.3: a message with two framings is an attempt at request smuggling.
  if (lengths + codings > 1) return fail(400, "expected one Content-Length or one Transfer-Encoding header", "bad_request");
  head_.method.assign(message.method_string().data(), message.method_string().size());
  head_.target.assign(message.target().data(), message.target().size());
  head_.keep_alive = parser_->keep_alive() && message.version() >= 11;
  head_.http_1_0 = message.version() < 11;
  if (auto length = parser_->content_length()) head_.content_length = *length;
  head_.has_body = parser_->chunked() || head_.content_length.value_or(0) > 0;
  if (head_.http_1_0 && codings) return fail(400, "HTTP/1.0 has no Transfer-Encoding", "bad_request");
  parser_->eager(true);
  parser_->body_limit(body_bytes_max_);
  if (state_ == State::kBody && !head_.has_body) state_ = State::kDone;
}

void RequestReader::limit_body(size_t bytes_max) {
  body_bytes_max_ = bytes_max;
  parser_->body_limit(bytes_max);
}

uint64_t RequestReader::body_bytes() const { return parser_->get().body().size(); }

std::string RequestReader::take_body() { return std::move(parser_->get().body()); }

}  // namespace strata::http
