// How the packed file's header and table are written. Inside model/packed only; packed.h draws the bytes.
#pragma once

#include <string>
#include <string_view>

#include "model/packed/packed.h"

namespace strata::packed {

inline constexpr std::string_view kMagic("STRPACK\1", 8);
inline constexpr uint64_t kHeaderBytes = 128, kChecksumAt = 96;
inline constexpr uint64_t kAlignment = 4096;
inline constexpr uint64_t aligned(uint64_t offset) { return (offset + kAlignment - 1) / kAlignment * kAlignment; }

std::string checksum_of(std::string_view header, std::string_view table);   // 32 bytes
std::string table_bytes(const Table& table);
std::string header_bytes(const Table& table, uint64_t table_offset, std::string_view table_bytes);

}  // namespace strata::packed
