// The models that this process answers with: the pool's, which the local engine runs, and remote providers', by the id that the API calls them.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "model/interface/interface.h"
#include "model/pool/pool.h"

namespace strata::api {

class Models {
 public:
  struct Entry {
    std::shared_ptr<model::LanguageModel> model;
    int64_t created_ms = 0;
    pool::Listed local;   // of one of the pool's
  };
  void set_pool(pool::Pool* pool, int64_t created_ms);                        // before the server starts; its first model is the default
  pool::Pool* pool() const { return pool_; }
  void add(std::shared_ptr<model::LanguageModel> model, int64_t created_ms);  // replaces one of the same id
  bool remove(const std::string& id);
  // What each model is wrapped in when it is added, or found in the pool (tracing). Before the first is.
  void set_wrapper(std::function<std::shared_ptr<model::LanguageModel>(std::shared_ptr<model::LanguageModel>)> wrapper) { wrapper_ = std::move(wrapper); }
  Status set_default(const std::string& id);   // an alias too
  // "" is the default. kNotFound (model_not_found, param "model") names the models that there are.
  Result<std::shared_ptr<model::LanguageModel>> find(const std::string& id) const;
  std::vector<Entry> list() const;   // the default first; asking loads nothing
  std::string default_id() const;

  void set_embedder(model::Embedder* embedder) { embedder_ = embedder; }   // before the server starts
  model::Embedder* embedder() const { return embedder_; }

 private:
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::string default_id_;
  std::function<std::shared_ptr<model::LanguageModel>(std::shared_ptr<model::LanguageModel>)> wrapper_;
  pool::Pool* pool_ = nullptr;
  int64_t pool_created_ms_ = 0;
  model::Embedder* embedder_ = nullptr;
};

}  // namespace strata::api
