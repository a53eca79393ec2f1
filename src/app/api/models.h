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
  // An adapter answers to its own name and to BASE:NAME, on the model that its `parent` names then. False where its name is taken.
  bool add_adapter(std::shared_ptr<const model::Adapter> adapter, int64_t created_ms);
  bool remove_adapter(const std::string& name);   // where it was the default model, its base is now
  bool knows(const std::string& name) const;      // whether something answers to it
  bool remove(const std::string& id);
  // What each model is wrapped in when it is added, or found in the pool (tracing). Before the first is.
  void set_wrapper(std::function<std::shared_ptr<model::LanguageModel>(std::shared_ptr<model::LanguageModel>)> wrapper) { wrapper_ = std::move(wrapper); }
  Status set_default(const std::string& id);   // an alias too
  // "" is the default. kNotFound (model_not_found, param "model") names the models that there are.
  Result<std::shared_ptr<model::LanguageModel>> find(const std::string& id) const;
  std::vector<Entry> list() const;   // the default first, adapters last; asking loads nothing
  std::string default_id() const;

  void set_embedder(model::Embedder* embedder) { embedder_ = embedder; }   // before the server starts
  model::Embedder* embedder() const { return embedder_; }

 private:
  Result<std::shared_ptr<model::LanguageModel>> find_model(const std::string& id) const;   // but for adapters
  Result<std::shared_ptr<model::LanguageModel>> find_adapted(std::shared_ptr<const model::Adapter> adapter) const;

  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  struct Adapted {
    std::shared_ptr<const model::Adapter> adapter;
    int64_t created_ms = 0;
  };
  std::vector<Adapted> adapters_;
  std::string default_id_;
  std::function<std::shared_ptr<model::LanguageModel>(std::shared_ptr<model::LanguageModel>)> wrapper_;
  pool::Pool* pool_ = nullptr;
  int64_t pool_created_ms_ = 0;
  model::Embedder* embedder_ = nullptr;
};

// As /v1/models has it. `state`: "loaded", "loading", "leaving" and "on_disk" of local models, "remote" of providers'.
Json model_json(const model::ModelInfo& info, int64_t created_ms, std::string_view state, const pool::Listed& local = {});

}  // namespace strata::api
