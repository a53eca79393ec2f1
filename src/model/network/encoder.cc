// The BERT encoder: what its file must hold, and one pass over a batch of texts.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/check.h"
#include "model/network/network.h"
#include "model/network/rows.h"
#include "model/network/weights.h"

namespace strata::network {
namespace {

using compute::Matrix;
using Floats = std::vector<float>;

struct Linear {
  Matrix weight;                // SHAPE: [out, in]
  Floats bias;                  // SHAPE: [out]
};
struct Norm {
  Floats weight, bias;          // SHAPE: [C]
};
struct Layer {
  Linear query, key, value, attention_output;  // SHAPE: [C, C]
  Norm attention_norm;
  Linear up, down;              // SHAPE: [F, C], [C, F]
  Norm output_norm;
};

Result<Linear> read_linear(WeightReader& reader, const std::string& name, uint64_t out, uint64_t in, bool int8) {
  Linear linear;
  TRY_ASSIGN(linear.weight, int8 ? reader.matrix_int8(name + ".weight", out, in) : reader.matrix(name + ".weight", out, in));
  TRY_ASSIGN(linear.bias, reader.vector(name + ".bias", out));
  return linear;
}

Result<Norm> read_norm(WeightReader& reader, const std::string& name, uint64_t C) {
  Norm norm;
  TRY_ASSIGN(norm.weight, reader.vector(name + ".weight", C));
  TRY_ASSIGN(norm.bias, reader.vector(name + ".bias", C));
  return norm;
}

Result<Layer> read_layer(WeightReader& reader, const std::string& at, uint64_t C, uint64_t F, bool int8) {
  Layer layer;
  TRY_ASSIGN(layer.query, read_linear(reader, at + "attention.self.query", C, C, int8));
  TRY_ASSIGN(layer.key, read_linear(reader, at + "attention.self.key", C, C, int8));
  TRY_ASSIGN(layer.value, read_linear(reader, at + "attention.self.value", C, C, int8));
  TRY_ASSIGN(layer.attention_output, read_linear(reader, at + "attention.output.dense", C, C, int8));
  TRY_ASSIGN(layer.attention_norm, read_norm(reader, at + "attention.output.LayerNorm", C));
  TRY_ASSIGN(layer.up, read_linear(reader, at + "intermediate.dense", F, C, int8));
  TRY_ASSIGN(layer.down, read_linear(reader, at + "output.dense", C, F, int8));
  TRY_ASSIGN(layer.output_norm, read_norm(reader, at + "output.LayerNorm", C));
  return layer;
}

Status check_config(const Encoder::Config& c) {
  struct Field {
    const char* name;
    int value, max;
  };
  for (const Field& field : {Field{"num_hidden_layers", c.layers, kLayersMax}, Field{"hidden_size", c.width, kWidthMax},
                             Field{"num_attention_heads", c.heads, kHeadsMax}, Field{"intermediate_size", c.feed_forward, kFeedForwardMax},
                             Field{"vocab_size", c.vocabulary, kVocabularyMax}, Field{"max_position_embeddings", c.positions, kContextMax}}) {
    if (field.value >= 1 && field.value <= field.max) continue;
    return invalid_argument(std::string("config.json: ") + field.name + ": expected 1 to " + std::to_string(field.max) + ", got " +
                            std::to_string(field.value));
  }
  if (c.width % c.heads != 0 || c.width / c.heads > kHeadValuesMax) {
    return invalid_argument("config.json: hidden_size " + std::to_string(c.width) + " does not divide into " + std::to_string(c.heads) + " heads of at most " +
                            std::to_string(kHeadValuesMax) + " values");
  }
  if (!(c.norm_epsilon >= 0 && c.norm_epsilon < 1)) return invalid_argument("config.json: layer_norm_eps: expected 0 to 1");
  return {};
}

// Unit length; a row of zeros stays as it is.
void normalize(float* x, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  if (!(sum > 0)) return;
  const auto factor = static_cast<float>(1 / std::sqrt(sum));
  for (size_t i = 0; i < n; ++i) x[i] *= factor;
}

}  // namespace

struct Encoder::Impl {
  Shape shape;
  float norm_epsilon = 1e-12f;
  Matrix words, positions;      // SHAPE: [V, C], [T, C]
  Floats segment;               // SHAPE: [C]: of segment 0, the only one
  Norm embedding_norm;
  std::vector<Layer> layers;    // SHAPE: [L]
  uint64_t bytes = 0, parameters = 0;

  Floats x, q, k, v, branch;    // SHAPE: [N, C]
  Floats wide;                  // SHAPE: [N, F]; before that attention's output [N, C]

  void resize(size_t n);
  void embed(compute::Threads& threads, std::span<const std::vector<int32_t>> texts, size_t n);
  void attend(compute::Threads& threads, const Layer& layer, std::span<const std::vector<int32_t>> texts, size_t n);
  void add_and_norm(compute::Threads& threads, const Floats& bias, const Norm& norm, size_t n);
  void feed_forward(compute::Threads& threads, const Layer& layer, size_t n);
};

Result<Encoder> Encoder::load(const format::Safetensors& file, const Config& config, uint64_t bytes_max, packed::Loading* packed) {
  TRY(check_config(config));
  auto impl = std::make_unique<Impl>();
  impl->shape = {config.layers, config.width, config.heads, config.width / config.heads, config.feed_forward, config.vocabulary, config.positions};
  impl->norm_epsilon = config.norm_epsilon;
  const auto C = static_cast<uint64_t>(config.width), F = static_cast<uint64_t>(config.feed_forward);
  WeightReader reader(file, bytes_max, packed);
  // Files saved with a head carry the prefix "bert.".
  const std::string prefix = reader.has("bert.embeddings.word_embeddings.weight") ? "bert." : "";
  TRY_ASSIGN(impl->words, reader.matrix(prefix + "embeddings.word_embeddings.weight", static_cast<uint64_t>(config.vocabulary), C));
  TRY_ASSIGN(impl->positions, reader.matrix(prefix + "embeddings.position_embeddings.weight", static_cast<uint64_t>(config.positions), C));
  TRY_ASSIGN(const format::Tensor* segments, file.require(prefix + "embeddings.token_type_embeddings.weight"));
  if (segments->shape.size() != 2 || segments->shape[0] < 1) return invalid_argument("token_type_embeddings.weight: expected a matrix of at least one row");
  TRY_ASSIGN(const Matrix segment, reader.matrix(segments->name, segments->shape[0], C));
  impl->segment.resize(C);
  segment.read_row(0, impl->segment.data());
  TRY_ASSIGN(impl->embedding_norm, read_norm(reader, prefix + "embeddings.LayerNorm", C));
  for (int i = 0; i < config.layers; ++i) {
    TRY_ASSIGN(Layer layer, read_layer(reader, prefix + "encoder.layer." + std::to_string(i) + ".", C, F, config.int8));
    impl->layers.push_back(std::move(layer));
  }
  // A layer beyond those of config.json would be left out silently.
  if (reader.has(prefix + "encoder.layer." + std::to_string(config.layers) + ".output.dense.weight")) {
    return invalid_argument("config.json: num_hidden_layers is " + std::to_string(config.layers) + ", but the weights have more layers");
  }
  impl->bytes = reader.bytes();
  impl->parameters = reader.parameters();
  return Encoder(std::move(impl));
}

Encoder::Encoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;
Encoder::~Encoder() = default;
const Encoder::Shape& Encoder::shape() const { return impl_->shape; }
uint64_t Encoder::bytes() const { return impl_->bytes; }
uint64_t Encoder::parameters() const { return impl_->parameters; }

void Encoder::Impl::resize(size_t n) {
  const auto C = static_cast<size_t>(shape.C);
  for (Floats* floats : {&x, &q, &k, &v, &branch}) floats->resize(std::max(floats->size(), n * C));
  wide.resize(std::max(wide.size(), n * static_cast<size_t>(std::max(shape.F, shape.C))));
}

void Encoder::Impl::embed(compute::Threads& threads, std::span<const std::vector<int32_t>> texts, size_t n) {
  const auto C = static_cast<size_t>(shape.C);
  std::vector<std::pair<int32_t, size_t>> rows;  // token, position
  rows.reserve(n);
  for (const auto& text : texts) {
    for (size_t i = 0; i < text.size(); ++i) rows.emplace_back(text[i], i);
  }
  for_rows(threads, n, C * 4, [&](size_t i) {
    float* row = x.data() + i * C;
    float* position = branch.data() + i * C;
    CHECK(rows[i].first >= 0 && rows[i].first < shape.V);
    words.read_row(static_cast<size_t>(rows[i].first), row);
    positions.read_row(rows[i].second, position);
    compute::add(row, segment.data(), row, C);
    compute::add(row, position, row, C);
    compute::layer_norm(row, embedding_norm.weight.data(), embedding_norm.bias.data(), row, C, norm_epsilon);
  });
}

// branch = attention over each text; x stays.
void Encoder::Impl::attend(compute::Threads& threads, const Layer& layer, std::span<const std::vector<int32_t>> texts, size_t n) {
  const auto C = static_cast<size_t>(shape.C);
  const compute::MatmulTarget targets[] = {{&layer.query.weight, q.data(), layer.query.bias.data()},
                                           {&layer.key.weight, k.data(), layer.key.bias.data()},
                                           {&layer.value.weight, v.data(), layer.value.bias.data()}};
  compute::matmul_group(threads, targets, x.data(), n);
  std::vector<compute::AttentionText> work;
  size_t first = 0;
  for (const auto& text : texts) {
    work.push_back({q.data() + first * C, k.data() + first * C, v.data() + first * C, wide.data() + first * C, text.size()});
    first += text.size();
  }
  const auto D = static_cast<size_t>(shape.D);
  compute::attention_texts(threads, static_cast<size_t>(shape.H), D, 1.0f / std::sqrt(static_cast<float>(D)), work);
  compute::matmul(threads, layer.attention_output.weight, wide.data(), n, branch.data());
}

// x = norm(x + branch + bias)
void Encoder::Impl::add_and_norm(compute::Threads& threads, const Floats& bias, const Norm& norm, size_t n) {
  const auto C = static_cast<size_t>(shape.C);
  for_rows(threads, n, C * 4, [&](size_t i) {
    float* row = x.data() + i * C;
    compute::add(row, branch.data() + i * C, row, C);
    compute::add(row, bias.data(), row, C);
    compute::layer_norm(row, norm.weight.data(), norm.bias.data(), row, C, norm_epsilon);
  });
}

void Encoder::Impl::feed_forward(compute::Threads& threads, const Layer& layer, size_t n) {
  const compute::MatmulTarget up{.w = &layer.up.weight, .y = wide.data(), .bias = layer.up.bias.data(), .gelu = true};
  compute::matmul_group(threads, std::span(&up, 1), x.data(), n);
  compute::matmul(threads, layer.down.weight, wide.data(), n, branch.data());
}

void Encoder::encode(compute::Threads& threads, std::span<const std::vector<int32_t>> texts, float* vectors, float* token_vectors) {
  Impl& m = *impl_;
  const auto C = static_cast<size_t>(m.shape.C);
  size_t n = 0;
  for (const auto& text : texts) {
    CHECK(!text.empty() && text.size() <= static_cast<size_t>(m.shape.T));
    n += text.size();
  }
  if (n == 0) return;
  m.resize(n);
  m.embed(threads, texts, n);
  for (const Layer& layer : m.layers) {
    m.attend(threads, layer, texts, n);
    m.add_and_norm(threads, layer.attention_output.bias, layer.attention_norm, n);
    m.feed_forward(threads, layer, n);
    m.add_and_norm(threads, layer.down.bias, layer.output_norm, n);
  }
  size_t first = 0;
  for (size_t t = 0; t < texts.size(); ++t) {
    float* mean = vectors + t * C;
    std::fill(mean, mean + C, 0.0f);
    for (size_t i = 0; i < texts[t].size(); ++i) compute::add(mean, m.x.data() + (first + i) * C, mean, C);
    normalize(mean, C);  // the division by the count falls away
    first += texts[t].size();
  }
  if (!token_vectors) return;
  for_rows(threads, n, C * 2, [&](size_t i) {
    std::copy_n(m.x.data() + i * C, C, token_vectors + i * C);
    normalize(token_vectors + i * C, C);
  });
}

}  // namespace strata::network
