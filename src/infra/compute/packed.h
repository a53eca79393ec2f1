// What a Matrix holds. Inside infra/compute only.
#pragma once

#include <cstddef>
#include <memory>

#include "infra/compute/kernels.h"
#include "infra/compute/matrix.h"
#include "infra/compute/pack.h"

namespace strata::compute {

struct Matrix::Packed {
  struct FreeBytes {
    void operator()(unsigned char* bytes) const;
  };
  std::unique_ptr<unsigned char, FreeBytes> bytes;  // OWNS: view.data; aligned to 64
  size_t size = 0;
  PackedView view;
  const Kernels* kernels = nullptr;  // of the level that it was packed for
};

}  // namespace strata::compute
