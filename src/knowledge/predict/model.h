// What is kept of a trained model. Inside knowledge/predict only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "model/linear/linear.h"

namespace strata::model { class Embedder; }

namespace strata::predict {

class Model {
 public:
  std::string kind;
  std::vector<std::string> names;                          // labels, or items
  std::string embedder;                                    // of a classifier: its id
  linear::Softmax softmax;
  linear::Neighbours neighbours;
  std::map<std::string, std::vector<int>> users;           // of a recommender: what each had

  // bytes = length of the header (8, little-endian), header (JSON), floats: mean, weights, bias; or B, popularity
  std::string bytes() const;
  static Result<Model> from(std::string_view bytes);       // kDataLoss where they make no sense

  Result<Json> classify(const Context& context, model::Embedder& embedder, const std::string& text) const;
  // kNotFound names the nearest user or item.
  Result<Json> recommend(const Json& arguments) const;
};

// In order, unit length as the embedder gives them; in batches.
Result<linear::Vectors> embed_all(const Context& context, model::Embedder& embedder, const std::vector<std::string>& texts);

}  // namespace strata::predict
