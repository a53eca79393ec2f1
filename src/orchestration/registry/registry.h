// orchestration/registry: versioned artifacts of every kind (specs, product notes; later prompts, flows, policies, …). An artifact has
// versions that never change (content, hash, who, why, when), labels that point at one of them ("live"), a history, and at most one
// draft: text that is kept, whatever its state, and is no version.
//
//   (kind, name) ──versions── 1, 2, 3 …   content, sha-256, who, why, when
//        │  ├──labels──── live → 2        moved, never copied; each move is in the history
//        └──draft─────── text, revision   what somebody is still writing
//
// Concurrency is optimistic: a writer names the version (or the draft's revision) that it started from; where another came first, it is
// kAborted and says who, and nothing is written. Everything is committed before a call returns. THREADS: safe.
//
// Errors: kNotFound names kind and name; kInvalidArgument names the field; kAborted is a conflict (reason "version_conflict").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "infra/store/store.h"

namespace strata::registry {

struct Key {
  std::string kind;   // "spec", "product_notes": lower-case letters, digits, '_'; 1 to 64 bytes
  std::string name;   // "support-copilot": lower-case letters, digits, '-', '_', '.'; 1 to 128 bytes
};

struct Artifact {
  Key key;
  int latest = 0;            // the newest version; 0: there is only a draft
  bool has_draft = false;
  int64_t created_ms = 0, updated_ms = 0;
};

struct Version {
  int number = 0;            // from 1, without gaps
  std::string content;       // empty in lists
  std::string sha256;        // of the content
  std::string who, why;
  int64_t created_ms = 0;
};

struct Label {
  std::string name;          // as a kind
  int version = 0;
  std::string who, why;
  int64_t updated_ms = 0;
};

struct Draft {
  std::string content;
  int revision = 0;          // from 1, counts its savings
  int base_version = 0;      // the version that it started from; 0: none
  std::string who;
  int64_t updated_ms = 0;
};

struct Event {
  std::string what;          // "created", "version", "label", "unlabel"
  int version = 0;
  std::string label, who, why;
  int64_t at_ms = 0;
};

// Who changes and why. `who` empty: the context's user.
struct Change {
  std::string who, why;      // at most 128 and 2,000 bytes
};

struct DiffLine {
  char sign = ' ';           // ' ' in both, '-' only in the older, '+' only in the newer
  int old_line = 0, new_line = 0;  // from 1; 0 where the line is not in that one
  std::string text;
};
// A shortest edit script, line by line; past 2,000 differing lines the middle is replaced as a whole.
// SOURCE: Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1986.
std::vector<DiffLine> line_diff(std::string_view older, std::string_view newer);

inline constexpr size_t kContentBytesMax = 1u << 20;

std::vector<store::Migration> migrations();

class Registry {
 public:
  Registry(store::Store& store, const Clock& clock);

  // Newest change first. `after` is the name of the last one seen; `limit` in [1, 1001].
  Result<std::vector<Artifact>> list(const Context&, const std::string& kind, int limit, const std::string& after = "");
  Result<Artifact> artifact(const Context&, const Key& key);

  // Adds a version on top of `base_version` (0: there is none yet) and removes the draft. Content equal to the newest version's is
  // that version, and no new one. kAborted where `base_version` is not the newest.
  Result<Version> add_version(const Context&, const Key& key, const std::string& content, int base_version, const Change& change);
  Result<Version> version(const Context&, const Key& key, int number);            // 0: the newest
  Result<std::vector<Version>> versions(const Context&, const Key& key);          // newest first, at most 1,000
  Result<std::vector<DiffLine>> diff(const Context&, const Key& key, int older, int newer);

  Result<std::vector<Label>> labels(const Context&, const Key& key);
  Result<Label> set_label(const Context&, const Key& key, const std::string& label, int version, const Change& change);
  Status remove_label(const Context&, const Key& key, const std::string& label, const Change& change);
  Result<Version> labelled(const Context&, const Key& key, const std::string& label);  // kNotFound (reason "no_such_label")
  Result<std::vector<Event>> history(const Context&, const Key& key);             // newest first, at most 1,000

  // Keeps a draft; makes the artifact where it is new. `revision`: the one that the writer saw last (0: none); kAborted where the kept
  // one is another, unless the text is the same.
  Result<Draft> save_draft(const Context&, const Key& key, const std::string& content, int base_version, int revision, const Change& change);
  Result<std::optional<Draft>> draft(const Context&, const Key& key);
  // An artifact without versions goes with its draft.
  Status remove_draft(const Context&, const Key& key);

  // All of it: versions, labels, draft and history. For what was only simulated; everything else is kept. One that is not there is ok.
  Status remove(const Context&, const Key& key);

 private:
  store::Store& store_;
  const Clock& clock_;
};

}  // namespace strata::registry
