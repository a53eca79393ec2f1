// For tests: a blocking socket to a local server, and the little HTTP that tests need to read what comes back.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace strata::http::testing {

class RawClient {
 public:
  explicit RawClient(int port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // Reads until `text` has been seen; false at the end of the connection or after ten seconds of silence.
  bool read_until(std::string_view text) {
    while (received.find(text) == std::string::npos)
      if (!read_some()) return false;
    return true;
  }
  // Reads until the server closes; false where it has not done so after ten seconds of silence.
  bool read_to_end() {
    while (read_some()) {}
    return ended_;
  }
  // One whole answer off the front of `received`: by Content-Length, or chunked (returned decoded), or to the end.
  struct Answer {
    int status = 0;
    std::string head, body;
    bool complete = false;
    std::string header(std::string_view name) const {
      size_t at = head.find("\r\n" + std::string(name) + ": ");
      if (at == std::string::npos) return "";
      at += name.size() + 4;
      return head.substr(at, head.find("\r\n", at) - at);
    }
  };
  Answer read_answer(bool head_only = false) {
    Answer out;
    if (!read_until("\r\n\r\n")) return out;
    size_t end = received.find("\r\n\r\n") + 4;
    out.head = received.substr(0, end);
    received.erase(0, end);
    out.status = std::atoi(out.head.c_str() + 9);
    if (head_only || out.status == 204) {
      out.complete = true;
    } else if (out.header("Transfer-Encoding") == "chunked") {
      out.complete = read_chunks(&out.body);
    } else if (!out.header("Content-Length").empty()) {
      size_t length = std::strtoul(out.header("Content-Length").c_str(), nullptr, 10);
      while (received.size() < length && read_some()) {}
      out.complete = received.size() >= length;
      out.body = received.substr(0, length);
      received.erase(0, length);
    } else {
      out.complete = read_to_end();
      out.body.swap(received);
    }
    return out;
  }

  std::string received;

 private:
  bool read_chunks(std::string* body) {
    while (true) {
      if (!read_until("\r\n")) return false;
      size_t line = received.find("\r\n");
      size_t size = std::strtoul(received.c_str(), nullptr, 16);
      while (received.size() < line + 2 + size + 2)
        if (!read_some()) return false;
      *body += received.substr(line + 2, size);
      received.erase(0, line + 2 + size + 2);
      if (size == 0) return true;
    }
  }
  bool read_some() {
    pollfd poll_on{fd_, POLLIN, 0};
    if (::poll(&poll_on, 1, 10'000) != 1) return false;
    char buffer[65536];
    ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
    if (count <= 0) {
      ended_ = true;
      return false;
    }
    received.append(buffer, static_cast<size_t>(count));
    return true;
  }
  int fd_;
  bool connected_ = false;
  bool ended_ = false;
};

}  // namespace strata::http::testing
