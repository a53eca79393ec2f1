// The short catalogue. Each runs on this version's engine: the llama architecture with a byte-level BPE vocabulary, in F16, Q8_0, Q4_0 or Q4_1
// (a Q4_0 file may hold some tensors in Q4_1 and Q6_K). Models with a SentencePiece vocabulary (TinyLlama, Mistral 7B v0.1) and
// K-quantized files come when the tokenizer and the kernels do.
#include "model/hub/hub.h"

namespace strata::hub {

// UNITS: bytes. Weights are held once, repacked; a sixteenth covers padding and tables, the rest is KV cache, buffers and the program.
uint64_t Recommendation::ram_bytes() const { return bytes + bytes / 16 + (512ull << 20); }

const std::vector<Recommendation>& recommendations() {
  static const std::vector<Recommendation> kAll = {
      {"smollm2-360m-instruct-q8_0", "SmolLM2 360M Instruct", "HuggingFaceTB/SmolLM2-360M-Instruct-GGUF", "smollm2-360m-instruct-q8_0.gguf", "Q8_0",
       "Apache-2.0", 386'000'000},
      {"llama-3.2-1b-instruct-q4_0", "Llama 3.2 1B Instruct", "bartowski/Llama-3.2-1B-Instruct-GGUF", "Llama-3.2-1B-Instruct-Q4_0.gguf", "Q4_0",
       "Llama 3.2 Community License", 773'000'000},
      {"smollm2-1.7b-instruct-q4_0", "SmolLM2 1.7B Instruct", "bartowski/SmolLM2-1.7B-Instruct-GGUF", "SmolLM2-1.7B-Instruct-Q4_0.gguf", "Q4_0", "Apache-2.0",
       994'000'000},
      {"llama-3.2-1b-instruct-q8_0", "Llama 3.2 1B Instruct", "bartowski/Llama-3.2-1B-Instruct-GGUF", "Llama-3.2-1B-Instruct-Q8_0.gguf", "Q8_0",
       "Llama 3.2 Community License", 1'321'000'000},
      {"smollm2-1.7b-instruct-q8_0", "SmolLM2 1.7B Instruct", "bartowski/SmolLM2-1.7B-Instruct-GGUF", "SmolLM2-1.7B-Instruct-Q8_0.gguf", "Q8_0", "Apache-2.0",
       1'820'000'000},
      {"llama-3.2-3b-instruct-q4_0", "Llama 3.2 3B Instruct", "bartowski/Llama-3.2-3B-Instruct-GGUF", "Llama-3.2-3B-Instruct-Q4_0.gguf", "Q4_0",
       "Llama 3.2 Community License", 1'922'000'000},
      {"llama-3.2-3b-instruct-q8_0", "Llama 3.2 3B Instruct", "bartowski/Llama-3.2-3B-Instruct-GGUF", "Llama-3.2-3B-Instruct-Q8_0.gguf", "Q8_0",
       "Llama 3.2 Community License", 3'422'000'000},
  };
  return kAll;
}

}  // namespace strata::hub
