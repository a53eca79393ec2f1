// The Llama-family decoder: what its file must hold, and one step.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "base/check.h"
#include "model/network/low_rank.h"
#include "model/network/network.h"
#include "model/network/planes.h"
#include "model/network/rows.h"
#include "model/network/weights.h"

namespace strata::network {
namespace {

using compute::Matrix;

struct Layer {
  std::vector<float> attention_norm;           // SHAPE: [C]
  Matrix query, key, value;                    // SHAPE: [H * D, C], [G * D, C], [G * D, C]
  Matrix attention_output;                     // SHAPE: [C, H * D]
  std::vector<float> feed_forward_norm;        // SHAPE: [C]
  Matrix gate, up;                             // SHAPE: [F, C]
  Matrix down;                                 // SHAPE: [C, F]
};

struct Rope {
  int dims = 0;                                // values of each head that are turned
  float base = 10000, scale = 1;               // scale: of positions (linear scaling)
  std::vector<float> frequency_divisors;       // SHAPE: [dims / 2], or empty (Llama 3's rope_freqs)
};

Result<int> dimension(const format::Gguf& file, const std::string& key, int64_t max, std::optional<int64_t> otherwise = std::nullopt) {
  TRY_ASSIGN(const int64_t value, otherwise ? file.integer_or(key, *otherwise) : file.integer(key));
  if (value < 1 || value > max) {
    return invalid_argument(file.what() + ": " + key + ": expected 1 to " + std::to_string(max) + ", got " + std::to_string(value));
  }
  return static_cast<int>(value);
}

Result<DecoderShape> read_shape(const format::Gguf& file) {
  TRY_ASSIGN(const std::string_view architecture, file.string("general.architecture"));
  if (architecture != "llama") {
    return unimplemented(file.what() + ": architecture " + std::string(architecture) +
                         " is not supported yet; expected llama (Llama, SmolLM, TinyLlama, Mistral and their kin)");
  }
  DecoderShape s;
  TRY_ASSIGN(s.L, dimension(file, "llama.block_count", kLayersMax));
  TRY_ASSIGN(s.C, dimension(file, "llama.embedding_length", kWidthMax));
  TRY_ASSIGN(s.H, dimension(file, "llama.attention.head_count", kHeadsMax));
  TRY_ASSIGN(s.G, dimension(file, "llama.attention.head_count_kv", kHeadsMax, s.H));
  TRY_ASSIGN(s.F, dimension(file, "llama.feed_forward_length", kFeedForwardMax));
  TRY_ASSIGN(s.T, dimension(file, "llama.context_length", kContextMax));
  TRY_ASSIGN(s.D, dimension(file, "llama.attention.key_length", kHeadValuesMax, s.C / s.H));
  TRY_ASSIGN(const int64_t value_length, file.integer_or("llama.attention.value_length", s.D));
  if (s.H % s.G != 0)
    return invalid_argument(file.what() + ": " + std::to_string(s.H) + " query heads are no multiple of " + std::to_string(s.G) + " key/value heads");
  if (value_length != s.D)
    return unimplemented(file.what() + ": keys of " + std::to_string(s.D) + " and values of " + std::to_string(value_length) + " per head are not supported");
  TRY_ASSIGN(const int64_t experts, file.integer_or("llama.expert_count", 0));
  if (experts != 0) return unimplemented(file.what() + ": mixtures of experts are not supported yet");
  TRY_ASSIGN(const format::Tensor* embedding, file.require("token_embd.weight"));
  if (embedding->shape.size() != 2 || embedding->shape[0] < 1 || embedding->shape[0] > static_cast<uint64_t>(kVocabularyMax)) {
    return invalid_argument(file.what() + ": token_embd.weight: expected a matrix of 1 to " + std::to_string(kVocabularyMax) + " rows");
  }
  s.V = static_cast<int>(embedding->shape[0]);
  return s;
}

Result<Rope> read_rope(const format::Gguf& file, WeightReader& reader, const DecoderShape& s) {
  Rope rope;
  TRY_ASSIGN(rope.dims, dimension(file, "llama.rope.dimension_count", s.D, s.D));
  TRY_ASSIGN(const double base, file.number_or("llama.rope.freq_base", 10000.0));
  if (rope.dims % 2 != 0) return invalid_argument(file.what() + ": llama.rope.dimension_count: expected an even number, got " + std::to_string(rope.dims));
  if (!(base >= 1 && base < 1e12)) return invalid_argument(file.what() + ": llama.rope.freq_base: expected 1 to 1e12, got " + std::to_string(base));
  rope.base = static_cast<float>(base);
  TRY_ASSIGN(const std::string_view type, file.string_or("llama.rope.scaling.type", "none"));
  if (type == "linear") {
    TRY_ASSIGN(const double factor, file.number("llama.rope.scaling.factor"));
    if (!(factor >= 1 && factor < 1e4))
      return invalid_argument(file.what() + ": llama.rope.scaling.factor: expected 1 to 10000, got " + std::to_string(factor));
    rope.scale = static_cast<float>(1 / factor);
  } else if (type != "none") {
    return unimplemented(file.what() + ": rope scaling of type " + std::string(type) + " is not supported; expected none or linear");
  }
  if (reader.has("rope_freqs.weight")) {
    TRY_ASSIGN(rope.frequency_divisors, reader.vector("rope_freqs.weight", static_cast<uint64_t>(rope.dims / 2)));
    for (const float divisor : rope.frequency_divisors) {
      if (!(divisor > 0)) return invalid_argument(file.what() + ": rope_freqs.weight holds a number that is not above 0");
    }
  }
  return rope;
}

Result<Layer> read_layer(WeightReader& reader, const DecoderShape& s, int index) {
  const auto C = static_cast<uint64_t>(s.C), F = static_cast<uint64_t>(s.F);
  const auto HD = static_cast<uint64_t>(s.H) * static_cast<uint64_t>(s.D), GD = static_cast<uint64_t>(s.G) * static_cast<uint64_t>(s.D);
  const std::string at = "blk." + std::to_string(index) + ".";
  Layer layer;
  TRY_ASSIGN(layer.attention_norm, reader.vector(at + "attn_norm.weight", C));
  TRY_ASSIGN(layer.query, reader.matrix(at + "attn_q.weight", HD, C));
  TRY_ASSIGN(layer.key, reader.matrix(at + "attn_k.weight", GD, C));
  TRY_ASSIGN(layer.value, reader.matrix(at + "attn_v.weight", GD, C));
  TRY_ASSIGN(layer.attention_output, reader.matrix(at + "attn_output.weight", C, HD));
  TRY_ASSIGN(layer.feed_forward_norm, reader.vector(at + "ffn_norm.weight", C));
  TRY_ASSIGN(layer.gate, reader.matrix(at + "ffn_gate.weight", F, C));
  TRY_ASSIGN(layer.up, reader.matrix(at + "ffn_up.weight", F, C));
  TRY_ASSIGN(layer.down, reader.matrix(at + "ffn_down.weight", C, F));
  return layer;
}

}  // namespace

struct Decoder::Impl {
  DecoderShape shape;
  Rope rope;
  float norm_epsilon = 1e-5f;
  Matrix embedding;                            // SHAPE: [V, C]
  Matrix output;                               // SHAPE: [V, C]; empty where tied to the embedding
  std::vector<float> output_norm;              // SHAPE: [C]
  std::vector<Layer> layers;                   // SHAPE: [L]
  uint64_t bytes = 0, parameters = 0;
  std::string format;

  // Working memory of a step, kept between steps. N: its rows.
  std::vector<float> residual;                 // SHAPE: [N, C]
  std::vector<float> normed;                   // SHAPE: [N, C]
  std::vector<float> branch;                   // SHAPE: [N, C]: what attention or feed-forward adds
  std::vector<float> q;                        // SHAPE: [2 N, H * D] (planes); attention's output replaces the first N rows
  std::vector<float> k, v;                     // SHAPE: [2 N, G * D]
  std::vector<float> gate, up;                 // SHAPE: [N, F]
  std::vector<float> angles;                   // SHAPE: [N, rope.dims]: cos and sin
  Planes planes;
  LowRank adapters;                            // of this step's rows

  struct Chunk {                               // rows of one sequence in one step
    const KvSequence* sequence;
    size_t first, rows, position;
  };

  void resize(size_t n);
  void fill_angles(compute::Threads& threads, std::span<const Row> rows);
  std::vector<Chunk> chunks_of(std::span<const Row> rows) const;
  void attend(compute::Threads& threads, KvCache& cache, int layer, const std::vector<Chunk>& chunks, size_t n);
  void feed_forward(compute::Threads& threads, int layer, size_t n);
  void multiply(compute::Threads& threads, int layer, Adapter::Site site, const Matrix& w, const float* x, size_t n, float* y);
  void add_branch(compute::Threads& threads, size_t n);
  void norm(compute::Threads& threads, const std::vector<float>& weight, size_t n, float* out);
  size_t keep_wanted(std::span<const Row> rows);
};

Result<Decoder> Decoder::load(const format::Gguf& file, uint64_t bytes_max, packed::Loading* packed) {
  auto impl = std::make_unique<Impl>();
  WeightReader reader(file, bytes_max, packed);
  TRY_ASSIGN(impl->shape, read_shape(file));
  const DecoderShape& s = impl->shape;
  const auto C = static_cast<uint64_t>(s.C), V = static_cast<uint64_t>(s.V);
  TRY_ASSIGN(impl->rope, read_rope(file, reader, s));
  TRY_ASSIGN(const double epsilon, file.number("llama.attention.layer_norm_rms_epsilon"));
  if (!(epsilon >= 0 && epsilon < 1))
    return invalid_argument(file.what() + ": llama.attention.layer_norm_rms_epsilon: expected 0 to 1, got " + std::to_string(epsilon));
  impl->norm_epsilon = static_cast<float>(epsilon);
  TRY_ASSIGN(impl->embedding, reader.matrix("token_embd.weight", V, C));
  if (reader.has("output.weight")) {
    TRY_ASSIGN(impl->output, reader.matrix("output.weight", V, C));
  }
  TRY_ASSIGN(impl->output_norm, reader.vector("output_norm.weight", C));
  std::map<compute::Format, uint64_t> values_by_format;
  for (int i = 0; i < s.L; ++i) {
    TRY_ASSIGN(Layer layer, read_layer(reader, s, i));
    for (const Matrix* w : {&layer.query, &layer.key, &layer.value, &layer.attention_output, &layer.gate, &layer.up, &layer.down}) {
      values_by_format[w->format()] += w->rows() * w->cols();
    }
    impl->layers.push_back(std::move(layer));
  }
  if (const format::Tensor* unused = reader.first_unused()) {
    return unimplemented(file.what() + ": tensor " + unused->name +
                         " is not part of the Llama pass that this version runs; leaving it out would change the output");
  }
  const auto most = std::max_element(values_by_format.begin(), values_by_format.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  impl->format = compute::format_name(most->first);
  impl->bytes = reader.bytes();
  impl->parameters = reader.parameters();
  return Decoder(std::move(impl));
}

Result<Decoder::Description> Decoder::describe(const format::Gguf& file) {
  Description out;
  TRY_ASSIGN(out.shape, read_shape(file));
  std::map<std::string, uint64_t> values_by_type;
  for (const format::Tensor& tensor : file.tensors()) {
    out.parameters += tensor.values();
    if (tensor.shape.size() != 2) {
      out.bytes += tensor.values() * sizeof(float);
      continue;
    }
    TRY_ASSIGN(const compute::Format format, tensor.runnable_format());
    TRY_ASSIGN(const uint64_t bytes, Matrix::packed_bytes(format, tensor.shape[0], tensor.shape[1]));
    out.bytes += bytes;
    if (tensor.name.starts_with("blk.")) values_by_type[tensor.type] += tensor.values();
  }
  const auto most = std::max_element(values_by_type.begin(), values_by_type.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most != values_by_type.end()) out.format = most->first;
  return out;
}

Decoder::Decoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;
const DecoderShape& Decoder::shape() const { return impl_->shape; }
uint64_t Decoder::bytes() const { return impl_->bytes; }
uint64_t Decoder::parameters() const { return impl_->parameters; }
std::string Decoder::format() const { return impl_->format; }

Result<Adapter> Decoder::load_adapter(const std::string& path, uint64_t bytes_max) const {
  const compute::Format format = impl_->format == "F32" ? compute::Format::kF32 : compute::Format::kF16;
  return Adapter::load(path, {.shape = &impl_->shape, .format = format, .bytes_max = bytes_max});
}

void Decoder::Impl::resize(size_t n) {
  const auto C = static_cast<size_t>(shape.C), F = static_cast<size_t>(shape.F), D = static_cast<size_t>(shape.D);
  auto at_least = [](std::vector<float>& v, size_t size) { v.resize(std::max(v.size(), size)); };
  for (auto* v : {&residual, &normed, &branch}) at_least(*v, n * C);
  at_least(q, 2 * n * static_cast<size_t>(shape.H) * D);
  for (auto* kv : {&k, &v}) at_least(*kv, 2 * n * static_cast<size_t>(shape.G) * D);
  for (auto* f : {&gate, &up}) at_least(*f, n * F);
  at_least(angles, n * static_cast<size_t>(rope.dims));
}

void Decoder::Impl::fill_angles(compute::Threads& threads, std::span<const Row> rows) {
  const auto dims = static_cast<size_t>(rope.dims);
  for_rows(threads, rows.size(), dims * 16, [&](size_t i) {
    float* out = angles.data() + i * dims;
    const auto position = static_cast<size_t>(rows[i].position);
    if (rope.frequency_divisors.empty()) return compute::rope_angles(position, dims, rope.base, rope.scale, out);
    for (size_t j = 0; j < dims / 2; ++j) {
      const double frequency = std::pow(static_cast<double>(rope.base), -2.0 * static_cast<double>(j) / static_cast<double>(dims));
      const double angle = static_cast<double>(position) * static_cast<double>(rope.scale) * frequency / static_cast<double>(rope.frequency_divisors[j]);
      out[2 * j] = static_cast<float>(std::cos(angle));
      out[2 * j + 1] = static_cast<float>(std::sin(angle));
    }
  });
}

std::vector<Decoder::Impl::Chunk> Decoder::Impl::chunks_of(std::span<const Row> rows) const {
  std::vector<Chunk> chunks;
  for (size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].token >= 0 && rows[i].token < shape.V);
    const auto position = static_cast<size_t>(rows[i].position);
    if (!chunks.empty() && chunks.back().sequence == rows[i].sequence && chunks.back().position + chunks.back().rows == position) {
      ++chunks.back().rows;
    } else {
      chunks.push_back({rows[i].sequence, i, 1, position});
    }
    CHECK(position < rows[i].sequence->blocks.size() * KvCache::kBlockTokens);
  }
  return chunks;
}

void Decoder::Impl::norm(compute::Threads& threads, const std::vector<float>& weight, size_t n, float* out) {
  const auto C = static_cast<size_t>(shape.C);
  CHECK(weight.size() == C);
  for_rows(threads, n, C, [&](size_t i) { compute::rms_norm(residual.data() + i * C, weight.data(), out + i * C, C, norm_epsilon); });
}

void Decoder::Impl::add_branch(compute::Threads& threads, size_t n) {
  const auto C = static_cast<size_t>(shape.C);
  for_rows(threads, n, C, [&](size_t i) { compute::add(residual.data() + i * C, branch.data() + i * C, residual.data() + i * C, C); });
}

// y = W x, and what the rows' adapters add.
void Decoder::Impl::multiply(compute::Threads& threads, int layer, Adapter::Site site, const Matrix& w, const float* x, size_t n, float* y) {
  const compute::MatmulTarget target{.w = &w, .y = y};
  compute::matmul_group(threads, std::span(&target, 1), x, n, adapters.parts(layer, std::span(&site, 1)), x);
}

// q, k, v of all rows from `normed`; keys and values into the cache; attention's output into q.
void Decoder::Impl::attend(compute::Threads& threads, KvCache& cache, int index, const std::vector<Chunk>& chunks, size_t n) {
  const Layer& layer = layers[static_cast<size_t>(index)];
  const auto H = static_cast<size_t>(shape.H), G = static_cast<size_t>(shape.G), D = static_cast<size_t>(shape.D);
  const auto dims = static_cast<size_t>(rope.dims);
  const compute::MatmulTarget targets[] = {{&layer.query, q.data()}, {&layer.key, k.data()}, {&layer.value, v.data()}};
  constexpr Adapter::Site kSites[] = {Adapter::Site::kQuery, Adapter::Site::kKey, Adapter::Site::kValue};
  planes.multiply(threads, targets, normed.data(), n, adapters.parts(index, kSites));
  for_rows(threads, n, (H + G) * D, [&](size_t i) {
    const float* cos_sin = angles.data() + i * dims;
    compute::rope(q.data() + i * H * D, H, D, dims, cos_sin, compute::RopeStyle::kInterleaved);
    compute::rope(k.data() + i * G * D, G, D, dims, cos_sin, compute::RopeStyle::kInterleaved);
  });
  std::vector<compute::AttentionChunk> work;
  for (const Chunk& chunk : chunks) {
    const compute::KvBlocks blocks = cache.blocks_of(*chunk.sequence, index);
    compute::kv_write(cache.layout(), blocks, chunk.position, chunk.rows, k.data() + chunk.first * G * D, v.data() + chunk.first * G * D);
    float* rows = q.data() + chunk.first * H * D;
    work.push_back({rows, rows, chunk.rows, chunk.position, blocks});
  }
  compute::attention(threads, cache.layout(), H, 1.0f / std::sqrt(static_cast<float>(D)), work);
}

void Decoder::Impl::feed_forward(compute::Threads& threads, int index, size_t n) {
  const Layer& layer = layers[static_cast<size_t>(index)];
  const auto F = static_cast<size_t>(shape.F);
  norm(threads, layer.feed_forward_norm, n, normed.data());
  const compute::MatmulTarget targets[] = {{&layer.gate, gate.data()}, {&layer.up, up.data()}};
  constexpr Adapter::Site kSites[] = {Adapter::Site::kGate, Adapter::Site::kUp};
  compute::matmul_group(threads, targets, normed.data(), n, adapters.parts(index, kSites), normed.data());
  for_rows(threads, n, F * 4, [&](size_t i) { compute::swiglu(gate.data() + i * F, up.data() + i * F, gate.data() + i * F, F); });
  multiply(threads, index, Adapter::Site::kDown, layer.down, gate.data(), n, branch.data());
  add_branch(threads, n);
}

// Moves the wanted rows of attention's output and of the residual together: what the last layer's other rows would give is not used.
size_t Decoder::Impl::keep_wanted(std::span<const Row> rows) {
  const auto C = static_cast<size_t>(shape.C), HD = static_cast<size_t>(shape.H) * static_cast<size_t>(shape.D);
  size_t kept = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].wanted) continue;
    if (kept != i) {
      std::memcpy(q.data() + kept * HD, q.data() + i * HD, HD * sizeof(float));
      std::memcpy(residual.data() + kept * C, residual.data() + i * C, C * sizeof(float));
    }
    ++kept;
  }
  return kept;
}

void Decoder::step(compute::Threads& threads, KvCache& cache, std::span<const Row> rows, float* hidden) {
  Impl& m = *impl_;
  const auto C = static_cast<size_t>(m.shape.C);
  size_t n = rows.size();
  if (n == 0) return;
  m.resize(n);
  const std::vector<Impl::Chunk> chunks = m.chunks_of(rows);
  m.fill_angles(threads, rows);
  m.adapters.begin(rows, false);
  for_rows(threads, n, C, [&](size_t i) { m.embedding.read_row(static_cast<size_t>(rows[i].token), m.residual.data() + i * C); });
  for (int index = 0; index < m.shape.L; ++index) {
    const Layer& layer = m.layers[static_cast<size_t>(index)];
    m.norm(threads, layer.attention_norm, n, m.normed.data());
    m.attend(threads, cache, index, chunks, n);
    if (index + 1 == m.shape.L) {
      n = m.keep_wanted(rows);
      m.adapters.begin(rows, true);
    }
    if (n == 0) return;
    m.multiply(threads, index, Adapter::Site::kAttentionOutput, layer.attention_output, m.q.data(), n, m.branch.data());
    m.add_branch(threads, n);
    m.feed_forward(threads, index, n);
  }
  m.norm(threads, m.output_norm, n, hidden);
}

size_t Decoder::logits_rows(size_t n) const {
  const Impl& m = *impl_;
  return rounds_input(m.output.rows() > 0 ? m.output : m.embedding) ? 2 * n : n;
}

void Decoder::logits(compute::Threads& threads, const float* hidden, size_t n, float* logits) {
  Impl& m = *impl_;
  const compute::MatmulTarget target{m.output.rows() > 0 ? &m.output : &m.embedding, logits};
  m.planes.multiply(threads, std::span(&target, 1), hidden, n);
}

}  // namespace strata::network
