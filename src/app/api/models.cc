#include "app/api/models.h"

#include <algorithm>

namespace strata::api {

namespace {

// A model in a list: what it is, for those who only read.
class Described : public model::LanguageModel {
 public:
  explicit Described(model::ModelInfo info) : info_(std::move(info)) {}
  const model::ModelInfo& info() const override { return info_; }
  Result<std::shared_ptr<model::Handle>> submit(const Context&, model::GenerateRequest, std::shared_ptr<model::Sink>) override { return listed(); }
  Result<int> count_tokens(const model::Prompt&) const override { return listed(); }
  Result<std::vector<int32_t>> tokenize(std::string_view, bool) const override { return listed(); }
  Result<std::string> detokenize(const std::vector<int32_t>&) const override { return listed(); }

 private:
  static Error listed() { return internal_error("a listed model only describes itself: Models::find gives one that runs"); }
  const model::ModelInfo info_;
};

}  // namespace

void Models::add(std::shared_ptr<model::LanguageModel> model, int64_t created_ms) {
  if (wrapper_) model = wrapper_(std::move(model));
  std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.model->info().id == model->info().id; });
  if (default_id_.empty()) default_id_ = model->info().id;
  entries_.push_back({std::move(model), created_ms, {}});
}

void Models::set_pool(pool::Pool* pool, int64_t created_ms) {
  pool_ = pool;
  pool_created_ms_ = created_ms;
  const auto listed = pool->list();
  if (!listed.empty()) default_id_ = listed.front().info.id;
}

bool Models::knows(const std::string& name) const {
  const auto found = find(name);
  return found || found.error().code != Code::kNotFound;   // one that can never fit in memory has its name all the same
}

bool Models::add_adapter(std::shared_ptr<const model::Adapter> adapter, int64_t created_ms) {
  if (knows(adapter->info().id)) return false;
  std::lock_guard lock(mutex_);
  for (const Adapted& other : adapters_)
    if (other.adapter->info().id == adapter->info().id) return false;
  adapters_.push_back({std::move(adapter), created_ms});
  return true;
}

bool Models::remove_adapter(const std::string& name) {
  std::lock_guard lock(mutex_);
  const auto at = std::find_if(adapters_.begin(), adapters_.end(), [&](const Adapted& one) { return one.adapter->info().id == name; });
  if (at == adapters_.end()) return false;
  if (default_id_ == name) default_id_ = at->adapter->info().parent;
  adapters_.erase(at);
  return true;
}

bool Models::remove(const std::string& id) {
  std::lock_guard lock(mutex_);
  bool removed = std::erase_if(entries_, [&](const Entry& entry) { return entry.model->info().id == id; }) > 0;
  if (!removed || default_id_ != id) return removed;
  const auto local = pool_ ? pool_->list() : std::vector<pool::Listed>();
  default_id_ = !local.empty() ? local.front().info.id : entries_.empty() ? "" : entries_.front().model->info().id;
  return removed;
}

Status Models::set_default(const std::string& id) {
  TRY_ASSIGN(const auto model, find(id));
  std::lock_guard lock(mutex_);
  default_id_ = model->info().id;
  return {};
}

std::string Models::default_id() const {
  std::lock_guard lock(mutex_);
  return default_id_;
}

Result<std::shared_ptr<model::LanguageModel>> Models::find(const std::string& id) const {
  std::shared_ptr<const model::Adapter> adapter;
  {
    std::lock_guard lock(mutex_);
    const std::string& wanted = id.empty() ? default_id_ : id;
    for (const Adapted& one : adapters_) {
      const model::ModelInfo& info = one.adapter->info();
      if (info.id == wanted || info.parent + ":" + info.id == wanted) adapter = one.adapter;
    }
  }
  return adapter ? find_adapted(std::move(adapter)) : find_model(id);
}

Result<std::shared_ptr<model::LanguageModel>> Models::find_adapted(std::shared_ptr<const model::Adapter> adapter) const {
  if (!pool_) {
    TRY_ASSIGN(auto base, find_model(adapter->info().parent));
    return model::with_adapter(std::move(base), std::move(adapter));
  }
  TRY_ASSIGN(auto base, pool_->find(adapter->info().parent));
  auto model = model::with_adapter(std::move(base), std::move(adapter));
  return wrapper_ ? wrapper_(std::move(model)) : model;   // outermost: a trace names the adapter
}

Result<std::shared_ptr<model::LanguageModel>> Models::find_model(const std::string& id) const {
  std::string wanted = id, names;
  {
    std::lock_guard lock(mutex_);
    if (wanted.empty()) wanted = default_id_;
    for (auto& entry : entries_) {
      if (entry.model->info().id == wanted) return entry.model;
      names += (names.empty() ? "" : ", ") + entry.model->info().id;
    }
    for (const Adapted& one : adapters_) names += (names.empty() ? "" : ", ") + one.adapter->info().id;
  }
  if (pool_) {
    auto found = pool_->find(wanted);
    if (found && wrapper_) return wrapper_(std::move(*found));
    if (found || found.error().code != Code::kNotFound) return found;
    for (const pool::Listed& listed : pool_->list()) names += (names.empty() ? "" : ", ") + listed.info.id;
  }
  return not_found("the model '" + wanted + "' does not exist; there " + (names.empty() ? "are none" : "is: " + names), "model", "model_not_found");
}

std::vector<Models::Entry> Models::list() const {
  std::vector<Entry> out;
  if (pool_) {
    for (pool::Listed& listed : pool_->list()) out.push_back({std::make_shared<Described>(listed.info), pool_created_ms_, std::move(listed)});
  }
  std::lock_guard lock(mutex_);
  out.insert(out.end(), entries_.begin(), entries_.end());
  std::stable_partition(out.begin(), out.end(), [&](const Entry& entry) { return entry.model->info().id == default_id_; });
  for (const Adapted& one : adapters_) out.push_back({std::make_shared<Described>(one.adapter->info()), one.created_ms, {}});
  return out;
}

}  // namespace strata::api
