// The packed file's header and table: reading what cannot be trusted, and writing.
#include "model/packed/table.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "base/bytes.h"
#include "base/crypto.h"

namespace strata::packed {
namespace {

constexpr uint32_t kMatricesMax = 1 << 20;   // WHY: far above any model, and keeps the table's memory bounded
constexpr uint32_t kTextMax = 1 << 16;       // of a name or path

std::string hex_of(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

// REQUIRES: 64 lower-case hex digits, or none (zeros).
std::string bytes_of_hex(std::string_view hex) {
  std::string out(32, '\0');
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (size_t i = 0; i + 1 < hex.size() && i / 2 < out.size(); i += 2) out[i / 2] = static_cast<char>(digit(hex[i]) << 4 | digit(hex[i + 1]));
  return out;
}

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void put_text(std::string& out, const std::string& text) {
  put(out, static_cast<uint32_t>(text.size()));
  out += text;
}

Result<std::string> read_short_text(ByteReader& reader, const std::string& what) {
  TRY_ASSIGN(const uint32_t length, reader.read<uint32_t>());
  if (length > kTextMax) return data_loss(what + ": a name of " + std::to_string(length) + " bytes: the table is damaged");
  TRY_ASSIGN(const std::string_view text, reader.take(length));
  return std::string(text);
}

Result<Entry> read_entry(ByteReader& reader, const std::string& what) {
  Entry entry;
  TRY_ASSIGN(entry.name, read_short_text(reader, what));
  TRY_ASSIGN(const uint32_t type, reader.read<uint32_t>());
  TRY_ASSIGN(entry.rows, reader.read<uint64_t>());
  TRY_ASSIGN(entry.cols, reader.read<uint64_t>());
  TRY_ASSIGN(entry.offset, reader.read<uint64_t>());
  TRY_ASSIGN(entry.bytes, reader.read<uint64_t>());
  const format::GgmlType* known = format::find_ggml_type(type);
  if (known == nullptr || !known->format) return data_loss(what + ": matrix " + entry.name + " has the unknown type " + std::to_string(type));
  entry.format = *known->format;
  TRY_ASSIGN(const uint64_t expected, compute::Matrix::packed_bytes(entry.format, entry.rows, entry.cols));
  if (entry.bytes != expected) return data_loss(what + ": matrix " + entry.name + ": expected " + std::to_string(expected) + " bytes");
  return entry;
}

// Matrices lie between header and table, aligned, in order, on bytes of their own.
Status check_places(const Table& table, uint64_t table_offset, const std::string& what) {
  uint64_t end = kHeaderBytes;
  std::set<std::string_view> names;
  for (const Entry& entry : table.entries) {
    const auto entry_end = checked_add(entry.offset, entry.bytes);
    if (!entry_end || entry.offset % kAlignment != 0 || entry.offset < end || *entry_end > table_offset)
      return data_loss(what + ": matrix " + entry.name + " does not lie where it can");
    if (!names.insert(entry.name).second) return data_loss(what + ": two matrices are named " + entry.name);
    end = *entry_end;
  }
  return {};
}

}  // namespace

Result<Table> read_table(std::string_view file, const std::string& what) {
  ByteReader head(file, what);
  TRY_ASSIGN(const std::string_view magic, head.take(kMagic.size()));
  if (magic != kMagic) return data_loss(what + " is no packed file");
  TRY_ASSIGN(const uint32_t layout, head.read<uint32_t>());
  TRY_ASSIGN(const uint32_t count, head.read<uint32_t>());
  TRY_ASSIGN(const uint64_t size, head.read<uint64_t>());
  TRY_ASSIGN(const uint64_t table_offset, head.read<uint64_t>());
  TRY_ASSIGN(const std::string_view identity, head.take(32));
  TRY_ASSIGN(const std::string_view model_hash, head.take(32));
  TRY_ASSIGN(const std::string_view checksum, head.take(32));
  if (layout != compute::kPackedLayout) {
    Error error = failed_precondition(what + " has layout " + std::to_string(layout) + ", this program streams " + std::to_string(compute::kPackedLayout));
    return error;
  }
  if (size != file.size()) return data_loss(what + ": expected " + std::to_string(size) + " bytes, got " + std::to_string(file.size()) + ": it was cut short");
  if (table_offset < kHeaderBytes || table_offset > size || count > kMatricesMax) return data_loss(what + ": the header is damaged");
  const std::string_view table_bytes = file.substr(table_offset);
  if (checksum_of(file.substr(0, kChecksumAt), table_bytes) != checksum) return data_loss(what + ": the header's checksum is wrong");
  ByteReader reader(table_bytes, what);
  Table table;
  table.identity = hex_of(identity);
  if (model_hash != std::string(32, '\0')) table.model_sha256 = hex_of(model_hash);
  TRY_ASSIGN(table.source, read_short_text(reader, what));
  for (uint32_t i = 0; i < count; ++i) {
    TRY_ASSIGN(Entry entry, read_entry(reader, what));
    table.entries.push_back(std::move(entry));
  }
  if (reader.remaining() != 0) return data_loss(what + ": the table is longer than its matrices");
  TRY(check_places(table, table_offset, what));
  return table;
}

std::string checksum_of(std::string_view header, std::string_view table) {
  Sha256 hash;
  hash.update(header);
  hash.update(table);
  return bytes_of_hex(hash.finish_hex());
}

std::string table_bytes(const Table& table) {
  std::string out;
  put_text(out, table.source);
  for (const Entry& entry : table.entries) {
    put_text(out, entry.name);
    put(out, format::find_ggml_type(entry.format)->id);
    for (const uint64_t number : {entry.rows, entry.cols, entry.offset, entry.bytes}) put(out, number);
  }
  return out;
}

std::string header_bytes(const Table& table, uint64_t table_offset, std::string_view table_bytes) {
  std::string out(kMagic);
  put(out, compute::kPackedLayout);
  put(out, static_cast<uint32_t>(table.entries.size()));
  put(out, uint64_t{table_offset + table_bytes.size()});
  put(out, table_offset);
  out += bytes_of_hex(table.identity);
  out += bytes_of_hex(table.model_sha256);
  out += checksum_of(out, table_bytes);
  return out;
}

}  // namespace strata::packed
