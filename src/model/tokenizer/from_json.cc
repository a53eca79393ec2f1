// A Hugging Face tokenizer.json → a tokenizer. Whatever it asks for that we do not do exactly is an error that names it.
#include <algorithm>

#include "base/json.h"
#include "model/tokenizer/bpe.h"
#include "model/tokenizer/wordpiece.h"

namespace strata::tokenizer {
namespace {

// An id beyond this is no vocabulary but an attempt to make us allocate. WHY: the largest published vocabularies have 262,144.
constexpr int64_t kIdMax = 1 << 24;

Error unsupported(const std::string& what) { return unimplemented("tokenizer.json: " + what + " is not supported yet"); }

std::string type_of(const Json& part) {
  const std::string* type = part["type"].as_string();
  return type == nullptr ? (part.is_null() ? "null" : "") : *type;
}

bool flag(const Json& part, std::string_view key, bool otherwise) {
  const bool* value = part[key].as_bool();
  return value == nullptr ? otherwise : *value;
}

Status place(std::vector<std::string>& tokens, const std::string& text, const Json& id_value) {
  TRY_ASSIGN(int64_t id, id_value.to_int("tokenizer.json: the id of token " + text));
  if (id < 0 || id > kIdMax) return data_loss("tokenizer.json: token " + text + " has the id " + std::to_string(id));
  if (static_cast<size_t>(id) >= tokens.size()) tokens.resize(static_cast<size_t>(id) + 1);
  tokens[static_cast<size_t>(id)] = text;
  return {};
}

Status read_vocabulary(const Json& root, std::vector<std::string>& tokens, std::vector<SpecialToken>& special) {
  const Json::Object* vocabulary = root["model"]["vocab"].as_object();
  if (vocabulary == nullptr) return data_loss("tokenizer.json: model.vocab should be an object of token to id");
  for (const auto& [text, id] : *vocabulary) TRY(place(tokens, text, id));
  if (!root["added_tokens"].is_array()) return {};
  for (const Json& added : *root["added_tokens"].as_array()) {
    SpecialToken token;
    TRY_ASSIGN(token.text, added["content"].to_string("tokenizer.json: added_tokens.content"));
    TRY(place(tokens, token.text, added["id"]));
    token.id = static_cast<int32_t>(added["id"].to_int("id").value());
    token.special = flag(added, "special", false);
    token.strips_left = flag(added, "lstrip", false);
    token.strips_right = flag(added, "rstrip", false);
    if (flag(added, "single_word", false)) return unsupported("added token " + token.text + " with single_word");
    if (flag(added, "normalized", false) && !root["normalizer"].is_null()) return unsupported("added token " + token.text + " with normalized");
    special.push_back(std::move(token));
  }
  return {};
}

// What add_special puts around the text: the "single" sequence of a TemplateProcessing, or [CLS] and [SEP] of a BertProcessing.
Status read_post_processor(const Json& part, std::vector<int32_t>& prefix, std::vector<int32_t>& suffix) {
  const std::string type = type_of(part);
  if (type == "null" || type == "ByteLevel") return {};
  if (type == "Sequence" && part["processors"].is_array()) {
    for (const Json& inner : *part["processors"].as_array()) TRY(read_post_processor(inner, prefix, suffix));
    return {};
  }
  if (type != "TemplateProcessing" || !part["single"].is_array()) return unsupported("the post_processor " + type);
  bool before = true;
  for (const Json& step : *part["single"].as_array()) {
    if (step.find("Sequence") != nullptr) {
      before = false;
      continue;
    }
    TRY_ASSIGN(std::string name, step["SpecialToken"]["id"].to_string("tokenizer.json: post_processor.single"));
    const Json::Array* ids = part["special_tokens"][name]["ids"].as_array();
    if (ids == nullptr) return data_loss("tokenizer.json: post_processor has no ids for " + name);
    for (const Json& value : *ids) {
      TRY_ASSIGN(int64_t id, value.to_int("tokenizer.json: post_processor ids"));
      if (id < 0 || id > kIdMax) return data_loss("tokenizer.json: post_processor id " + std::to_string(id));
      (before ? prefix : suffix).push_back(static_cast<int32_t>(id));
    }
  }
  return {};
}

// ---- BPE ---------------------------------------------------------------------------------------------------------------------

constexpr std::string_view kLlama3Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Regex = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

Result<Pattern> read_pattern(const Json& part) {
  const std::string type = type_of(part);
  if (flag(part, "add_prefix_space", false)) return unsupported("add_prefix_space");
  if (type == "ByteLevel" && flag(part, "use_regex", true)) return Pattern::kGpt2;
  const Json::Array* steps = part["pretokenizers"].as_array();
  if (type != "Sequence" || steps == nullptr || steps->size() != 2 || type_of((*steps)[1]) != "ByteLevel")
    return unsupported("the pre_tokenizer " + part.dump());
  const Json &first = (*steps)[0], &second = (*steps)[1];
  if (flag(second, "add_prefix_space", false)) return unsupported("add_prefix_space");
  const bool regex = flag(second, "use_regex", true);
  if (type_of(first) == "Digits" && flag(first, "individual_digits", false) && regex) return Pattern::kSmollm;
  const std::string* split = first["pattern"]["Regex"].as_string();
  const std::string* behavior = first["behavior"].as_string();
  const bool isolated = behavior != nullptr && *behavior == "Isolated" && !flag(first, "invert", false);
  if (type_of(first) == "Split" && split != nullptr && isolated && !regex) {
    if (*split == kLlama3Regex) return Pattern::kLlama3;
    if (*split == kQwen2Regex) return Pattern::kQwen2;
  }
  return unsupported("the pre_tokenizer " + part.dump());
}

// "a b" or ["a", "b"].
Result<std::pair<std::string, std::string>> read_merge(const Json& merge) {
  if (const Json::Array* pair = merge.as_array(); pair != nullptr && pair->size() == 2) {
    TRY_ASSIGN(std::string left, (*pair)[0].to_string("tokenizer.json: model.merges"));
    TRY_ASSIGN(std::string right, (*pair)[1].to_string("tokenizer.json: model.merges"));
    return std::pair(left, right);
  }
  TRY_ASSIGN(std::string text, merge.to_string("tokenizer.json: model.merges"));
  size_t space = text.find(' ');
  if (space == std::string::npos) return data_loss("tokenizer.json: a merge without a space: " + text);
  return std::pair(text.substr(0, space), text.substr(space + 1));
}

Result<std::unique_ptr<Tokenizer>> read_bpe(const Json& root) {
  const Json& model = root["model"];
  for (std::string_view key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) {
    const std::string* text = model[key].as_string();
    if (!model[key].is_null() && (text == nullptr || !text->empty())) return unsupported("model." + std::string(key));
  }
  if (flag(model, "byte_fallback", false)) return unsupported("model.byte_fallback");
  if (!root["normalizer"].is_null()) return unsupported("the normalizer " + type_of(root["normalizer"]));
  BpeVocabulary out;
  TRY(read_vocabulary(root, out.tokens, out.special));
  TRY_ASSIGN(out.pattern, read_pattern(root["pre_tokenizer"]));
  out.whole_pieces_first = flag(model, "ignore_merges", false);
  const Json::Array* merges = model["merges"].as_array();
  if (merges == nullptr) return data_loss("tokenizer.json: model.merges should be an array");
  for (const Json& merge : *merges) {
    TRY_ASSIGN(auto pair, read_merge(merge));
    out.merges.push_back(std::move(pair));
  }
  TRY(read_post_processor(root["post_processor"], out.prefix, out.suffix));
  if (!out.prefix.empty()) out.bos = out.prefix.front();
  for (const SpecialToken& token : out.special) {
    if (token.text == "<|endoftext|>" || token.text == "<|im_end|>" || token.text == "<|eot_id|>" || token.text == "<|end_of_text|>") {
      out.end_of_generation.push_back(token.id);
      if (out.eos < 0) out.eos = token.id;
    }
  }
  if (const std::string* unknown = model["unk_token"].as_string()) {
    auto found = std::find(out.tokens.begin(), out.tokens.end(), *unknown);
    if (found != out.tokens.end()) out.unknown = static_cast<int32_t>(found - out.tokens.begin());
  }
  return Bpe::make(std::move(out));
}

// ---- WordPiece ---------------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Tokenizer>> read_wordpiece(const Json& root) {
  const Json &model = root["model"], &normalizer = root["normalizer"];
  if (type_of(normalizer) != "BertNormalizer") return unsupported("the normalizer " + type_of(normalizer) + " for WordPiece");
  if (type_of(root["pre_tokenizer"]) != "BertPreTokenizer") return unsupported("the pre_tokenizer " + type_of(root["pre_tokenizer"]) + " for WordPiece");
  WordPieceVocabulary out;
  TRY(read_vocabulary(root, out.tokens, out.special));
  out.clean_text = flag(normalizer, "clean_text", true);
  out.chinese_chars = flag(normalizer, "handle_chinese_chars", true);
  out.lowercase = flag(normalizer, "lowercase", true);
  out.strip_accents = flag(normalizer, "strip_accents", out.lowercase);  // null: as lowercase
  if (const std::string* prefix = model["continuing_subword_prefix"].as_string()) out.continuing_prefix = *prefix;
  if (model.find("max_input_chars_per_word") != nullptr) {
    TRY_ASSIGN(int64_t chars, model["max_input_chars_per_word"].to_int("tokenizer.json: model.max_input_chars_per_word"));
    out.word_chars_max = static_cast<int>(std::clamp<int64_t>(chars, 1, 1000));
  }
  const std::string* unknown = model["unk_token"].as_string();
  auto found = std::find(out.tokens.begin(), out.tokens.end(), unknown == nullptr ? "[UNK]" : *unknown);
  if (found != out.tokens.end()) out.unknown = static_cast<int32_t>(found - out.tokens.begin());
  TRY(read_post_processor(root["post_processor"], out.prefix, out.suffix));
  return WordPiece::make(std::move(out));
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> from_tokenizer_json(std::string_view json) {
  TRY_ASSIGN(Json root, Json::parse(json));
  const Json& model = root["model"];
  std::string type = type_of(model);
  if (type.empty() && model["merges"].is_array()) type = "BPE";  // files from before the field existed
  if (type == "BPE") return read_bpe(root);
  if (type == "WordPiece") return read_wordpiece(root);
  return unsupported("the model " + type);
}

}  // namespace strata::tokenizer
