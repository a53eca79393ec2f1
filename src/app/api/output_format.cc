#include "app/api/output_format.h"

#include <list>
#include <mutex>

#include "base/crypto.h"
#include "model/grammar/grammar.h"

namespace strata::api {
namespace {

// Of the grammars kept: how many, and their nodes in all (100 bytes each, about).
constexpr size_t kCompiledMost = 64, kCompiledNodesMost = 1'000'000;

using Compiled = std::shared_ptr<const grammar::Grammar>;

// The grammars used last, by what they were compiled from.
class Cache {
 public:
  template <class Compile>
  Result<Compiled> get(const std::string& source, Compile compile) {
    const std::string key = sha256_hex(source);
    {
      const std::lock_guard lock(mutex_);
      for (auto it = kept_.begin(); it != kept_.end(); ++it) {
        if (it->first != key) continue;
        kept_.splice(kept_.begin(), kept_, it);
        return kept_.front().second;
      }
    }
    TRY_ASSIGN(Compiled made, compile());  // outside the lock: a large schema takes a while
    const std::lock_guard lock(mutex_);
    kept_.emplace_front(key, made);
    nodes_ += made->nodes().size();
    while (kept_.size() > kCompiledMost || nodes_ > kCompiledNodesMost) {
      nodes_ -= kept_.back().second->nodes().size();
      kept_.pop_back();
    }
    return made;
  }

 private:
  std::mutex mutex_;
  std::list<std::pair<std::string, Compiled>> kept_;
  size_t nodes_ = 0;                                // of those kept
};

Cache& cache() {
  static Cache one;
  return one;
}

Result<Compiled> compile_schema(const Json& described, const std::string& where) {
  TRY_ASSIGN(Body body, Body::parse({{"name", Kind::kString, "", true, 1, 64},
                                     {"schema", Kind::kAny, "", true},
                                     {"strict", Kind::kBoolean, ""},
                                     {"description", Kind::kString, ""},
                                     {"type", Kind::kString, ""}},
                                    described, where + "."));
  const Json& schema = body["schema"];
  return cache().get("schema" + schema.dump(), [&] { return grammar::compile_json_schema(schema, where + ".schema"); });
}

Result<Compiled> compile_choices(const Json& choices, const std::string& where) {
  const auto* items = choices.as_array();
  if (!items) return invalid_argument(where + ": expected a list of strings", where, "invalid_type");
  std::vector<std::string> texts;
  for (const Json& item : *items) {
    TRY_ASSIGN(std::string text, item.to_string(where));
    texts.push_back(std::move(text));
  }
  return cache().get("choices" + choices.dump(), [&] { return grammar::compile_choices(texts, where); });
}

}  // namespace

Result<OutputFormat> parse_output_format(const Json& json, const std::string& where, const model::LanguageModel& model) {
  if (json.is_null()) return OutputFormat();
  TRY_ASSIGN(Body body, Body::parse({{"type", Kind::kString, "", true, -1e300, 1e300, {"text", "json_object", "json_schema", "regex", "choice", "grammar"}},
                                     {"json_schema", Kind::kObject, ""},
                                     {"pattern", Kind::kString, "", false, 1, 10'000},
                                     {"choices", Kind::kArray, "", false, 1, 10'000},
                                     {"grammar", Kind::kString, "", false, 1, 20'000}},
                                    json, where + "."));
  const std::string type = body.text("type");
  const auto needs = [&](const char* name) -> Status {
    if (body.has(name)) return {};
    return invalid_argument("missing required parameter '" + where + "." + name + "'", where + "." + name, "missing_required_parameter");
  };
  OutputFormat out;
  if (type == "text") return out;
  if (model.info().remote) {
    if (type == "regex" || type == "choice" || type == "grammar")
      return invalid_argument(where + ".type: '" + type + "' is enforced by local models only; model " + model.info().id + " runs elsewhere", where + ".type");
    out.response_format = json;
    return out;
  }
  if (type == "json_object") {
    TRY_ASSIGN(out.grammar, cache().get("object", [] { return grammar::compile_json_object(); }));
  } else if (type == "json_schema") {
    TRY(needs("json_schema"));
    TRY_ASSIGN(out.grammar, compile_schema(body["json_schema"], where + ".json_schema"));
  } else if (type == "regex") {
    TRY(needs("pattern"));
    const std::string pattern = body.text("pattern");
    TRY_ASSIGN(out.grammar, cache().get("regex" + pattern, [&] { return grammar::compile_regex(pattern, where + ".pattern"); }));
  } else if (type == "grammar") {
    TRY(needs("grammar"));
    const std::string text = body.text("grammar");
    TRY_ASSIGN(out.grammar, cache().get("grammar" + text, [&] { return grammar::compile_gbnf(text, where + ".grammar"); }));
  } else {
    TRY(needs("choices"));
    TRY_ASSIGN(out.grammar, compile_choices(body["choices"], where + ".choices"));
  }
  return out;
}

Result<OutputFormat> parse_text_format(const Json& format, const model::LanguageModel& model) {
  if (format["type"] != Json("json_schema")) return parse_output_format(format, "text.format", model);
  if (!model.info().remote) {
    OutputFormat out;
    TRY_ASSIGN(out.grammar, compile_schema(format, "text.format"));
    return out;
  }
  Json described = format;
  described.erase("type");
  return parse_output_format(Json::object({{"type", "json_schema"}, {"json_schema", std::move(described)}}), "text.format", model);
}

}  // namespace strata::api
