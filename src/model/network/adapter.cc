// Reads adapters: names to places, shapes to the decoder's, rows of queries and keys into its order.
#include "model/network/adapter.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <utility>

#include "base/crypto.h"
#include "base/text.h"
#include "model/format/format.h"
#include "model/network/network.h"
#include "model/network/peft_config.h"

namespace strata::network {
namespace {

using Site = Adapter::Site;

struct SiteName {
  std::string_view peft, gguf;
};
// By Site.
constexpr SiteName kNames[Adapter::kSites] = {{"self_attn.q_proj", "attn_q"},      {"self_attn.k_proj", "attn_k"}, {"self_attn.v_proj", "attn_v"},
                                              {"self_attn.o_proj", "attn_output"}, {"mlp.gate_proj", "ffn_gate"},  {"mlp.up_proj", "ffn_up"},
                                              {"mlp.down_proj", "ffn_down"}};

struct Size {
  uint64_t out, in;
};
Size size_of(const DecoderShape& s, Site site) {
  const auto C = static_cast<uint64_t>(s.C), F = static_cast<uint64_t>(s.F), D = static_cast<uint64_t>(s.D);
  const uint64_t HD = static_cast<uint64_t>(s.H) * D, GD = static_cast<uint64_t>(s.G) * D;
  switch (site) {
    case Site::kQuery: return {HD, C};
    case Site::kKey:
    case Site::kValue: return {GD, C};
    case Site::kAttentionOutput: return {C, HD};
    case Site::kGate:
    case Site::kUp: return {F, C};
    case Site::kDown: return {C, F};
  }
  return {};
}

// Where a tensor belongs.
struct Place {
  int layer = 0;
  size_t site = 0;
  bool second = false;   // B
};

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// "12.self_attn…" → 12 and what follows the dot.
std::optional<int> take_layer(std::string_view& text) {
  int layer = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), layer);
  if (failure != std::errc() || layer < 0 || end == text.data() + text.size() || *end != '.') return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return layer;
}

std::optional<Place> find_place(std::string_view name, bool peft) {
  Place place;
  if (peft) {
    take_prefix(name, "base_model.model.");
    take_prefix(name, "model.");
    if (!take_prefix(name, "layers.")) return std::nullopt;
  } else if (!take_prefix(name, "blk.")) {
    return std::nullopt;
  }
  const auto layer = take_layer(name);
  if (!layer) return std::nullopt;
  place.layer = *layer;
  for (; place.site < Adapter::kSites; ++place.site) {
    std::string_view rest = name;
    if (!take_prefix(rest, peft ? kNames[place.site].peft : kNames[place.site].gguf)) continue;
    if (rest != (peft ? ".lora_A.weight" : ".weight.lora_a") && rest != (peft ? ".lora_B.weight" : ".weight.lora_b")) return std::nullopt;
    place.second = peft ? rest[6] == 'B' : rest.back() == 'b';
    return place;
  }
  return std::nullopt;
}

std::string shape_text(const std::vector<uint64_t>& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

// The rows of each head from halves to pairs; see the header.
void pair_up_rows(std::vector<float>& b, size_t heads, size_t D, size_t rank) {
  const std::vector<float> halves = b;
  for (size_t h = 0; h < heads; ++h) {
    for (size_t row = 0; row < D; ++row) {
      const size_t from = h * D + row % 2 * (D / 2) + row / 2;
      std::copy_n(halves.begin() + static_cast<std::ptrdiff_t>(from * rank), rank, b.begin() + static_cast<std::ptrdiff_t>((h * D + row) * rank));
    }
  }
}

// Divides by a power of two so that the greatest magnitude is in [1, 2); returns it.
float normalize(std::vector<float>& values) {
  float greatest = 0;
  for (const float x : values) greatest = std::max(greatest, std::fabs(x));
  if (!(greatest > 0)) return 1;
  const int exponent = std::ilogb(greatest);
  for (float& x : values) x = std::ldexp(x, -exponent);
  return std::ldexp(1.0f, exponent);
}

Result<compute::Matrix> pack(compute::Format format, const std::vector<float>& values, uint64_t rows, uint64_t cols) {
  std::vector<std::byte> raw(values.size() * compute::format_block_bytes(format));
  compute::quantize(format, values.data(), values.size(), raw.data());
  return compute::Matrix::pack(format, rows, cols, raw);
}

}  // namespace

// The pairs of a file, and what becomes of them.
struct Adapter::Reader {
  const Target& target;
  const std::string& what;
  bool peft = false;
  int rank = 0;                                  // 0: any, from the shapes
  struct Pair {
    const format::Tensor* a = nullptr;
    const format::Tensor* b = nullptr;
  };
  std::map<std::pair<int, size_t>, Pair> pairs = {};

  Error at_fault(const format::Tensor& tensor, const std::string& problem) const { return invalid_argument(what + ": tensor " + tensor.name + ": " + problem); }

  Status collect(const format::TensorDirectory& file) {
    for (const format::Tensor& tensor : file.tensors()) {
      const auto place = find_place(tensor.name, peft);
      if (!place) {
        return unimplemented(what + ": tensor " + tensor.name +
                             " cannot be applied: adapters may change query, key, value, output, gate, up and down projections of Llama layers by low-rank "
                             "products; train or convert it without this module");
      }
      if (place->layer >= target.shape->L)
        return at_fault(tensor, "the model has only " + std::to_string(target.shape->L) + " layers; the adapter is of another");
      Pair& pair = pairs[{place->layer, place->site}];
      const format::Tensor*& half = place->second ? pair.b : pair.a;
      if (half) return at_fault(tensor, "the same place is named twice, also as " + half->name);
      half = &tensor;
    }
    if (pairs.empty()) return invalid_argument(what + ": it holds no tensors, so there is nothing to apply");
    return {};
  }

  // Shapes and memory, before anything is allocated.
  Status check(uint64_t* bytes) const {
    *bytes = 0;
    for (const auto& [where, pair] : pairs) {
      if (!pair.a || !pair.b) return at_fault(pair.a ? *pair.a : *pair.b, "its other half is missing; the file is incomplete");
      const Size size = size_of(*target.shape, static_cast<Site>(where.second));
      const uint64_t r = pair.a->shape.empty() ? 0 : pair.a->shape[0];
      if (r < 1 || r > static_cast<uint64_t>(kRankMax))
        return at_fault(*pair.a, "expected a rank of 1 to " + std::to_string(kRankMax) + ", got shape " + shape_text(pair.a->shape));
      if (rank != 0 && r != static_cast<uint64_t>(rank))
        return at_fault(*pair.a, "its rank is " + std::to_string(r) + ", but r in adapter_config.json is " + std::to_string(rank));
      for (const auto& [tensor, expected] : {std::pair{pair.a, std::vector<uint64_t>{r, size.in}}, std::pair{pair.b, std::vector<uint64_t>{size.out, r}}}) {
        if (tensor->shape != expected)
          return at_fault(*tensor,
                          "expected shape " + shape_text(expected) + " for this model, got " + shape_text(tensor->shape) + "; the adapter is of another model");
        TRY(tensor->runnable_format());
      }
      // Panels have 16 rows: a small rank takes the room of 16.
      *bytes += (((r + 15) / 16 * 16) * size.in + ((size.out + 15) / 16 * 16) * r) * compute::format_block_bytes(target.format);
      if (*bytes > target.bytes_max)
        return resource_exhausted(what + ": the adapter needs more than the " + human_bytes(target.bytes_max) +
                                  " of memory that are left; unload another or raise the memory limit");
    }
    return {};
  }

  Result<std::vector<float>> values(const format::Tensor& tensor) const {
    TRY_ASSIGN(const compute::Format format, tensor.runnable_format());
    std::vector<float> out(tensor.values());
    compute::dequantize(format, tensor.data.data(), out.size(), out.data());
    for (const float x : out) {
      if (!std::isfinite(x)) return at_fault(tensor, "holds a number that is not finite; the training failed or the file is damaged");
    }
    return out;
  }

  Result<Part> part(Site site, const Pair& pair, double scale) const {
    const DecoderShape& s = *target.shape;
    const Size size = size_of(s, site);
    const uint64_t r = pair.a->shape[0];
    TRY_ASSIGN(std::vector<float> a, values(*pair.a));
    TRY_ASSIGN(std::vector<float> b, values(*pair.b));
    const auto D = static_cast<size_t>(s.D);
    if (peft && site == Site::kQuery) pair_up_rows(b, static_cast<size_t>(s.H), D, r);
    if (peft && site == Site::kKey) pair_up_rows(b, static_cast<size_t>(s.G), D, r);
    if (target.format != compute::Format::kF32) scale *= static_cast<double>(normalize(a)) * static_cast<double>(normalize(b));
    if (!(std::fabs(scale) <= 1e30)) return at_fault(*pair.b, "the product would overflow; the file is damaged");
    Part out;
    out.scale = static_cast<float>(scale);
    TRY_ASSIGN(out.a, pack(target.format, a, r, size.in));
    TRY_ASSIGN(out.b, pack(target.format, b, size.out, r));
    return out;
  }

  // `scale_of(r)`: alpha / r, or as the file has it.
  template <class ScaleOf>
  Result<Adapter> read(ScaleOf scale_of) {
    Adapter adapter;
    TRY(check(&adapter.bytes_));
    adapter.layers_.resize(static_cast<size_t>(target.shape->L));
    for (const auto& [where, pair] : pairs) {
      const auto r = static_cast<int>(pair.a->shape[0]);
      TRY_ASSIGN(Part one, part(static_cast<Site>(where.second), pair, scale_of(r)));
      adapter.layers_[static_cast<size_t>(where.first)][where.second] = std::move(one);
      adapter.rank_ = std::max(adapter.rank_, r);
      adapter.parameters_ += pair.a->values() + pair.b->values();
    }
    return adapter;
  }
};

Result<Adapter> Adapter::parse_peft(std::string_view config_text, std::string_view weights, const std::string& what, const Target& target) {
  TRY_ASSIGN(const PeftConfig config, parse_peft_config(config_text, what + "/adapter_config.json"));
  const std::string where = what + "/adapter_model.safetensors";
  TRY_ASSIGN(const format::Safetensors file, format::Safetensors::parse(weights, where));
  Reader reader{.target = target, .what = where, .peft = true, .rank = config.rank};
  if (target.shape->D % 2 != 0) return invalid_argument(where + ": heads of " + std::to_string(target.shape->D) + " values have no halves");
  TRY(reader.collect(file));
  TRY_ASSIGN(Adapter adapter,
             reader.read([&](int r) { return config.alpha / (config.rank_stabilized ? std::sqrt(static_cast<double>(r)) : static_cast<double>(r)); }));
  adapter.alpha_ = config.alpha;
  Sha256 hash;
  hash.update(config_text);
  hash.update(weights);
  adapter.sha256_ = hash.finish_hex();
  return adapter;
}

Result<Adapter> Adapter::parse_gguf(std::string_view bytes, const std::string& what, const Target& target) {
  TRY_ASSIGN(const format::Gguf file, format::Gguf::parse(bytes, what));
  TRY_ASSIGN(const std::string_view kind, file.string_or("general.type", "model"));
  if (kind != "adapter") return invalid_argument(what + ": general.type: expected adapter, got " + std::string(kind) + "; this file is loaded as a model");
  TRY_ASSIGN(const std::string_view type, file.string("adapter.type"));
  if (type != "lora") return unimplemented(what + ": adapter.type: expected lora, got " + std::string(type), "adapter.type");
  TRY_ASSIGN(const std::string_view architecture, file.string("general.architecture"));
  if (architecture != "llama") return invalid_argument(what + ": general.architecture: expected llama as the model's, got " + std::string(architecture));
  if (file.has("adapter.alora.invocation_tokens"))
    return unimplemented(what + ": adapter.alora.invocation_tokens: adapters that wait for an invocation are not supported", "adapter.alora.invocation_tokens");
  TRY_ASSIGN(const double alpha, file.number("adapter.lora.alpha"));
  if (!(alpha > -1e6 && alpha < 1e6)) return invalid_argument(what + ": adapter.lora.alpha: expected a number below a million");
  Reader reader{.target = target, .what = what};
  TRY(reader.collect(file));
  // llama.cpp takes an alpha of 0 as "no scale".
  TRY_ASSIGN(Adapter adapter, reader.read([&](int r) { return alpha == 0 ? 1.0 : alpha / r; }));
  adapter.alpha_ = alpha;
  adapter.sha256_ = sha256_hex(bytes);
  return adapter;
}

Result<Adapter> Adapter::load(const std::string& path, const Target& target) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    TRY_ASSIGN(const format::MappedFile config, format::MappedFile::open(path + "/adapter_config.json"));
    TRY_ASSIGN(const format::MappedFile weights, format::MappedFile::open(path + "/adapter_model.safetensors"));
    return parse_peft(config.bytes(), weights.bytes(), path, target);
  }
  if (!path.ends_with(".gguf")) return invalid_argument(path + ": expected a PEFT folder (adapter_config.json, adapter_model.safetensors) or a .gguf file");
  TRY_ASSIGN(const format::MappedFile file, format::MappedFile::open(path));
  return parse_gguf(file.bytes(), path, target);
}

}  // namespace strata::network
