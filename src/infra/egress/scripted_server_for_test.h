// For tests: a raw-socket server on loopback that does exactly what a script says, one connection at a time per thread.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace strata::egress::testing {

class ScriptedServer {
 public:
  // One accepted connection, the request on it already read (head and Content-Length body).
  struct Peer {
    int fd;
    std::string request;
    void send(std::string_view bytes) const {
      while (!bytes.empty()) {
        ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        bytes.remove_prefix(static_cast<size_t>(sent));
      }
    }
    // Until the other side closes, or ten seconds.
    bool wait_for_close() const {
      char byte;
      for (int i = 0; i < 100; ++i) {
        pollfd poll_on{fd, POLLIN, 0};
        if (::poll(&poll_on, 1, 100) == 1 && ::recv(fd, &byte, 1, 0) <= 0) return true;
      }
      return false;
    }
  };
  using Script = std::function<void(const Peer&)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(fd_, 64);
    socklen_t length = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~ScriptedServer() {
    stopping_ = true;
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    for (auto& worker : workers_) worker.join();
    ::close(fd_);
  }
  int port() const { return port_; }
  std::string url(std::string_view path = "/") const { return "http://127.0.0.1:" + std::to_string(port_) + std::string(path); }
  std::vector<std::string> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void run() {
    while (!stopping_) {
      int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      workers_.emplace_back([this, fd] {
        Peer peer{fd, read_request(fd)};
        {
          std::lock_guard lock(mutex_);
          requests_.push_back(peer.request);
        }
        script_(peer);
        ::close(fd);
      });
    }
  }
  static std::string read_request(int fd) {
    std::string in;
    char buffer[65536];
    while (true) {
      size_t end = in.find("\r\n\r\n");
      if (end != std::string::npos) {
        size_t at = in.find("Content-Length: ");
        size_t length = at < end ? std::strtoul(in.c_str() + at + 16, nullptr, 10) : 0;
        if (in.size() >= end + 4 + length) return in;
      }
      ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
      if (count <= 0) return in;
      in.append(buffer, static_cast<size_t>(count));
    }
  }

  Script script_;
  int fd_;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<std::thread> workers_;
  std::thread thread_;
};

inline std::string answer(int status, std::string_view body, std::string_view headers = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n" + std::string(headers) +
         "\r\n" + std::string(body);
}

}  // namespace strata::egress::testing
