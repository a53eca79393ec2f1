// Any bytes give an adapter or an error; what an adapter hands out has the shape that it was asked to fit.
// Input: "GGUF…" is a GGUF adapter; anything else is a u16 length, that many bytes of adapter_config.json, and adapter_model.safetensors.
#include <cstdint>
#include <cstdlib>

#include "model/network/network.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  using network::Adapter;
  const network::DecoderShape shape{.L = 2, .C = 32, .H = 4, .G = 2, .D = 8, .F = 48, .V = 40, .T = 64};
  const Adapter::Target target{.shape = &shape, .format = compute::Format::kF16, .bytes_max = 1 << 20};
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto adapter = [&]() -> Result<Adapter> {
    if (bytes.starts_with("GGUF") || size < 2) return Adapter::parse_gguf(bytes, "fuzz", target);
    const size_t config = std::min<size_t>(size - 2, static_cast<size_t>(data[0]) | static_cast<size_t>(data[1]) << 8);
    return Adapter::parse_peft(bytes.substr(2, config), bytes.substr(2 + config), "fuzz", target);
  }();
  if (!adapter) return 0;
  for (int layer = 0; layer < shape.L; ++layer) {
    for (size_t site = 0; site < Adapter::kSites; ++site) {
      const Adapter::Part* part = adapter->part(layer, static_cast<Adapter::Site>(site));
      if (part && (part->a.rows() != part->b.cols() || part->a.rows() > static_cast<size_t>(Adapter::kRankMax) || part->a.cols() < 1)) std::abort();
    }
  }
  return 0;
}
