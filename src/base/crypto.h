// Hashes, sealing and encodings, over libsodium. crypto.cc is the only file that includes it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace strata {

std::string sha256_hex(std::string_view bytes);  // 64 lower-case hex digits

// A running SHA-256, for what does not fit in memory.
class Sha256 {
 public:
  Sha256();
  void update(std::string_view bytes);
  std::string finish_hex();  // once

 private:
  alignas(16) std::array<unsigned char, 128> state_;
};

Result<std::string> sha256_file_hex(const std::string& path);

std::string hmac_sha256(std::string_view key, std::string_view message);   // 32 bytes. SOURCE: RFC 2104

std::string random_bytes(size_t count);  // from the kernel
std::string random_token(size_t bytes);  // URL-safe base64 without padding
bool equal_in_constant_time(std::string_view a, std::string_view b);

std::string base64_encode(std::string_view bytes);              // standard alphabet, padded
Result<std::string> base64_decode(std::string_view text);

// Authenticated encryption (XSalsa20-Poly1305) with a 32-byte key: nonce ‖ box.
inline constexpr size_t kSealKeyBytes = 32;
std::string seal(std::string_view plain, std::string_view key);
Result<std::string> unseal(std::string_view sealed, std::string_view key);  // kDataLoss where the key or the bytes are wrong

}  // namespace strata
