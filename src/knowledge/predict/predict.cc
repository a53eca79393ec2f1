#include "knowledge/predict/predict.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "base/text.h"
#include "knowledge/predict/model.h"
#include "knowledge/tool/tool.h"
#include "model/interface/interface.h"

namespace strata::predict {
namespace {

using store::Reader;
using store::Transaction;

constexpr int kFolds = 5, kExamplesLeast = 4, kUsersLeast = 4;
constexpr uint64_t kSeed = 20'26;                // of folds and of hidden items: the same rows give the same report
constexpr double kL2 = 1e-3, kLambda = 20;

Status check_name(const std::string& name) {
  const bool ok = !name.empty() && name.size() <= 40 && name[0] >= 'a' && name[0] <= 'z' &&
                  std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
  if (!ok)
    return invalid_argument("name: expected 1 to 40 lower-case letters, digits and '_', beginning with a letter, got '" + name.substr(0, 60) + "'", "name");
  return {};
}

// Texts → numbers, in the order of their first appearance.
int number_of(std::map<std::string, int>& known, std::vector<std::string>& names, const std::string& name) {
  const auto [at, fresh] = known.emplace(name, static_cast<int>(names.size()));
  if (fresh) names.push_back(name);
  return at->second;
}

Version version_from(const store::Row& row) {
  Version out{row.text(0), row.text(1), row.text(2), static_cast<int>(row.integer(3)), row.integer(4) != 0, {}, row.integer(6)};
  if (auto report = Json::parse(row.text(5))) out.report = std::move(*report);
  return out;
}
constexpr char kSelect[] =
    "SELECT name, kind, description, version, live, report, created_ms FROM predictors WHERE ? = '' OR name = ? ORDER BY name, version DESC";
Result<std::vector<Version>> versions_of(Reader& reader, const std::string& name) {
  std::vector<Version> all;
  TRY(reader.query(kSelect, {name, name}, [&](const store::Row& row) {
    all.push_back(version_from(row));
    return true;
  }));
  return all;
}

Json report_of(const linear::Quality& quality, const std::vector<std::string>& labels, size_t examples) {
  Json classes = Json::array();
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto& one = quality.classes[i];
    classes.push(Json::object({{"label", labels[i]}, {"examples", one.examples}, {"precision", one.precision}, {"recall", one.recall}}));
  }
  return Json::object({{"examples", examples},
                       {"labels", labels.size()},
                       {"folds", quality.folds},
                       {"accuracy", quality.accuracy},
                       {"macro_f1", quality.macro_f1},
                       {"log_loss", quality.log_loss},
                       {"baseline_accuracy", quality.majority},
                       {"classes", std::move(classes)}});
}

tool::Description describe(const Version& version) {
  tool::Description about;
  const bool classifier = version.kind == kClassifier;
  about.name = (classifier ? "classify_" : "recommend_") + version.name;
  about.description =
      (classifier ? "Which of its labels fits a text, with a probability. " : "What goes with the items that somebody has, best first, with scores. ") +
      version.description;
  about.parameters = *Json::parse(classifier ? R"({"type":"object","properties":{"text":{"type":"string","minLength":1,"maxLength":8000}},"required":["text"],
    "additionalProperties":false})"
                                             : R"({"type":"object","properties":{"user":{"type":"string","description":"Known from training"},
    "items":{"type":"array","items":{"type":"string"},"maxItems":500,"description":"What is there already, beside the user's own"},
    "candidates":{"type":"array","items":{"type":"string"},"maxItems":500,"description":"Score just these"},
    "count":{"type":"integer","minimum":1,"maximum":100}},"additionalProperties":false})");
  about.result =
      *Json::parse(classifier ? R"({"type":"object","properties":{"label":{"type":"string"},"probability":{"type":"number"},"sure":{"type":"boolean"},
    "alternatives":{"type":"array","items":{"type":"object","properties":{"label":{"type":"string"},"probability":{"type":"number"}},
    "required":["label","probability"]}}},"required":["label","probability","sure","alternatives"],"additionalProperties":false})"
                              : R"({"type":"object","properties":{"items":{"type":"array","items":{"type":"object","properties":{
    "item":{"type":"string"},"score":{"type":"number"}},"required":["item","score"]}},"known_items":{"type":"integer"}},
    "required":["items","known_items"],"additionalProperties":false})");
  about.source = "trained:" + version.name;
  return about;
}

}  // namespace

// A tool of that name from elsewhere stays as it is.
Status Predictors::check_free(const std::string& name, const char* kind) const {
  const tool::Description wanted = describe({.name = name, .kind = kind});
  const auto there = tools_.describe(wanted.name);
  if (there && there->source != wanted.source)
    return Error{Code::kAlreadyExists, "there is a tool '" + wanted.name + "' from " + there->source + " already: choose another name", "name", ""};
  return {};
}

std::vector<store::Migration> migrations() {
  return {{"predict", 1, R"(
    CREATE TABLE predictors(
      name TEXT NOT NULL,
      version INTEGER NOT NULL,
      kind TEXT NOT NULL,
      description TEXT NOT NULL,
      live INTEGER NOT NULL,
      report TEXT NOT NULL,
      model BLOB NOT NULL,
      created_ms INTEGER NOT NULL,
      PRIMARY KEY(name, version));
  )"}};
}

Predictors::Predictors(store::Store& store, model::Embedder& embedder, tool::Tools& tools, const Clock& clock)
    : store_(store), embedder_(embedder), tools_(tools), clock_(clock) {}
Predictors::~Predictors() = default;

Status Predictors::load(const Context& context) {
  TRY_ASSIGN(const auto all, list(context));
  for (const Version& one : all) {
    if (!one.live) continue;
    auto offered = offer(context, one);
    if (!offered) log::warning("predictor.not_offered", {{"name", one.name}, {"message", offered.error().message}});
  }
  return {};
}

Result<Version> Predictors::train_classifier(const Context& context, const std::string& name, const std::string& description,
                                             const std::vector<Example>& examples, double l2) {
  TRY(check_name(name));
  TRY(check_free(name, kClassifier));
  if (examples.size() > kExamplesMost)
    return invalid_argument("examples: expected at most " + std::to_string(kExamplesMost) + ", got " + std::to_string(examples.size()), "examples");
  Model model;
  model.kind = kClassifier;
  model.embedder = embedder_.info().id;
  std::map<std::string, int> known;
  std::vector<std::string> texts;
  std::vector<int> labels, counts;
  for (size_t i = 0; i < examples.size(); ++i) {
    const Example& one = examples[i];
    const std::string here = "examples[" + std::to_string(i) + "]";
    if (trim(one.text).empty() || one.text.size() > kTextBytesMost) return invalid_argument(here + ".text: expected 1 to 8,000 bytes", here + ".text");
    if (trim(one.label).empty() || one.label.size() > kNameBytesMost) return invalid_argument(here + ".label: expected 1 to 200 bytes", here + ".label");
    texts.push_back(one.text);
    labels.push_back(number_of(known, model.names, one.label));
    counts.resize(model.names.size(), 0);
    ++counts[static_cast<size_t>(labels.back())];
  }
  if (model.names.size() < 2 || model.names.size() > kLabelsMost)
    return invalid_argument("examples: expected 2 to " + std::to_string(kLabelsMost) + " different labels, got " + std::to_string(model.names.size()),
                            "examples");
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] < kExamplesLeast)
      return invalid_argument("examples: label '" + model.names[i] + "' has " + std::to_string(counts[i]) + " examples, expected at least 4", "examples");
  }
  const linear::SoftmaxOptions options{.l2 = l2 > 0 ? l2 : kL2};
  const int classes = static_cast<int>(model.names.size());
  TRY_ASSIGN(const auto vectors, embed_all(context, embedder_, texts));
  TRY_ASSIGN(const auto quality, linear::cross_validate(context, vectors, labels, classes, kFolds, kSeed, options));
  TRY_ASSIGN(model.softmax, linear::fit_softmax(context, vectors, labels, classes, options));
  return keep(context, name, kClassifier, description, report_of(quality, model.names, examples.size()), model);
}

Result<Version> Predictors::train_recommender(const Context& context, const std::string& name, const std::string& description, const std::vector<Row>& rows,
                                              double lambda) {
  TRY(check_name(name));
  TRY(check_free(name, kRecommender));
  if (rows.size() > kRowsMost) return invalid_argument("rows: expected at most " + std::to_string(kRowsMost) + ", got " + std::to_string(rows.size()), "rows");
  Model model;
  model.kind = kRecommender;
  std::map<std::string, int> users, items;
  std::vector<std::string> user_names;
  std::set<std::pair<int, int>> pairs;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].user.empty() || rows[i].item.empty() || rows[i].user.size() > kNameBytesMost || rows[i].item.size() > kNameBytesMost)
      return invalid_argument("rows[" + std::to_string(i) + "]: expected user and item of 1 to 200 bytes each", "rows");
    const int user = number_of(users, user_names, rows[i].user), item = number_of(items, model.names, rows[i].item);
    if (pairs.emplace(user, item).second) model.users[rows[i].user].push_back(item);
  }
  if (model.names.size() > static_cast<size_t>(linear::kItemsMost))
    return invalid_argument("rows: expected at most " + std::to_string(linear::kItemsMost) + " different items, got " + std::to_string(model.names.size()),
                            "rows");
  const auto with_two = std::count_if(model.users.begin(), model.users.end(), [](const auto& one) { return one.second.size() >= 2; });
  if (with_two < kUsersLeast) return invalid_argument("rows: expected at least 4 users with 2 items each, got " + std::to_string(with_two), "rows");
  linear::Interactions all{static_cast<int>(user_names.size()), static_cast<int>(model.names.size()), {pairs.begin(), pairs.end()}};
  const double smooth = lambda > 0 ? lambda : kLambda;
  TRY_ASSIGN(const auto recall, linear::measure(context, all, smooth, kSeed));
  TRY_ASSIGN(model.neighbours, linear::fit_neighbours(context, all, smooth));
  Json report = Json::object({{"rows", pairs.size()},
                              {"users", user_names.size()},
                              {"items", model.names.size()},
                              {"users_tested", recall.users},
                              {"recall_at_10", recall.recall},
                              {"baseline_recall_at_10", recall.popularity}});
  return keep(context, name, kRecommender, description, std::move(report), model);
}

Result<Version> Predictors::keep(const Context& context, const std::string& name, const char* kind, const std::string& description, Json report,
                                 const Model& model) {
  Version made{name, kind, description, 1, true, std::move(report), clock_.unix_ms()};
  const std::string bytes = model.bytes();
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(const auto before, versions_of(transaction, name));
    if (!before.empty() && before[0].kind != kind)
      return Error{Code::kAlreadyExists, "'" + name + "' is a " + before[0].kind + ": choose another name, or remove it first", "name", ""};
    if (!before.empty()) made.version = before[0].version + 1;
    TRY(transaction.execute("UPDATE predictors SET live = 0 WHERE name = ?", {name}));
    TRY(transaction.execute("DELETE FROM predictors WHERE name = ? AND version <= ?", {name, int64_t{made.version - kVersionsMost}}));
    TRY(transaction.execute("INSERT INTO predictors(name, version, kind, description, live, report, model, created_ms) VALUES(?, ?, ?, ?, 1, ?, ?, ?)",
                            {name, int64_t{made.version}, std::string(kind), description, made.report.dump(), store::Blob{bytes}, made.created_ms}));
    return {};
  }));
  TRY(offer(context, made));
  return made;
}

Result<std::shared_ptr<const Model>> Predictors::read(const Context& context, const std::string& name, int version) {
  std::string bytes;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    return reader.query("SELECT model FROM predictors WHERE name = ? AND version = ?", {name, int64_t{version}}, [&](const store::Row& row) {
      bytes = row.blob(0);
      return false;
    });
  }));
  TRY_ASSIGN(Model model, Model::from(bytes));
  return std::make_shared<const Model>(std::move(model));
}

// The tool of this version, in place of the one of another.
Status Predictors::offer(const Context& context, const Version& version) {
  TRY_ASSIGN(auto model, read(context, version.name, version.version));
  tool::Description about = describe(version);
  const std::string name = about.name;
  auto run = [model, embedder = &embedder_](const Context& asking, const tool::Invocation& call) -> Result<tool::Answer> {
    auto made = model->kind == kClassifier ? model->classify(asking, *embedder, *call.arguments["text"].as_string()) : model->recommend(call.arguments);
    if (made) return tool::Answer::of(std::move(*made));
    if (made.error().code != Code::kNotFound && made.error().code != Code::kFailedPrecondition) return made.error();
    return tool::Answer::failed(made.error().code == Code::kNotFound ? "not_found" : "not_ready", made.error().message);
  };
  std::lock_guard lock(offering_);
  TRY(check_free(version.name, version.kind.c_str()));
  tools_.remove(name);
  return tools_.add(tool::make_tool(std::move(about), std::move(run)));
}

Result<std::vector<Version>> Predictors::list(const Context& context, const std::string& name) {
  std::vector<Version> all;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY_ASSIGN(all, versions_of(reader, name));
    if (!all.empty() || name.empty()) return {};
    TRY_ASSIGN(const auto others, versions_of(reader, ""));
    std::vector<std::string_view> names;
    for (const auto& one : others) names.push_back(one.name);
    const std::string_view near = nearest_name(name, names);
    return not_found("there is no predictor '" + name.substr(0, 60) + "'" + (near.empty() ? "" : ": did you mean '" + std::string(near) + "'?"), "predictor");
  }));
  return all;
}

Result<Version> Predictors::use(const Context& context, const std::string& name, int version) {
  TRY_ASSIGN(const auto all, list(context, name));
  const auto found = std::find_if(all.begin(), all.end(), [&](const Version& one) { return one.version == version; });
  if (found == all.end())
    return not_found("'" + name + "' has no version " + std::to_string(version) + "; its newest is " + std::to_string(all[0].version), "version");
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(transaction.execute("UPDATE predictors SET live = CASE WHEN version = ? THEN 1 ELSE 0 END WHERE name = ?", {int64_t{version}, name}));
    return {};
  }));
  Version made = *found;
  made.live = true;
  TRY(offer(context, made));
  return made;
}

Status Predictors::remove(const Context& context, const std::string& name) {
  TRY_ASSIGN(const auto all, list(context, name));
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(transaction.execute("DELETE FROM predictors WHERE name = ?", {name}));
    return {};
  }));
  std::lock_guard lock(offering_);
  tools_.remove(describe(all[0]).name);
  return {};
}

}  // namespace strata::predict
