#include "base/crypto.h"

#include <sodium.h>

#include <cstdio>
#include <cstring>

#include "base/check.h"
#include "base/text.h"

namespace strata {
namespace {

static_assert(sizeof(crypto_hash_sha256_state) <= 128);
static_assert(crypto_secretbox_KEYBYTES == kSealKeyBytes);

void start() {
  static const int ready = sodium_init();
  CHECK(ready >= 0);
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
crypto_hash_sha256_state* state_of(std::array<unsigned char, 128>& state) { return reinterpret_cast<crypto_hash_sha256_state*>(state.data()); }

}  // namespace

Sha256::Sha256() { crypto_hash_sha256_init(state_of(state_)); }
void Sha256::update(std::string_view bytes) { crypto_hash_sha256_update(state_of(state_), bytes_of(bytes), bytes.size()); }
std::string Sha256::finish_hex() {
  std::string digest(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256_final(state_of(state_), bytes_of(digest));
  return hex(digest);
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish_hex();
}

Result<std::string> sha256_file_hex(const std::string& path) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) return not_found("cannot open " + path + ": " + std::strerror(errno));
  Sha256 hash;
  std::string buffer(1 << 20, '\0');
  while (size_t count = std::fread(buffer.data(), 1, buffer.size(), file.get())) hash.update({buffer.data(), count});
  if (std::ferror(file.get())) return data_loss("cannot read " + path);
  return hash.finish_hex();
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
  start();
  std::string tag(crypto_auth_hmacsha256_BYTES, '\0');
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytes_of(key), key.size());
  crypto_auth_hmacsha256_update(&state, bytes_of(message), message.size());
  crypto_auth_hmacsha256_final(&state, bytes_of(tag));
  return tag;
}

std::string random_bytes(size_t count) {
  start();
  std::string out(count, '\0');
  randombytes_buf(out.data(), count);
  return out;
}

std::string random_token(size_t bytes) {
  std::string raw = random_bytes(bytes);
  std::string out(sodium_base64_encoded_len(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes_of(raw), raw.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  out.pop_back();  // the terminating zero
  return out;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) { return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0; }

std::string base64_encode(std::string_view bytes) {
  std::string out(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes_of(bytes), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  std::string out(text.size() / 4 * 3 + 3, '\0');
  size_t length = 0;
  const char* end = nullptr;
  if (sodium_base642bin(bytes_of(out), out.size(), text.data(), text.size(), nullptr, &length, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != text.data() + text.size())
    return invalid_argument("not valid base64");
  out.resize(length);
  return out;
}

std::string seal(std::string_view plain, std::string_view key) {
  start();
  CHECK(key.size() == kSealKeyBytes);
  std::string nonce = random_bytes(crypto_secretbox_NONCEBYTES);
  std::string box(crypto_secretbox_MACBYTES + plain.size(), '\0');
  crypto_secretbox_easy(bytes_of(box), bytes_of(plain), plain.size(), bytes_of(nonce), bytes_of(key));
  return nonce + box;
}

Result<std::string> unseal(std::string_view sealed, std::string_view key) {
  start();
  CHECK(key.size() == kSealKeyBytes);
  constexpr size_t kOverhead = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
  if (sealed.size() < kOverhead) return data_loss("sealed value is cut short");
  std::string plain(sealed.size() - kOverhead, '\0');
  std::string_view nonce = sealed.substr(0, crypto_secretbox_NONCEBYTES), box = sealed.substr(crypto_secretbox_NONCEBYTES);
  if (crypto_secretbox_open_easy(bytes_of(plain), bytes_of(box), box.size(), bytes_of(nonce), bytes_of(key)) != 0)
    return data_loss("sealed value cannot be opened: wrong key file, or damaged");
  return plain;
}

}  // namespace strata
