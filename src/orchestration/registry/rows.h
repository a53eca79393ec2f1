// What registry.cc and drafts.cc share. Only this folder includes it.
#pragma once

#include "orchestration/registry/registry.h"

namespace strata::registry {

std::string shown(const Key& key);  // "spec 'support-copilot'"
Status check_word(std::string_view word, const std::string& param);  // a kind or a label
Status check_key(const Key& key);
Status check_content(std::string_view content);
Result<Change> checked_change(const Context& context, const Change& change);  // with the context's user where it names nobody

Result<Artifact> artifact_in(store::Reader& reader, const Key& key);
Result<Artifact> make_artifact(store::Transaction& transaction, const Key& key, const Change& by, int64_t now_ms);  // or the one that stands
Status add_event(store::Transaction& transaction, const Key& key, const Event& event);
Status touch(store::Transaction& transaction, const Key& key, int64_t now_ms);  // it is the last one changed

}  // namespace strata::registry
