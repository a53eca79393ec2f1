// The models that this process answers with: the local engine's and remote providers', by the id that the API calls them.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "model/interface/interface.h"

namespace strata::api {

class Models {
 public:
  struct Entry {
    std::shared_ptr<model::LanguageModel> model;
    int64_t created_ms = 0;
  };
  void add(std::shared_ptr<model::LanguageModel> model, int64_t created_ms);  // replaces one of the same id
  bool remove(const std::string& id);
  // What each model is wrapped in when it is added (tracing). Before the first is.
  void set_wrapper(std::function<std::shared_ptr<model::LanguageModel>(std::shared_ptr<model::LanguageModel>)> wrapper) { wrapper_ = std::move(wrapper); }
  void set_default(const std::string& id);
  // "" is the default. kNotFound (model_not_found, param "model") names the models that there are.
  Result<std::shared_ptr<model::LanguageModel>> find(const std::string& id) const;
  std::vector<Entry> list() const;   // the default first
  std::string default_id() const;

  void set_embedder(model::Embedder* embedder) { embedder_ = embedder; }   // before the server starts
  model::Embedder* embedder() const { return embedder_; }

 private:
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::string default_id_;
  std::function<std::shared_ptr<model::LanguageModel>(std::shared_ptr<model::LanguageModel>)> wrapper_;
  model::Embedder* embedder_ = nullptr;
};

}  // namespace strata::api
