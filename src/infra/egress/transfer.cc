#include "infra/egress/transfer.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/text.h"

namespace strata::egress {
namespace {

// How often the context is looked at while nothing arrives.
constexpr int kPollMs = 50;
constexpr size_t kHeaderBytesMax = 256u << 10;
// Of a body that is not what was asked for (an error page): enough for a message.
constexpr size_t kErrorBodyBytesMax = 64u << 10;

// Everything that the callbacks need; lives on the stack of transfer().
struct Exchange {
  const Request& request;
  const Hop& hop;
  const std::function<bool(std::string_view)>& on_body;
  CURL* easy = nullptr;
  Response response;
  size_t header_bytes = 0;
  uint64_t body_bytes = 0;
  uint64_t activity = 0;              // grows with every byte that moves
  bool head_seen = false;             // on_head was called
  bool stopped = false;               // by on_head or on_body
  bool too_large = false, headers_too_large = false;
  std::optional<Place> place, refused;
  std::string refused_address;
};

std::string address_text(const sockaddr* address) {
  char text[64] = "";
  const void* bytes = address->sa_family == AF_INET6 ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr)
                                                     : static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(address)->sin_addr);
  ::inet_ntop(address->sa_family, bytes, text, sizeof text);
  return text;
}

// The policy, on the address itself, after the name was resolved: a name that changes its mind is judged by what is connected to.
curl_socket_t open_socket(void* user, curlsocktype purpose, curl_sockaddr* address) {
  auto& exchange = *static_cast<Exchange*>(user);
  Place place = place_of(&address->addr);
  if (purpose != CURLSOCKTYPE_IPCXN || !may_connect(exchange.request.trust, exchange.hop.previous, place)) {
    exchange.refused = place;
    exchange.refused_address = address_text(&address->addr);
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// Which of several addresses was really used.
int before_request(void* user, char* primary_ip, char*, int, int) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.place = place_of(std::string(primary_ip)).value_or(Place::kReserved);
  return may_connect(exchange.request.trust, exchange.hop.previous, *exchange.place) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

size_t on_header(char* data, size_t, size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.activity += size;
  exchange.header_bytes += size;
  if (exchange.header_bytes > kHeaderBytesMax) {
    exchange.headers_too_large = true;
    return 0;
  }
  std::string_view line(data, size);
  if (line.rfind("HTTP/", 0) == 0) exchange.response.headers.clear();   // an interim answer came before
  size_t colon = line.find(':');
  if (colon != std::string_view::npos && line.rfind("HTTP/", 0) != 0)
    exchange.response.headers.emplace_back(ascii_lower(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1))));
  return size;
}

size_t on_data(char* data, size_t, size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.activity += size;
  exchange.body_bytes += size;
  if (exchange.body_bytes > exchange.request.bytes_max) {
    exchange.too_large = true;
    return 0;
  }
  long status = 0;
  curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &status);
  std::string_view bytes(data, size);
  if (status >= 200 && status < 300) {
    if (!exchange.head_seen && exchange.request.on_head) {
      exchange.head_seen = true;
      exchange.response.status = static_cast<int>(status);
      exchange.stopped = !exchange.request.on_head(exchange.response);
      if (exchange.stopped) return 0;
    }
    if (!exchange.on_body) {
      exchange.response.body += bytes;
    } else if (!exchange.on_body(bytes)) {
      exchange.stopped = true;
      return 0;
    }
  } else if (!(is_redirect(static_cast<int>(status)) && exchange.hop.may_redirect)) {
    exchange.response.body += bytes.substr(0, kErrorBodyBytesMax - std::min(kErrorBodyBytesMax, exchange.response.body.size()));
  }
  return size;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t sent) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.activity = std::max(exchange.activity, exchange.body_bytes + exchange.header_bytes + static_cast<uint64_t>(sent));
  return 0;
}

// Also never goes to another origin, beside Request::secret_header.
bool identifies(std::string_view name) {
  std::string lower = ascii_lower(name);
  return lower == "authorization" || lower == "cookie" || lower == "x-api-key" || lower == "api-key" || lower == "proxy-authorization";
}

class Transfer {
 public:
  Transfer(const Context& context, Exchange& exchange) : context_(context), exchange_(exchange), easy_(curl_easy_init()), multi_(curl_multi_init()) {
    exchange_.easy = easy_;
  }
  ~Transfer() {
    curl_multi_remove_handle(multi_, easy_);
    curl_easy_cleanup(easy_);
    curl_multi_cleanup(multi_);
    curl_slist_free_all(headers_);
  }
  Transfer(const Transfer&) = delete;

  Status run() {
    set_options();
    set_request();
    curl_multi_add_handle(multi_, easy_);
    return drive();
  }

 private:
  template <class T>
  void set(CURLoption option, T value) {
    curl_easy_setopt(easy_, option, value);
  }

  void set_options() {
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(exchange_.request.connect_timeout_ms));
    set(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    set(CURLOPT_OPENSOCKETDATA, &exchange_);
    set(CURLOPT_HEADERFUNCTION, on_header);
    set(CURLOPT_HEADERDATA, &exchange_);
    set(CURLOPT_WRITEFUNCTION, on_data);
    set(CURLOPT_WRITEDATA, &exchange_);
    set(CURLOPT_XFERINFOFUNCTION, on_progress);
    set(CURLOPT_XFERINFODATA, &exchange_);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_PREREQFUNCTION, before_request);
    set(CURLOPT_PREREQDATA, &exchange_);
    set(CURLOPT_ERRORBUFFER, error_);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    // WHY: behind a proxy the connected address is the proxy's, and the policy could not see the target's.
    if (exchange_.request.trust != Trust::kOperator) set(CURLOPT_PROXY, "");
  }

  void set_request() {
    const Request& request = exchange_.request;
    const Hop& hop = exchange_.hop;
    set(CURLOPT_URL, hop.url.text.c_str());
    if (hop.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (hop.with_body) {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.c_str());
      set(CURLOPT_CUSTOMREQUEST, hop.method.c_str());
    } else if (hop.method != "GET") {
      set(CURLOPT_CUSTOMREQUEST, hop.method.c_str());
    }
    bool agent = false;
    for (auto& [name, value] : request.headers) {
      if (hop.foreign && identifies(name)) continue;
      agent |= ascii_lower(name) == "user-agent";
      headers_ = curl_slist_append(headers_, (value.empty() ? name + ";" : name + ": " + value).c_str());
    }
    if (hop.with_secret && !request.secret_header.empty()) headers_ = curl_slist_append(headers_, request.secret_header.c_str());
    if (!agent) headers_ = curl_slist_append(headers_, "User-Agent: strata");
    headers_ = curl_slist_append(headers_, "Expect:");   // no second of waiting for a 100
    set(CURLOPT_HTTPHEADER, headers_);
  }

  Status drive() {
    int64_t last_ns = context_.clock().monotonic_ns();
    uint64_t last_activity = exchange_.activity;
    while (true) {
      int running = 0;
      if (curl_multi_perform(multi_, &running) != CURLM_OK) return internal_error("libcurl failed");
      if (!running) return outcome();
      TRY(context_.check());
      if (exchange_.request.give_up && exchange_.request.give_up()) return cancelled();
      int64_t now_ns = context_.clock().monotonic_ns();
      if (exchange_.activity != last_activity) last_activity = exchange_.activity, last_ns = now_ns;
      if (now_ns - last_ns > exchange_.request.stall_timeout_ms * 1'000'000)
        return away("sent nothing for " + std::to_string(exchange_.request.stall_timeout_ms / 1000) + " s", "timeout");
      curl_multi_poll(multi_, nullptr, 0, kPollMs, nullptr);
    }
  }

  Error away(const std::string& what, std::string reason) {
    Error error = unavailable(exchange_.hop.url.host + " " + what);
    error.reason = std::move(reason);
    return error;
  }

  Status outcome() {
    CURLcode code = CURLE_OK;
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left))
      if (message->msg == CURLMSG_DONE) code = message->data.result;
    if (exchange_.too_large)
      return resource_exhausted("the answer of " + exchange_.hop.url.host + " is over the limit of " + std::to_string(exchange_.request.bytes_max) + " bytes",
                                "too_large");
    if (exchange_.headers_too_large) return resource_exhausted("the headers of " + exchange_.hop.url.host + " are too large", "too_large");
    if (code == CURLE_OK || exchange_.stopped) return {};
    return explain(code);
  }

  Error explain(CURLcode code) {
    if (exchange_.refused && (code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK)) {
      Error error = permission_denied(exchange_.hop.url.host + " is at " + exchange_.refused_address +
                                      ", an address inside this network or machine, where this request may not go");
      error.reason = "address_not_allowed";
      return error;
    }
    std::string detail = *error_ ? error_ : curl_easy_strerror(code);
    switch (code) {
      case CURLE_COULDNT_RESOLVE_HOST:
      case CURLE_COULDNT_RESOLVE_PROXY: return away("cannot be found (" + detail + "): is this machine offline?", "offline");
      case CURLE_COULDNT_CONNECT: return away("cannot be reached (" + detail + ")", "offline");
      case CURLE_OPERATION_TIMEDOUT: return away("did not answer in time (" + detail + ")", "timeout");
      case CURLE_PEER_FAILED_VERIFICATION: return away("has a certificate that is not trusted (" + detail + ")", "certificate");
      default: return away("broke off (" + detail + ")", "broken");
    }
  }

  const Context& context_;
  Exchange& exchange_;
  CURL* easy_;
  CURLM* multi_;
  curl_slist* headers_ = nullptr;
  char error_[CURL_ERROR_SIZE] = "";
};

}  // namespace

bool is_redirect(int status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

Result<HopResult> transfer(const Context& context, const Request& request, const Hop& hop, const std::function<bool(std::string_view)>& on_body) {
  Exchange exchange{request, hop, on_body};
  Transfer transfer(context, exchange);
  TRY(transfer.run());
  long status = 0;
  curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &status);
  exchange.response.status = static_cast<int>(status);
  exchange.response.final_url = hop.url.text;
  exchange.response.stopped = exchange.stopped;
  return HopResult{std::move(exchange.response), exchange.place};
}

}  // namespace strata::egress
