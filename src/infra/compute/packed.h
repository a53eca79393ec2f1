// What a Matrix holds. Inside infra/compute only.
#pragma once

#include <cstddef>
#include <memory>

#include "infra/compute/kernels.h"
#include "infra/compute/matrix.h"
#include "infra/compute/pack.h"

namespace strata::compute {

struct Matrix::Packed {
  std::shared_ptr<const void> owner;  // OWNS: view.data, or what it lies in; aligned to 64
  size_t size = 0;
  PackedView view;
  const Kernels* kernels = nullptr;  // of the level that it was packed for
};

}  // namespace strata::compute
