// Text → data → spec. What is wrong is named by line and field; what is missing makes a draft.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "base/yaml.h"
#include "product/spec/spec.h"

namespace strata::spec {
namespace {

constexpr size_t kTextBytesMax = 20'000;   // of one field; a page has about 3,000
constexpr size_t kItemsMax = 100;

std::string quoted_choices(const std::vector<std::string>& choices) {
  std::string out;
  for (auto& choice : choices) out += (out.empty() ? "" : ", ") + json_quote(choice);
  return out;
}

std::string short_value(const Json& value) {
  std::string text = value.dump();
  if (text.size() <= 60) return text;
  return text.substr(0, utf8_complete_prefix(std::string_view(text).substr(0, 57))) + "...";
}

std::string did_you_mean(std::string_view wrong, const std::vector<std::string>& names) {
  std::string_view near = nearest_name(wrong, {names.begin(), names.end()});
  return near.empty() ? "" : "; did you mean '" + std::string(near) + "'?";
}

bool is_empty(const Json& value) {
  if (value.is_null()) return true;
  if (auto* text = value.as_string()) return trim(*text).empty();
  return value.is_array() && value.size() == 0;
}

class Checker {
 public:
  Checker(const yaml::Document* document, Checked& out) : document_(document), out_(out) {}

  void check(const Json& value) {
    if (!value.is_object() && !value.is_null()) return say("", "expected a mapping of fields (name: …), got " + std::string(value.type_name()));
    if (value.is_object()) members(value, "");
    for (auto& field : fields())
      if (field.required && is_empty(value[field.path])) out_.missing.push_back(field.path);
  }

 private:
  void say(const std::string& field, std::string message, bool at_key = false) {
    Problem problem{0, 0, field, std::move(message)};
    if (document_) {
      const yaml::Place& place = document_->at(field);
      problem.line = at_key && place.key_line ? place.key_line : place.line;
      problem.column = at_key && place.key_line ? place.key_column : place.column;
    }
    out_.problems.push_back(std::move(problem));
  }

  void members(const Json& object, const std::string& prefix) {
    for (auto& [key, value] : *object.as_object()) {
      std::string path = prefix + key;
      auto field = std::find_if(fields().begin(), fields().end(), [&](const FieldInfo& f) { return f.path == path; });
      if (field != fields().end()) one(*field, value);
      else if (auto inside = names_below(path + "."); !inside.empty()) section(path, value, inside);
      else say(path, "no field has this name" + did_you_mean(key, names_below(prefix)), true);
    }
  }

  void section(const std::string& path, const Json& value, const std::vector<std::string>& names) {
    if (value.is_object()) return members(value, path + ".");
    if (value.is_null()) return;
    std::string all;
    for (auto& name : names) all += (all.empty() ? "" : ", ") + name;
    say(path, "expected a mapping of " + all + ", got " + std::string(value.type_name()));
  }

  // The names one level below a prefix, each once.
  static std::vector<std::string> names_below(const std::string& prefix) {
    std::vector<std::string> names;
    for (auto& field : fields()) {
      if (!field.path.starts_with(prefix)) continue;
      std::string name = field.path.substr(prefix.size());
      name = name.substr(0, name.find('.'));
      if (names.empty() || std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    return names;
  }

  void one(const FieldInfo& field, const Json& value) {
    if (value.is_null()) return;
    switch (field.kind) {
      case FieldKind::kText: return text(field.path, value);
      case FieldKind::kChoice: return choice(field, field.path, value);
      case FieldKind::kTexts:
      case FieldKind::kChoices: return list(field, value);
      case FieldKind::kBoolean:
        if (!value.is_bool()) say(field.path, "expected true or false, got " + short_value(value));
        return;
      case FieldKind::kNumber:
      case FieldKind::kInteger: return number(field, value);
    }
  }

  void text(const std::string& path, const Json& value) {
    auto* text = value.as_string();
    if (!text) return say(path, "expected text, got " + short_value(value) + ": put it in quotes");
    if (text->size() > kTextBytesMax) return say(path, "expected at most " + std::to_string(kTextBytesMax) + " bytes, got " + std::to_string(text->size()));
    if (text->find('\0') != std::string::npos) say(path, "expected text without NUL characters");
  }

  void choice(const FieldInfo& field, const std::string& path, const Json& value) {
    auto* text = value.as_string();
    if (text && (text->empty() || std::find(field.choices.begin(), field.choices.end(), *text) != field.choices.end())) return;
    say(path, "expected one of " + quoted_choices(field.choices) + ", got " + short_value(value) + (text ? did_you_mean(*text, field.choices) : ""));
  }

  void list(const FieldInfo& field, const Json& value) {
    if (!value.is_array()) return say(field.path, "expected a list, got " + short_value(value) + ": write [" + short_value(value) + "]");
    if (value.size() > kItemsMax) return say(field.path, "expected at most " + std::to_string(kItemsMax) + " items, got " + std::to_string(value.size()));
    auto& items = *value.as_array();
    for (size_t i = 0; i < items.size(); ++i) {
      std::string path = field.path + "[" + std::to_string(i) + "]";
      if (field.kind == FieldKind::kChoices) choice(field, path, items[i]);
      else text(path, items[i]);
      if (std::find(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(i), items[i]) != items.begin() + static_cast<std::ptrdiff_t>(i))
        say(path, short_value(items[i]) + " stands twice in the list: keep one");
    }
  }

  void number(const FieldInfo& field, const Json& value) {
    bool whole = field.kind == FieldKind::kInteger;
    auto number = value.to_double(field.path);
    if (!number || (whole && !value.to_int(field.path)))
      return say(field.path, std::string(whole ? "expected a whole number, got " : "expected a number, got ") + short_value(value));
    if (*number >= field.least && *number <= field.most) return;
    auto shown = [&](double n) { return whole || n == std::floor(n) ? std::to_string(static_cast<int64_t>(n)) : python_format(n); };
    say(field.path, "expected " + (whole ? std::string("a whole number") : "a number") + " from " + shown(field.least) + " to " + shown(field.most) + ", got " +
                        short_value(value));
  }

  const yaml::Document* document_;
  Checked& out_;
};

// ---- Data that was checked → struct; nothing here can fail ----

std::string text_of(const Json& value) { return value.as_string() ? *value.as_string() : ""; }
std::vector<std::string> texts_of(const Json& value) {
  std::vector<std::string> out;
  if (auto* items = value.as_array())
    for (auto& item : *items)
      if (!text_of(item).empty()) out.push_back(text_of(item));
  return out;
}
double number_of(const Json& value, double fallback) { return value.to_double("").value_or(fallback); }
int64_t integer_of(const Json& value, int64_t fallback) { return value.to_int("").value_or(fallback); }
std::optional<double> maybe_number(const Json& value) { return value.is_number() ? std::optional(number_of(value, 0)) : std::nullopt; }

RiskLevel risk_of(std::string_view name) {
  for (RiskLevel level : {RiskLevel::kMedium, RiskLevel::kHigh, RiskLevel::kCritical})
    if (risk_name(level) == name) return level;
  return RiskLevel::kLow;
}

Persona persona_of(const Json& value) {
  return {text_of(value["current_workflow"]), text_of(value["technical_sophistication"]), texts_of(value["key_frustrations"])};
}

void read_optional_sections(const Json& v, LLMProductSpec& spec) {
  const Json& d = v["definition"];
  spec.definition = {texts_of(d["jobs"]), texts_of(d["why_ai"]), texts_of(d["ai_roles"]), text_of(d["feel"]), texts_of(d["interaction_patterns"]),
                     text_of(d["impact"])};
  spec.end_user = persona_of(v["personas"]["end_user"]);
  spec.developer = persona_of(v["personas"]["developer"]);
  const Json& c = v["constraints"];
  spec.constraints = {texts_of(c["capabilities"]), text_of(c["scale"]),       text_of(c["infrastructure"]),
                      text_of(c["data"]),          text_of(c["integration"]), text_of(c["timeline"])};
  const Json& o = v["operation"];
  Operation usual;
  spec.operation = {text_of(o["latency_class"]), text_of(o["call_frequency"]), static_cast<int>(integer_of(o["prompt_tokens"], usual.prompt_tokens)),
                    static_cast<int>(integer_of(o["answer_tokens"], usual.answer_tokens))};
  const Json& t = v["targets"];
  spec.targets = {
      maybe_number(t["accuracy"]),           maybe_number(t["hallucination_rate"]), maybe_number(t["latency_p95"]),     maybe_number(t["csat"]),
      maybe_number(t["adoption_rate"]),      maybe_number(t["edit_rate"]),          maybe_number(t["resolution_rate"]), maybe_number(t["deflection_rate"]),
      maybe_number(t["cost_per_resolution"])};
  spec.knowledge_bases = texts_of(v["knowledge_bases"]);
}

LLMProductSpec spec_of(const Json& v) {
  LLMProductSpec spec;
  spec.name = text_of(v["name"]);
  spec.user_persona = text_of(v["user_persona"]);
  spec.job_to_be_done = text_of(v["job_to_be_done"]);
  spec.input_types = texts_of(v["input_types"]);
  spec.output_format = text_of(v["output_format"]);
  spec.max_latency_seconds = number_of(v["max_latency_seconds"], 0);
  spec.context_window_needs = text_of(v["context_window_needs"]);
  spec.hallucination_risk = risk_of(text_of(v["hallucination_risk"]));
  spec.requires_citations = v["requires_citations"] == Json(true);
  spec.human_review_required = v["human_review_required"] == Json(true);
  spec.accuracy_target = number_of(v["accuracy_target"], 0);
  spec.daily_requests_estimate = integer_of(v["daily_requests_estimate"], 0);
  spec.concurrent_users_peak = integer_of(v["concurrent_users_peak"], 0);
  if (auto residency = text_of(v["data_residency"]); !trim(residency).empty()) spec.data_residency = std::string(trim(residency));
  if (auto handling = text_of(v["pii_handling"]); !handling.empty()) spec.pii_handling = handling;
  read_optional_sections(v, spec);
  return spec;
}

// "line 4, column 7: what" → its parts.
Problem problem_of(const std::string& message) {
  Problem problem{0, 0, "", message};
  int used = 0;
  if (std::sscanf(message.c_str(), "line %d, column %d: %n", &problem.line, &problem.column, &used) == 2 && used > 0)
    problem.message = message.substr(static_cast<size_t>(used));
  return problem;
}

Checked finish(const yaml::Document* document, const Json& value) {
  Checked out;
  Checker(document, out).check(value);
  out.value = value;
  out.name = text_of(value["name"]);
  std::stable_sort(out.problems.begin(), out.problems.end(), [](const Problem& a, const Problem& b) { return a.line < b.line; });
  if (out.problems.empty() && out.missing.empty()) out.spec = spec_of(value);
  return out;
}

}  // namespace

std::string Problem::text() const { return (line ? "line " + std::to_string(line) + ": " : "") + (field.empty() ? "" : field + ": ") + message; }

Checked check(const Json& value) { return finish(nullptr, value); }

Checked check_text(std::string_view text) {
  auto document = yaml::parse(text);
  if (document) return finish(&*document, document->value);
  // What JSON allows and YAML does not (a surrogate pair, a very long key).
  if (auto json = Json::parse(text)) return finish(nullptr, *json);
  Checked out;
  out.problems.push_back(problem_of(document.error().message));
  return out;
}

Result<LLMProductSpec> need_spec(const Checked& checked) {
  if (checked.spec) return *checked.spec;
  constexpr size_t kShown = 5;
  std::string message;
  for (size_t i = 0; i < checked.problems.size() && i < kShown; ++i) message += (i ? "\n" : "") + checked.problems[i].text();
  if (checked.problems.size() > kShown) message += "\nand " + std::to_string(checked.problems.size() - kShown) + " more";
  if (!message.empty()) return invalid_argument(message, checked.problems[0].field, "invalid_spec");
  for (auto& field : checked.missing) message += (message.empty() ? "" : ", ") + field;
  return invalid_argument("this is a draft; still missing: " + message, checked.missing.empty() ? "" : checked.missing[0], "incomplete_spec");
}

}  // namespace strata::spec
