// model/packed: a model's repacked weights, kept on disk, so that the second start maps them instead of making them.
//
// What it is: at the first load of a model file every matrix is repacked (infra/compute) and written, as it is made, into one file beside
// the model, or in a cache folder where the model's own cannot be written. Later loads map that file read-only and shared: nothing is
// read until it is used, and several processes hold one copy. What it is not: needed. A packed file that is missing, cut short, of
// another model, of another layout or hostile is ignored and made again; without disk the weights are repacked in memory, as without this room.
//
// The file, NAME.KEY.packed (NAME: the model file's; KEY: the first 16 hex digits of the identity), little-endian:
//   offset  bytes
//   0       8      "STRPACK" 0x01
//   8       4      u32 layout: compute::kPackedLayout. All instruction-set levels stream one layout, so they share the file
//   12      4      u32 number of matrices T
//   16      8      u64 size of this file
//   24      8      u64 offset of the table
//   32      32     identity of the model file, below
//   64      32     SHA-256 of the whole model file, or zeros
//   96      32     SHA-256 of bytes 0 … 95 and of the table
//   128     …      zeros up to a multiple of 4096
//   …       …      T matrices in the layout of infra/compute/pack.h, each at a multiple of 4096, zeros between
//   …       …      table, to the end of the file: u32 length, path of the model file as it was then; then
//                  T × { u32 length, name; u32 ggml type; u64 rows, u64 cols, u64 offset, u64 bytes }
//
// Identity: SHA-256 of the model file's size, modification and change time, inode, and 64 samples of 4 KiB spread over it. WHY not the
// whole file's hash: reading 10 GB at each start would undo what this is for. What is safe then: a file that is replaced or written to gets
// another inode or change time, and change times cannot be set by a program; a copy has both and the samples. Who can forge all
// that can write the model file itself. Within the system clock's tick a change could hide, so identity_of() lets a file get 20 ms old.
// The whole hash is taken once, beside the first repacking, and stays in the header.
// Weights are not checksummed at each start (that would read them all): a packed file is trusted as far as the model file beside it.
//
// Crash safety: written under a name of its own, fsynced, renamed, folder fsynced. A mapped packed file is never changed, only replaced.
// Whoever cuts one shorter while it is mapped ends this process with SIGBUS, as with the model file (see model/format).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "infra/compute/compute.h"
#include "model/format/format.h"

namespace strata::packed {

struct Options {
  bool keep = false;                 // off: every load repacks, nothing is written or looked for
  std::string cache_folder;          // where the model's own folder cannot be written; empty: nowhere. Made, 0700, when needed
  uint64_t disk_spare_bytes = 256u << 20;  // left free beside the packed file
};

// ---- The file ----------------------------------------------------------------------------------------------------------------

struct Entry {
  std::string name;
  compute::Format format = compute::Format::kF32;
  uint64_t rows = 0, cols = 0;
  uint64_t offset = 0, bytes = 0;    // checked: inside the file, aligned, exactly what format and shape take, overlapping nothing
};
struct Table {
  std::string identity, model_sha256;  // 64 hex digits; model_sha256 may be empty
  std::string source;                  // the model file's path
  std::vector<Entry> entries;          // names differ
};
// `file` is the whole file. kDataLoss, or kFailedPrecondition (of another layout); any bytes give one or the other, never a crash.
Result<Table> read_table(std::string_view file, const std::string& what);
// 64 hex digits. COST: 256 KiB read; up to 20 ms where the file has just been written.
std::string identity_of(const format::MappedFile& model);

// ---- Loading -----------------------------------------------------------------------------------------------------------------

class Loading;

// The packed weights of one model file, looked for when the model is opened: what was found stays open, so that it can be mapped after
// the process has given up its right to open it. THREADS: one load at a time.
class Store {
 public:
  // Never fails: what is in the way is logged. `model` was opened from `path`, and outlives this.
  Store(const Options& options, std::string path, const format::TensorDirectory& model);
  bool found() const { return file_.open(); }
  // SHA-256 of the whole model file; empty where no packed file has told it yet.
  const std::string& model_sha256() const { return sha256_; }
  // `known_sha256`: where the caller has it (a manifest), so that it is not computed.
  std::unique_ptr<Loading> begin(const std::string& known_sha256);

 private:
  friend class Loading;
  bool adopt(const std::string& path);
  const Options options_;
  const std::string path_;
  const format::TensorDirectory& model_;
  std::string identity_, sha256_;
  Descriptor file_{-1};
  uint64_t file_bytes_ = 0;
  Table table_;
};

// One load: matrices come from the packed file, or are written to a new one as they are made.
class Loading {
 public:
  ~Loading();  // without finish() nothing is left on disk
  // The matrix of this tensor; nullopt where it must be made.
  std::optional<compute::Matrix> find(const format::Tensor& tensor);
  // Writes it, and gives it back lying in the file, so that loading holds one matrix in memory at a time. Where it cannot be written
  // it comes back as it is.
  compute::Matrix keep(const std::string& name, compute::Matrix matrix);
  // Every matrix has been made: the file gets its name, and the store has found it. An error where what was written cannot be relied
  // on, also by those who hold its matrices: load again without. Nothing where there is nothing to write.
  Status finish();

 private:
  friend class Store;
  struct Reading;
  struct Writing;
  explicit Loading(Store& store);
  Store& store_;
  std::unique_ptr<Reading> reading_;
  std::unique_ptr<Writing> writing_;
};

// What the packed file of these tensors takes; tensors that cannot be computed with count nothing.
uint64_t packed_file_bytes(const format::TensorDirectory& model);

// ---- Housekeeping ------------------------------------------------------------------------------------------------------------

struct Kept {
  std::string path, source, model_sha256;
  uint64_t bytes = 0;
  std::string stale;                 // why nobody will use it; empty where its model is there, unchanged
};
// Packed files and left-over parts in these folders and the folders in them (not deeper). Parts of the last hour are somebody's work: not listed.
std::vector<Kept> list(const std::vector<std::string>& folders);

}  // namespace strata::packed
