#include "infra/egress/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

namespace strata::egress {
namespace {

struct Range4 {
  uint32_t base;
  int bits;
  Place place;
};

constexpr uint32_t ip(uint32_t a, uint32_t b, uint32_t c, uint32_t d) { return a << 24 | b << 16 | c << 8 | d; }

constexpr Range4 kRanges4[] = {
    {ip(0, 0, 0, 0), 32, Place::kLoopback},      // connects to this host
    {ip(0, 0, 0, 0), 8, Place::kReserved},       {ip(10, 0, 0, 0), 8, Place::kPrivate},         {ip(100, 64, 0, 0), 10, Place::kPrivate},
    {ip(127, 0, 0, 0), 8, Place::kLoopback},     {ip(168, 63, 129, 16), 32, Place::kLinkLocal}, {ip(169, 254, 0, 0), 16, Place::kLinkLocal},
    {ip(172, 16, 0, 0), 12, Place::kPrivate},    {ip(192, 0, 0, 0), 24, Place::kReserved},      {ip(192, 0, 2, 0), 24, Place::kReserved},
    {ip(192, 88, 99, 0), 24, Place::kReserved},  {ip(192, 168, 0, 0), 16, Place::kPrivate},     {ip(198, 18, 0, 0), 15, Place::kReserved},
    {ip(198, 51, 100, 0), 24, Place::kReserved}, {ip(203, 0, 113, 0), 24, Place::kReserved},    {ip(224, 0, 0, 0), 3, Place::kReserved},
};

Place place_of4(uint32_t address) {
  for (auto& range : kRanges4)
    if ((address ^ range.base) >> (32 - range.bits) == 0) return range.place;
  return Place::kPublic;
}

uint32_t embedded(const unsigned char* bytes) { return ip(bytes[0], bytes[1], bytes[2], bytes[3]); }

bool begins(const unsigned char* address, std::initializer_list<int> prefix) {
  for (int byte : prefix)
    if (*address++ != byte) return false;
  return true;
}

Place place_of6(const unsigned char* a) {
  static constexpr unsigned char kZero[16] = {};
  if (std::memcmp(a, kZero, 15) == 0 && a[15] <= 1) return Place::kLoopback;                          // :: and ::1
  if (std::memcmp(a, kZero, 10) == 0 && a[10] == 0xff && a[11] == 0xff) return place_of4(embedded(a + 12));   // ::ffff:0:0/96
  if (begins(a, {0, 0x64, 0xff, 0x9b}) && std::memcmp(a + 4, kZero, 8) == 0) return place_of4(embedded(a + 12));   // 64:ff9b::/96
  if (begins(a, {0x20, 0x02})) return place_of4(embedded(a + 2));                                     // 2002::/16
  if ((a[0] & 0xfe) == 0xfc) return Place::kPrivate;                                                  // fc00::/7
  if (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) return Place::kLinkLocal;                                // fe80::/10
  if (a[0] == 0xfe && (a[1] & 0xc0) == 0xc0) return Place::kPrivate;                                  // fec0::/10
  if ((a[0] & 0xe0) != 0x20) return Place::kReserved;                                                 // only 2000::/3 is global
  if (begins(a, {0x20, 0x01}) && a[2] < 2) return Place::kReserved;                                   // 2001::/23, with Teredo
  if (begins(a, {0x20, 0x01, 0x0d, 0xb8})) return Place::kReserved;                                   // documentation
  if (begins(a, {0x3f, 0xff}) && a[2] < 0x10) return Place::kReserved;                                // documentation
  return Place::kPublic;
}

}  // namespace

Place place_of(const sockaddr* address) {
  if (address->sa_family == AF_INET) return place_of4(ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr));
  if (address->sa_family == AF_INET6) return place_of6(reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr.s6_addr);
  return Place::kReserved;
}

std::optional<Place> place_of(const std::string& literal) {
  in_addr four;
  if (::inet_pton(AF_INET, literal.c_str(), &four) == 1) return place_of4(ntohl(four.s_addr));
  std::string inside = literal.size() > 1 && literal.front() == '[' && literal.back() == ']' ? literal.substr(1, literal.size() - 2) : literal;
  inside = inside.substr(0, inside.find('%'));   // a zone does not change the place
  in6_addr six;
  if (::inet_pton(AF_INET6, inside.c_str(), &six) == 1) return place_of6(six.s6_addr);
  return std::nullopt;
}

bool may_connect(Trust trust, std::optional<Place> previous, Place next) {
  if (next == Place::kPublic) return true;
  if (trust != Trust::kOperator) return false;
  return !previous || (*previous == next && next != Place::kReserved);
}

}  // namespace strata::egress
