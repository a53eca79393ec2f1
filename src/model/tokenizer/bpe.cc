#include "model/tokenizer/bpe.h"

#include <algorithm>
#include <queue>

#include "base/text.h"

namespace strata::tokenizer {
namespace {

// Printable Latin-1 stands for itself; the other 68 bytes take 256, 257, … in order.
struct Alphabet {
  std::array<uint32_t, 256> code_points{};
  std::array<int, 324> bytes{};
  Alphabet() {
    bytes.fill(-1);
    uint32_t next = 256;
    for (uint32_t b = 0; b < 256; ++b) {
      bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      code_points[b] = printable ? b : next++;
      bytes[code_points[b]] = static_cast<int>(b);
    }
  }
};
const Alphabet& alphabet() {
  static const Alphabet table;
  return table;
}

// The bytes that a token string stands for; a string outside the alphabet stands for its own bytes.
std::string bytes_of(std::string_view token) {
  std::string out;
  for (size_t at = 0; at < token.size();) {
    size_t size = 1;
    int byte = code_point_to_byte(utf8_decode(token.substr(at), &size));
    if (byte < 0) return std::string(token);
    out.push_back(static_cast<char>(byte));
    at += size;
  }
  return out;
}

uint64_t pair_key(int32_t left, int32_t right) { return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right); }

// A symbol of the piece in work: a doubly linked list in an array. size 0: merged into its left neighbour.
struct Symbol {
  int32_t id;
  uint32_t begin, size;
  int32_t previous, next;
};

struct Candidate {
  int32_t rank, left, result;
  bool operator>(const Candidate& other) const { return rank != other.rank ? rank > other.rank : left > other.left; }
};

}  // namespace

uint32_t byte_to_code_point(uint8_t byte) { return alphabet().code_points[byte]; }
int code_point_to_byte(uint32_t code_point) { return code_point < 324 ? alphabet().bytes[code_point] : -1; }

// Reused between the pieces of one encode().
struct Bpe::Workspace {
  std::vector<Piece> pieces;
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

Result<std::unique_ptr<Tokenizer>> Bpe::make(BpeVocabulary vocabulary) {
  auto bpe = std::make_unique<Bpe>();
  bpe->vocabulary_ = std::move(vocabulary);
  TRY(bpe->index());
  return std::unique_ptr<Tokenizer>(std::move(bpe));
}

Status Bpe::index() {
  const auto& tokens = vocabulary_.tokens;
  special_.assign(tokens.size(), 0);
  auto in_vocabulary = [&](int32_t id) { return id >= 0 && id < static_cast<int32_t>(tokens.size()); };
  std::vector<uint8_t> added(tokens.size(), 0);
  for (const SpecialToken& token : vocabulary_.special) {
    if (!in_vocabulary(token.id)) return data_loss("added token " + token.text + " has an id outside the vocabulary");
    added[token.id] = 1;
    special_[token.id] = token.special;
  }
  for (int32_t* id : {&vocabulary_.bos, &vocabulary_.eos, &vocabulary_.unknown})
    if (!in_vocabulary(*id)) *id = -1;
  pieces_.reserve(tokens.size());
  ids_.reserve(tokens.size());
  piece_ids_.reserve(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) {
    pieces_.push_back(added[id] ? tokens[id] : bytes_of(tokens[id]));
    if (!tokens[id].empty()) ids_.emplace(tokens[id], static_cast<int32_t>(id));
  }
  byte_ids_.fill(-1);
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (added[id] || pieces_[id].empty()) continue;
    piece_ids_.emplace(pieces_[id], static_cast<int32_t>(id));
  }
  for (int byte = 0; byte < 256; ++byte) {
    std::string text;
    utf8_append(text, byte_to_code_point(static_cast<uint8_t>(byte)));
    byte_ids_[byte] = find(text);
  }
  merges_.reserve(vocabulary_.merges.size());
  for (size_t rank = 0; rank < vocabulary_.merges.size(); ++rank) {
    const auto& [left, right] = vocabulary_.merges[rank];
    int32_t left_id = find(left), right_id = find(right), result = find(left + right);
    if (left_id < 0 || right_id < 0 || result < 0)
      return data_loss("merge " + std::to_string(rank) + " (" + left + " " + right + ") uses a token that the vocabulary lacks; convert the file again");
    merges_[pair_key(left_id, right_id)] = {static_cast<int32_t>(rank), result};
  }
  vocabulary_.merges = {};
  finder_ = SpecialFinder(std::move(vocabulary_.special));
  return {};
}

const Bpe::Merge* Bpe::merge_of(int32_t left, int32_t right) const {
  auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

Result<std::vector<Token>> Bpe::encode(std::string_view text, const EncodeOptions& options) const {
  if (text.size() > kTextBytesMax)
    return invalid_argument("a text of " + human_bytes(text.size()) + " is longer than the " + human_bytes(kTextBytesMax) + " that are encoded at once");
  std::vector<Token> out;
  Workspace work;
  if (options.add_special)
    for (int32_t id : vocabulary_.prefix) out.push_back({id, 0, 0});
  const uint32_t size = static_cast<uint32_t>(text.size());
  uint32_t at = 0;
  while (options.parse_special && at < size) {
    SpecialFinder::Match match = finder_.find(text, at, options.literal);
    if (match.token == nullptr) break;
    encode_plain(text, at, match.begin, work, out);
    out.push_back({match.token->id, match.begin, match.end});
    at = match.end;
  }
  encode_plain(text, at, size, work, out);
  if (options.add_special)
    for (int32_t id : vocabulary_.suffix) out.push_back({id, size, size});
  return out;
}

void Bpe::encode_plain(std::string_view text, uint32_t begin, uint32_t end, Workspace& work, std::vector<Token>& out) const {
  if (begin >= end) return;
  work.pieces.clear();
  cut_pieces(vocabulary_.pattern, text, begin, end, work.pieces);
  for (Piece piece : work.pieces) encode_piece(text, piece, work, out);
}

// Merges from a heap of candidates, lowest rank first, leftmost first among equals: O(n log n) for a piece of n bytes.
void Bpe::encode_piece(std::string_view text, Piece piece, Workspace& work, std::vector<Token>& out) const {
  if (vocabulary_.whole_pieces_first) {
    auto whole = piece_ids_.find(text.substr(piece.begin, piece.end - piece.begin));
    if (whole != piece_ids_.end()) {
      out.push_back({whole->second, piece.begin, piece.end});
      return;
    }
  }
  auto& symbols = work.symbols;
  symbols.clear();
  for (uint32_t at = piece.begin; at < piece.end; ++at) {
    int32_t id = byte_ids_[static_cast<uint8_t>(text[at])];
    if (id < 0) id = vocabulary_.unknown;
    if (id < 0) continue;  // a byte without a token and without an unknown token is dropped, as the reference does
    int32_t index = static_cast<int32_t>(symbols.size());
    symbols.push_back({id, at, 1, index - 1, index + 1});
  }
  if (symbols.empty()) return;
  symbols.back().next = -1;
  auto& heap = work.heap;
  heap.clear();
  auto consider = [&](int32_t left) {
    if (left < 0 || symbols[left].next < 0) return;
    if (const Merge* merge = merge_of(symbols[left].id, symbols[symbols[left].next].id)) {
      heap.push_back({merge->rank, left, merge->result});
      std::push_heap(heap.begin(), heap.end(), std::greater<>());
    }
  };
  for (int32_t i = 0; i + 1 < static_cast<int32_t>(symbols.size()); ++i) consider(i);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    Candidate best = heap.back();
    heap.pop_back();
    Symbol& left = symbols[best.left];
    if (left.size == 0 || left.next < 0) continue;
    Symbol& right = symbols[left.next];
    const Merge* merge = merge_of(left.id, right.id);  // the pair may have changed since
    if (merge == nullptr || merge->result != best.result) continue;
    left.id = best.result;
    left.size = right.begin + right.size - left.begin;
    right.size = 0;
    left.next = right.next;
    if (left.next >= 0) symbols[left.next].previous = best.left;
    consider(left.previous);
    consider(best.left);
  }
  for (int32_t i = 0; i >= 0; i = symbols[i].next) out.push_back({symbols[i].id, symbols[i].begin, symbols[i].begin + symbols[i].size});
}

std::string Bpe::piece(int32_t id, bool special) const {
  if (id < 0 || id >= vocabulary_size() || (special_[id] && !special)) return {};
  return pieces_[id];
}

bool Bpe::is_special(int32_t id) const { return id >= 0 && id < vocabulary_size() && special_[id]; }

int32_t Bpe::find(std::string_view token_text) const {
  auto found = ids_.find(token_text);
  return found == ids_.end() ? -1 : found->second;
}

}  // namespace strata::tokenizer
