// A deterministic embedder for tests: hashed bags of words, so that texts which share words are near. Test-only.
#pragma once

#include <cmath>
#include <functional>

#include "knowledge/ground/words.h"
#include "model/interface/interface.h"

namespace strata::ground {

class BagEmbedder : public model::Embedder {
 public:
  int texts_embedded = 0;

  const model::ModelInfo& info() const override { return info_; }
  int tokens_max() const override { return 256; }
  Result<int> count_tokens(std::string_view text) const override { return static_cast<int>(words(text).size()); }
  Status submit(const Context& context, model::EmbedRequest request, Done done) override {
    if (const Status status = context.check(); !status) return status.error();
    std::vector<model::Embedding> out;
    for (const std::string& text : request.texts) out.push_back(embed_one(text));
    texts_embedded += static_cast<int>(request.texts.size());
    done(std::move(out));
    return {};
  }

 private:
  static constexpr size_t kDimensions = 256;
  static model::Embedding embed_one(const std::string& text) {
    model::Embedding out;
    out.vector.assign(kDimensions, 0);
    for (const Word& word : content_words(text)) out.vector[std::hash<std::string>()(word.stem) % kDimensions] += 1;
    float sum = 0;
    for (float x : out.vector) sum += x * x;
    for (float& x : out.vector) x /= std::sqrt(std::max(sum, 1e-9f));
    return out;
  }
  model::ModelInfo info_{.id = "bag", .dimensions = kDimensions};
};

}  // namespace strata::ground
