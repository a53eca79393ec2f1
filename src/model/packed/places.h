// Where packed files lie and what they are called. Inside model/packed only.
#pragma once

#include <string>
#include <vector>

#include "model/packed/packed.h"

namespace strata::packed {

inline const std::string kPackedSuffix = ".packed", kPartSuffix = ".part";   // a part: NAME.KEY.packed.RANDOM.part, see part_name()

std::string packed_name(const std::string& model_path, const std::string& identity);
std::vector<std::string> folders_of(const Options& options, const std::string& model_path);   // in the order in which they are tried
Kept describe(const std::string& path);   // a packed file or a part

}  // namespace strata::packed
