#include <string>

#include "model/engine/local_models.h"

namespace strata::engine {
namespace {

// A request may be a whole batch of the API (2,048 inputs) and no more, so that one job cannot fill the queue's memory.
constexpr size_t kTextsMax = 4096;

}  // namespace

Result<int> LocalEmbedder::count_tokens(std::string_view text) const {
  TRY_ASSIGN(const auto tokens, parts_.tokenizer->encode(text, {}));
  return static_cast<int>(tokens.size());
}

Result<EmbeddingText> LocalEmbedder::encode(std::string_view text, bool spans) const {
  TRY_ASSIGN(auto tokens, parts_.tokenizer->encode(text, {}));
  EmbeddingText out;
  const auto limit = static_cast<size_t>(parts_.tokens_max);
  if (tokens.size() > limit) {
    // The last token is [SEP]: it closes the shortened text too.
    tokens[limit - 1] = tokens.back();
    tokens.resize(limit);
    out.truncated = true;
  }
  for (const tokenizer::Token& token : tokens) {
    out.ids.push_back(token.id);
    if (spans) out.spans.emplace_back(token.begin, token.end);
  }
  return out;
}

Status LocalEmbedder::submit(const Context& context, model::EmbedRequest request, Done done) {
  if (request.texts.empty()) return invalid_argument("expected at least one text to embed, got none", "input");
  if (request.texts.size() > kTextsMax) {
    return invalid_argument("expected at most " + std::to_string(kTextsMax) + " texts in one request, got " + std::to_string(request.texts.size()), "input");
  }
  TRY(context.check());
  EmbeddingRunner::Job job{context, {}, request.token_vectors, request.query, request.priority, std::move(done)};
  for (const std::string& text : request.texts) {
    TRY_ASSIGN(EmbeddingText encoded, encode(text, request.token_vectors));
    job.texts.push_back(std::move(encoded));
  }
  TRY(parts_.runner->submit(std::move(job)));
  parts_.wake();
  return {};
}

}  // namespace strata::engine
