// What kind of place an IP address is, and who may go there.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>

#include "infra/egress/egress.h"

namespace strata::egress {

enum class Place {
  kPublic,      // globally routed unicast
  kPrivate,     // RFC 1918, carrier-grade NAT, unique local, site-local
  kLoopback,    // 127/8, ::1, and the unspecified address, which connects to ourselves
  kLinkLocal,   // 169.254/16 (cloud metadata), fe80::/10, and Azure's 168.63.129.16
  kReserved,    // multicast, documentation, benchmarks, tunnels whose end cannot be judged, everything not assigned
};

// An address that carries an IPv4 address inside (mapped, NAT64, 6to4) is the place of that. Anything but AF_INET and AF_INET6 is
// kReserved. SOURCE: IANA IPv4 and IPv6 Special-Purpose Address Registries.
Place place_of(const sockaddr* address);
std::optional<Place> place_of(const std::string& literal);   // "10.0.0.1", "::1", "[::1]"; nullopt where it is a name

// The first hop of an operator's request may go anywhere. Every other hop goes to public addresses, or, for an operator's request, stays
// in the place of the hop before: an internal server may point at another one, a public one may not, and nobody at cloud metadata.
bool may_connect(Trust trust, std::optional<Place> previous, Place next);

}  // namespace strata::egress
