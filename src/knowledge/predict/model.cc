#include "knowledge/predict/model.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/text.h"
#include "knowledge/predict/predict.h"
#include "model/interface/interface.h"

namespace strata::predict {
namespace {

constexpr size_t kBatch = 64;
constexpr int kAlternatives = 3, kCountDefault = 10;
constexpr double kSure = 0.5;        // less: more likely wrong than right

void add(std::string& out, const std::vector<float>& floats) { out.append(reinterpret_cast<const char*>(floats.data()), floats.size() * sizeof(float)); }
Status take(ByteReader& reader, uint64_t count, std::vector<float>& to) {
  TRY_ASSIGN(const std::string_view bytes, reader.take(count * sizeof(float)));
  to.resize(count);
  std::memcpy(to.data(), bytes.data(), bytes.size());
  return {};
}

Error no_such(const char* what, const std::string& name, std::vector<std::string_view> names) {
  const std::string_view near = nearest_name(name, names);
  return not_found(std::string(what) + " '" + name.substr(0, 100) + "' is not known" + (near.empty() ? "" : ": did you mean '" + std::string(near) + "'?"),
                   what);
}

}  // namespace

std::string Model::bytes() const {
  Json header = Json::object({{"kind", kind}, {"embedder", embedder}, {"dim", softmax.dim}});
  Json all = Json::array(), had = Json::object();
  for (const auto& name : names) all.push(name);
  for (const auto& [user, items] : users) {
    Json list = Json::array();
    for (int item : items) list.push(item);
    had.set(user, std::move(list));
  }
  header.set("names", std::move(all));
  header.set("users", std::move(had));
  const std::string text = header.dump();
  const uint64_t length = text.size();
  std::string out(reinterpret_cast<const char*>(&length), sizeof length);
  out += text;
  if (kind == kClassifier) {
    add(out, softmax.mean);
    add(out, softmax.weights);
    add(out, softmax.bias);
  } else {
    add(out, neighbours.b);
    add(out, neighbours.popularity);
  }
  return out;
}

Result<Model> Model::from(std::string_view bytes) {
  ByteReader reader(bytes, "a trained model");
  TRY_ASSIGN(const uint64_t length, reader.read<uint64_t>());
  TRY_ASSIGN(const std::string_view text, reader.take(length));
  TRY_ASSIGN(const Json header, Json::parse(text));
  Model out;
  TRY_ASSIGN(out.kind, header["kind"].to_string("kind"));
  TRY_ASSIGN(out.embedder, header["embedder"].to_string("embedder"));
  TRY_ASSIGN(const int64_t dim, header["dim"].to_int("dim"));
  if (!header["names"].is_array() || !header["users"].is_object() || dim < 0 || dim > 65'536) return data_loss("a trained model's header makes no sense");
  for (const Json& name : *header["names"].as_array()) {
    TRY_ASSIGN(std::string one, name.to_string("names"));
    out.names.push_back(std::move(one));
  }
  const int count = static_cast<int>(out.names.size());
  for (const auto& [user, list] : *header["users"].as_object()) {
    std::vector<int> items;
    for (size_t i = 0; i < list.size(); ++i) {
      TRY_ASSIGN(const int64_t item, (*list.as_array())[i].to_int("users"));
      if (item < 0 || item >= count) return data_loss("a trained model names an item that it lacks");
      items.push_back(static_cast<int>(item));
    }
    out.users[user] = std::move(items);
  }
  const auto n = static_cast<uint64_t>(count), d = static_cast<uint64_t>(dim);
  if (out.kind == kClassifier) {
    out.softmax.classes = count;
    out.softmax.dim = static_cast<int>(dim);
    TRY(take(reader, d, out.softmax.mean));
    TRY(take(reader, d * n, out.softmax.weights));
    TRY(take(reader, n, out.softmax.bias));
  } else {
    out.neighbours.items = count;
    TRY(take(reader, n * n, out.neighbours.b));
    TRY(take(reader, n, out.neighbours.popularity));
  }
  if (reader.remaining() != 0) return data_loss("a trained model has bytes too many");
  return out;
}

Result<linear::Vectors> embed_all(const Context& context, model::Embedder& embedder, const std::vector<std::string>& texts) {
  linear::Vectors out;
  for (size_t at = 0; at < texts.size(); at += kBatch) {
    model::EmbedRequest request;
    request.texts.assign(texts.begin() + static_cast<int64_t>(at), texts.begin() + static_cast<int64_t>(std::min(texts.size(), at + kBatch)));
    request.query = texts.size() == 1;
    TRY_ASSIGN(auto embeddings, embedder.embed(context, std::move(request)));
    for (auto& one : embeddings) out.push_back(std::move(one.vector));
  }
  return out;
}

Result<Json> Model::classify(const Context& context, model::Embedder& using_, const std::string& text) const {
  if (using_.info().id != embedder)
    return failed_precondition("this classifier was trained on the embedding model '" + embedder + "', and '" + using_.info().id +
                               "' is loaded: train it again");
  TRY_ASSIGN(const auto vectors, embed_all(context, using_, {text}));
  if (vectors.size() != 1 || vectors[0].size() != static_cast<size_t>(softmax.dim))
    return internal_error("the embedding has another length than the classifier's");
  const auto p = softmax.probabilities(vectors[0]);
  std::vector<size_t> order(p.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] > p[b]; });
  Json others = Json::array();
  for (size_t i = 1; i < order.size() && i <= kAlternatives; ++i) others.push(Json::object({{"label", names[order[i]]}, {"probability", p[order[i]]}}));
  return Json::object({{"label", names[order[0]]}, {"probability", p[order[0]]}, {"sure", p[order[0]] >= kSure}, {"alternatives", std::move(others)}});
}

Result<Json> Model::recommend(const Json& arguments) const {
  std::map<std::string_view, int> index;
  for (size_t i = 0; i < names.size(); ++i) index[names[i]] = static_cast<int>(i);
  const auto indices = [&](const Json& list) -> Result<std::vector<int>> {
    std::vector<int> out;
    for (size_t i = 0; i < list.size(); ++i) {
      TRY_ASSIGN(const std::string name, (*list.as_array())[i].to_string("items"));
      const auto found = index.find(name);
      if (found == index.end()) return no_such("item", name, std::vector<std::string_view>(names.begin(), names.end()));
      out.push_back(found->second);
    }
    return out;
  };
  TRY_ASSIGN(std::vector<int> has, indices(arguments["items"]));
  if (const std::string* user = arguments["user"].as_string()) {
    const auto found = users.find(*user);
    if (found == users.end()) {
      std::vector<std::string_view> all;
      for (const auto& one : users) all.push_back(one.first);
      return no_such("user", *user, std::move(all));
    }
    has.insert(has.end(), found->second.begin(), found->second.end());
  }
  std::sort(has.begin(), has.end());
  has.erase(std::unique(has.begin(), has.end()), has.end());
  TRY_ASSIGN(const std::vector<int> candidates, indices(arguments["candidates"]));
  const int count = static_cast<int>(arguments["count"].to_int("count").value_or(kCountDefault));
  Json list = Json::array();
  std::vector<std::pair<int, double>> scored;
  if (candidates.empty()) {
    scored = neighbours.best(has, count);
  } else {
    const auto scores = neighbours.scores(has);
    for (int item : candidates) scored.emplace_back(item, scores[static_cast<size_t>(item)]);
  }
  std::stable_sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [item, score] : scored) list.push(Json::object({{"item", names[static_cast<size_t>(item)]}, {"score", score}}));
  return Json::object({{"items", std::move(list)}, {"known_items", has.size()}});
}

}  // namespace strata::predict
