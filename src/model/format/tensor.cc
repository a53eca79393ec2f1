// The tensor directory and the table of tensor types.
#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/text.h"
#include "model/format/format.h"

namespace strata::format {
namespace {

using compute::Format;

// SOURCE: ggml-org/ggml include/ggml.h (ids) and src/ggml-common.h (block sizes). Ids that ggml removed are left out.
constexpr GgmlType kTypes[] = {
    {0, "F32", 1, 4, Format::kF32},         {1, "F16", 1, 2, Format::kF16},         {2, "Q4_0", 32, 18, Format::kQ4_0},
    {3, "Q4_1", 32, 20, Format::kQ4_1},     {6, "Q5_0", 32, 22, Format::kQ5_0},     {7, "Q5_1", 32, 24, Format::kQ5_1},
    {8, "Q8_0", 32, 34, Format::kQ8_0},     {9, "Q8_1", 32, 36, std::nullopt},      {10, "Q2_K", 256, 84, std::nullopt},
    {11, "Q3_K", 256, 110, std::nullopt},   {12, "Q4_K", 256, 144, Format::kQ4_K},  {13, "Q5_K", 256, 176, Format::kQ5_K},
    {14, "Q6_K", 256, 210, Format::kQ6_K},  {15, "Q8_K", 256, 292, std::nullopt},   {16, "IQ2_XXS", 256, 66, std::nullopt},
    {17, "IQ2_XS", 256, 74, std::nullopt},  {18, "IQ3_XXS", 256, 98, std::nullopt}, {19, "IQ1_S", 256, 50, std::nullopt},
    {20, "IQ4_NL", 32, 18, std::nullopt},   {21, "IQ3_S", 256, 110, std::nullopt},  {22, "IQ2_S", 256, 82, std::nullopt},
    {23, "IQ4_XS", 256, 136, std::nullopt}, {24, "I8", 1, 1, std::nullopt},         {25, "I16", 1, 2, std::nullopt},
    {26, "I32", 1, 4, std::nullopt},        {27, "I64", 1, 8, std::nullopt},        {28, "F64", 1, 8, std::nullopt},
    {29, "IQ1_M", 256, 56, std::nullopt},   {30, "BF16", 1, 2, Format::kBF16},      {34, "TQ1_0", 256, 54, std::nullopt},
    {35, "TQ2_0", 256, 66, std::nullopt},   {39, "MXFP4", 32, 17, std::nullopt},
};

constexpr std::string_view kRunnable = "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K";

}  // namespace

const GgmlType* find_ggml_type(uint32_t id) {
  for (const GgmlType& type : kTypes)
    if (type.id == id) return &type;
  return nullptr;
}

const GgmlType* find_ggml_type(compute::Format format) {
  for (const GgmlType& type : kTypes)
    if (type.format == format) return &type;
  CHECK(false);
}

uint64_t Tensor::values() const {
  uint64_t product = 1;
  for (uint64_t dimension : shape) product *= dimension;  // checked when the file was read
  return product;
}

Result<compute::Format> Tensor::runnable_format() const {
  if (format) return *format;
  return unimplemented("tensor " + name + " is " + type + ", which this version does not run yet; use a file whose tensors are " + std::string(kRunnable));
}

const Tensor* TensorDirectory::find(std::string_view name) const {
  auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

Result<const Tensor*> TensorDirectory::require(std::string_view name) const {
  if (const Tensor* tensor = find(name)) return tensor;
  std::vector<std::string_view> names;
  for (const Tensor& tensor : tensors_) names.push_back(tensor.name);
  std::string message = "tensor " + std::string(name) + " is missing";
  if (std::string_view nearest = nearest_name(name, names); !nearest.empty()) message += " (there is " + std::string(nearest) + ")";
  return invalid_argument(message + "; the file is of another model family, or incomplete");
}

Status TensorDirectory::add(Tensor tensor, const std::string& what) {
  auto [place, fresh] = by_name_.emplace(tensor.name, tensors_.size());
  if (!fresh) return data_loss(what + ": tensor " + tensor.name + " appears twice; convert the file again");
  tensors_.push_back(std::move(tensor));
  return {};
}

Status TensorDirectory::check_overlap(const std::string& what) const {
  std::vector<const Tensor*> order;
  for (const Tensor& tensor : tensors_)
    if (!tensor.data.empty()) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const Tensor* a, const Tensor* b) { return a->data.data() < b->data.data(); });
  for (size_t i = 1; i < order.size(); ++i) {
    const Tensor& before = *order[i - 1];
    if (before.data.data() + before.data.size() > order[i]->data.data()) {
      return data_loss(what + ": tensors " + before.name + " and " + order[i]->name + " overlap; the file is damaged, fetch or convert it again");
    }
  }
  return {};
}

}  // namespace strata::format
