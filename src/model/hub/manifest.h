// manifest.json, read and written.
#pragma once

#include "model/hub/hub.h"

namespace strata::hub {

// Every field checked; the files' paths stay inside the folder.
Result<Manifest> read_manifest(const std::string& folder);
// Replaces the file in one step, durable when it returns.
Status write_manifest(const std::string& folder, const Manifest& manifest);
// The SHA-256 of a file, giving up with the context. `on_bytes` hears how many are done.
Result<std::string> hash_file(const Context& context, const std::string& path, const std::function<void(uint64_t)>& on_bytes);

}  // namespace strata::hub
