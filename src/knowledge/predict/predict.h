// knowledge/predict: models that are no language models, made here from a person's own rows, kept in versions, and offered as tools.
//
//   classifier    {text, label}…   embedding → model/linear's Softmax      tool "classify_NAME": {text} → {label, probability, sure, alternatives}
//   recommender   {user, item}…    model/linear's Neighbours               tool "recommend_NAME": {user | items, count, candidates} → {items: [{item, score}]}
//
// A report says how good each version is, measured on what it had not seen, beside the trivial baseline: a classifier by cross-validation
// (accuracy, macro F1; baseline: always the most frequent label), a recommender by hiding one item of each user (recall at 10; baseline: always
// the most popular). It is made before the version is kept. The newest version is live, until use() says otherwise.
//
// A classifier remembers which embedding model it was trained on; with another one it says so and does not guess.
// Errors: kInvalidArgument names the field; kNotFound the nearest name; kAlreadyExists where another tool has the name. THREADS: safe. Training blocks for its length: for the worker pool.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/json.h"
#include "base/status.h"
#include "infra/store/store.h"

namespace strata::model { class Embedder; }
namespace strata::tool { class Tools; }

namespace strata::predict {

inline constexpr char kClassifier[] = "classifier", kRecommender[] = "recommender";
inline constexpr size_t kExamplesMost = 5'000, kTextBytesMost = 8'000, kLabelsMost = 100, kRowsMost = 200'000, kNameBytesMost = 200;
inline constexpr int kVersionsMost = 20;  // of one name; the oldest that is not live goes

struct Example {
  std::string text, label;
};
struct Row {
  std::string user, item;
};
struct Version {
  std::string name, kind, description;
  int version = 0;
  bool live = false;
  Json report;  // of its training, as above
  int64_t created_ms = 0;
};

std::vector<store::Migration> migrations();

class Model;  // predict.cc

class Predictors {
 public:
  // All outlive it. Tools are added to and removed from the registry as versions come and go.
  Predictors(store::Store& store, model::Embedder& embedder, tool::Tools& tools, const Clock& clock);
  ~Predictors();
  Status load(const Context& context);  // what is live, at the start; what cannot be offered is said in the log and left out

  // `name`: lower-case letters, digits and '_', at most 40. A name keeps its kind. `l2`, `lambda`: how much to smooth; 0: the default.
  // At least 2 labels with 4 examples each.
  Result<Version> train_classifier(const Context& context, const std::string& name, const std::string& description, const std::vector<Example>& examples,
                                   double l2);
  // At least 4 users with 2 items each; at most linear::kItemsMost items. A row that comes twice counts once.
  Result<Version> train_recommender(const Context& context, const std::string& name, const std::string& description, const std::vector<Row>& rows,
                                    double lambda);

  Result<std::vector<Version>> list(const Context& context, const std::string& name = "");  // newest first
  Result<Version> use(const Context& context, const std::string& name, int version);
  Status remove(const Context& context, const std::string& name);

 private:
  Result<Version> keep(const Context& context, const std::string& name, const char* kind, const std::string& description, Json report, const Model& model);
  Status check_free(const std::string& name, const char* kind) const;
  Status offer(const Context& context, const Version& version);
  Result<std::shared_ptr<const Model>> read(const Context& context, const std::string& name, int version);

  store::Store& store_;
  model::Embedder& embedder_;
  tool::Tools& tools_;
  const Clock& clock_;
  std::mutex offering_;  // one change of the registry at a time
};

}  // namespace strata::predict
