#include "model/tokenizer/wordpiece.h"

#include <algorithm>

#include "base/text.h"
#include "model/tokenizer/unicode.h"

namespace strata::tokenizer {

Result<std::unique_ptr<Tokenizer>> WordPiece::make(WordPieceVocabulary vocabulary) {
  auto made = std::make_unique<WordPiece>();
  made->vocabulary_ = std::move(vocabulary);
  const WordPieceVocabulary& v = made->vocabulary_;
  made->special_.assign(v.tokens.size(), 0);
  for (const SpecialToken& token : v.special) {
    if (token.id < 0 || token.id >= made->vocabulary_size()) return data_loss("added token " + token.text + " has an id outside the vocabulary");
    made->special_[token.id] = token.special;
  }
  if (v.unknown < 0) return data_loss("a WordPiece vocabulary needs an unknown token ([UNK])");
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    std::string_view token = v.tokens[id];
    if (token.empty()) continue;
    made->ids_.emplace(token, static_cast<int32_t>(id));
    made->token_bytes_max_ = std::max(made->token_bytes_max_, token.size());
    if (token.substr(0, v.continuing_prefix.size()) == v.continuing_prefix)
      made->continuing_.emplace(token.substr(v.continuing_prefix.size()), static_cast<int32_t>(id));
  }
  made->finder_ = SpecialFinder(v.special);
  return std::unique_ptr<Tokenizer>(std::move(made));
}

Result<std::vector<Token>> WordPiece::encode(std::string_view text, const EncodeOptions& options) const {
  if (text.size() > kTextBytesMax)
    return invalid_argument("a text of " + human_bytes(text.size()) + " is longer than the " + human_bytes(kTextBytesMax) + " that are encoded at once");
  std::vector<Token> out;
  if (options.add_special)
    for (int32_t id : vocabulary_.prefix) out.push_back({id, 0, 0});
  const uint32_t size = static_cast<uint32_t>(text.size());
  uint32_t at = 0;
  while (options.parse_special && at < size) {
    SpecialFinder::Match match = finder_.find(text, at, options.literal);
    if (match.token == nullptr) break;
    encode_plain(text, at, match.begin, out);
    out.push_back({match.token->id, match.begin, match.end});
    at = match.end;
  }
  encode_plain(text, at, size, out);
  if (options.add_special)
    for (int32_t id : vocabulary_.suffix) out.push_back({id, size, size});
  return out;
}

// Clean, then CJK, then accents, then lower case, one original code point at a time: none of the steps looks further.
void WordPiece::normalize(std::string_view text, uint32_t begin, uint32_t end, std::vector<Char>& out) const {
  const WordPieceVocabulary& v = vocabulary_;
  for (uint32_t at = begin; at < end;) {
    size_t size = 1;
    uint32_t code = utf8_decode(text.substr(at, end - at), &size);
    uint32_t from = at;
    at += static_cast<uint32_t>(size);
    if (v.clean_text) {
      Cleaned cleaned = bert_clean(code);
      if (cleaned == Cleaned::kRemoved) continue;
      if (cleaned == Cleaned::kSpace) code = ' ';
    }
    const bool spaced = v.chinese_chars && bert_chinese(code);
    if (spaced) out.push_back({' ', from, from});
    uint32_t parts[8] = {code};
    int count = v.strip_accents ? decompose(code, parts) : 1;
    for (int i = 0; i < count; ++i) {
      if (v.strip_accents && bert_accent(parts[i])) continue;
      uint32_t lowered[2] = {parts[i]};
      int lowered_count = v.lowercase ? lower(parts[i], lowered) : 1;
      for (int j = 0; j < lowered_count; ++j) out.push_back({lowered[j], from, at});
    }
    if (spaced) out.push_back({' ', at, at});
  }
}

void WordPiece::encode_plain(std::string_view text, uint32_t begin, uint32_t end, std::vector<Token>& out) const {
  std::vector<Char> chars;
  chars.reserve(end - begin);
  normalize(text, begin, end, chars);
  for (size_t at = 0; at < chars.size();) {
    if (bert_space(chars[at].code)) {
      ++at;
      continue;
    }
    size_t stop = at + 1;
    if (!bert_punctuation(chars[at].code))
      while (stop < chars.size() && !bert_space(chars[stop].code) && !bert_punctuation(chars[stop].code)) ++stop;
    encode_word(chars.data() + at, stop - at, out);
    at = stop;
  }
}

// The longest token that starts the word, then the longest that continues it, …; one [UNK] for a word that does not work out.
void WordPiece::encode_word(const Char* word, size_t count, std::vector<Token>& out) const {
  const Token unknown{vocabulary_.unknown, word[0].begin, word[count - 1].end};
  if (count > static_cast<size_t>(vocabulary_.word_chars_max)) {
    out.push_back(unknown);
    return;
  }
  std::string text;
  std::vector<uint32_t> starts;  // byte offset in `text` of each char, and its length at the end
  for (size_t i = 0; i < count; ++i) {
    starts.push_back(static_cast<uint32_t>(text.size()));
    utf8_append(text, word[i].code);
  }
  starts.push_back(static_cast<uint32_t>(text.size()));
  const size_t kept = out.size();
  for (size_t begin = 0; begin < count;) {
    const auto& ids = begin == 0 ? ids_ : continuing_;
    size_t end = count;
    auto found = ids.end();
    for (; end > begin; --end) {
      size_t bytes = starts[end] - starts[begin];
      if (bytes > token_bytes_max_) continue;
      found = ids.find(std::string_view(text).substr(starts[begin], bytes));
      if (found != ids.end()) break;
    }
    if (end == begin) {
      out.resize(kept);
      out.push_back(unknown);
      return;
    }
    out.push_back({found->second, word[begin].begin, word[end - 1].end});
    begin = end;
  }
}

std::string WordPiece::piece(int32_t id, bool special) const {
  if (id < 0 || id >= vocabulary_size() || (special_[id] && !special)) return {};
  const std::string& token = vocabulary_.tokens[id];
  if (special_[id]) return token;
  const std::string& prefix = vocabulary_.continuing_prefix;
  return token.compare(0, prefix.size(), prefix) == 0 ? token.substr(prefix.size()) : " " + token;
}

bool WordPiece::is_special(int32_t id) const { return id >= 0 && id < vocabulary_size() && special_[id]; }

int32_t WordPiece::find(std::string_view token_text) const {
  auto found = ids_.find(token_text);
  return found == ids_.end() ? -1 : found->second;
}

}  // namespace strata::tokenizer
