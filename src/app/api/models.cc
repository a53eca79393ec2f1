#include "app/api/models.h"

#include <algorithm>

namespace strata::api {

void Models::add(std::shared_ptr<model::LanguageModel> model, int64_t created_ms) {
  if (wrapper_) model = wrapper_(std::move(model));
  std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.model->info().id == model->info().id; });
  if (default_id_.empty()) default_id_ = model->info().id;
  entries_.push_back({std::move(model), created_ms});
}

bool Models::remove(const std::string& id) {
  std::lock_guard lock(mutex_);
  bool removed = std::erase_if(entries_, [&](const Entry& entry) { return entry.model->info().id == id; }) > 0;
  if (removed && default_id_ == id) default_id_ = entries_.empty() ? "" : entries_.front().model->info().id;
  return removed;
}

void Models::set_default(const std::string& id) {
  std::lock_guard lock(mutex_);
  default_id_ = id;
}

std::string Models::default_id() const {
  std::lock_guard lock(mutex_);
  return default_id_;
}

Result<std::shared_ptr<model::LanguageModel>> Models::find(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const std::string& wanted = id.empty() ? default_id_ : id;
  std::string names;
  for (auto& entry : entries_) {
    if (entry.model->info().id == wanted) return entry.model;
    names += (names.empty() ? "" : ", ") + entry.model->info().id;
  }
  return not_found("the model '" + wanted + "' does not exist; there " + (entries_.empty() ? "are none" : "is: " + names), "model", "model_not_found");
}

std::vector<Models::Entry> Models::list() const {
  std::lock_guard lock(mutex_);
  std::vector<Entry> out = entries_;
  std::stable_partition(out.begin(), out.end(), [&](const Entry& entry) { return entry.model->info().id == default_id_; });
  return out;
}

}  // namespace strata::api
