#include "product/live/live.h"

#include <algorithm>
#include <cmath>

#include "base/log.h"
#include "orchestration/guard/guard.h"

namespace strata::live {
namespace {

registry::Key spec_key(const std::string& product) { return {kSpecKind, product}; }

bool absent(const Error& error) { return error.code == Code::kNotFound; }

}  // namespace

Specs::Specs(registry::Registry& registry, outcome::Outcomes& outcomes) : registry_(registry), outcomes_(outcomes) {}

// The product exists and has the spec's name.
Status Specs::need_product(const Context& context, const std::string& product, const std::string& name) {
  auto row = outcomes_.product(context, product);
  if (!row && !absent(row.error())) return row.error();
  std::string wanted = name.empty() ? (row ? row->name : product) : name;
  if (!row || row->name != wanted) TRY(outcomes_.put_product(context, product, wanted));
  return {};
}

Result<Saved> Specs::keep(const Context& context, const std::string& product, const spec::Checked& checked, const std::string& text, int base_version,
                          bool live, const registry::Change& change) {
  if (!checked.problems.empty()) return spec::need_spec(checked).error();
  TRY(need_product(context, product, checked.name));
  Saved saved{product, {}, {}, checked.missing};
  if (!checked.spec) {
    int revision = 0;
    if (auto kept = registry_.draft(context, spec_key(product)); kept && *kept) revision = (*kept)->revision;
    TRY_ASSIGN(saved.draft, registry_.save_draft(context, spec_key(product), text, base_version, revision, change));
    return saved;
  }
  TRY_ASSIGN(saved.version, registry_.add_version(context, spec_key(product), text, base_version, change));
  if (live) TRY(registry_.set_label(context, spec_key(product), kLiveLabel, saved.version->number, change));
  return saved;
}

Result<Saved> Specs::save(const Context& context, const std::string& product, const std::string& text, int base_version, bool live,
                          const registry::Change& change) {
  return keep(context, product, spec::check_text(text), text, base_version, live, change);
}

Result<Saved> Specs::create(const Context& context, std::string product, const std::string& text, const registry::Change& change) {
  spec::Checked checked = spec::check_text(text);
  if (product.empty()) product = spec::slug(checked.name);
  auto there = registry_.artifact(context, spec_key(product));
  if (there)
    return Error{Code::kAlreadyExists, "a product with the id '" + product + "' has a spec already: give this one another id, or change that one", "id",
                 "product_exists"};
  if (!absent(there.error())) return there.error();
  return keep(context, product, checked, text, 0, true, change);
}

Result<registry::Draft> Specs::save_draft(const Context& context, const std::string& product, const std::string& text, int base_version, int revision,
                                          const registry::Change& change) {
  TRY(need_product(context, product, ""));
  return registry_.save_draft(context, spec_key(product), text, base_version, revision, change);
}

Status Specs::forget(const Context& context, const std::string& product) {
  if (outcomes_.product(context, product)) return failed_precondition("the product '" + product + "' exists: its spec stays");
  return registry_.remove(context, spec_key(product));
}

Result<std::optional<LiveSpec>> Specs::live(const Context& context, const std::string& product) {
  auto version = registry_.labelled(context, spec_key(product), kLiveLabel);
  if (!version) {
    if (absent(version.error())) return std::optional<LiveSpec>();
    return version.error();
  }
  TRY_ASSIGN(auto spec, spec::need_spec(spec::check_text(version->content)));
  return std::optional<LiveSpec>(LiveSpec{product, version->number, std::move(spec)});
}

Result<std::optional<LiveSpec>> Specs::of_conversation(const Context& context, const std::string& conversation_id) {
  TRY_ASSIGN(auto product, outcomes_.product_of(context, conversation_id));
  if (!product) return std::optional<LiveSpec>();
  return live(context, *product);
}

Result<LiveSpec> Specs::newest_or_live(const Context& context, const std::string& product) {
  TRY_ASSIGN(auto current, live(context, product));
  if (current) return std::move(*current);
  TRY_ASSIGN(auto version, registry_.version(context, spec_key(product), 0));
  TRY_ASSIGN(auto spec, spec::need_spec(spec::check_text(version.content)));
  return LiveSpec{product, version.number, std::move(spec)};
}

Result<Promise> Specs::promise(const Context& context, const std::string& product, double promised_seconds) {
  constexpr int kOutputsMax = 10'000;
  TRY_ASSIGN(auto outputs, outcomes_.outputs(context, {.product = product, .kind = "ok"}, kOutputsMax, ""));
  Promise out;
  out.promised_seconds = promised_seconds;
  std::vector<double> seconds;
  for (auto& output : outputs)
    if (output.total_ms > 0) seconds.push_back(output.total_ms / 1000);
  out.answers = static_cast<int64_t>(seconds.size());
  if (seconds.empty()) return out;
  std::sort(seconds.begin(), seconds.end());
  out.actual_seconds_p95 = seconds[static_cast<size_t>(std::ceil(0.95 * static_cast<double>(seconds.size()))) - 1];
  out.late = std::count_if(seconds.begin(), seconds.end(), [&](double s) { return s > promised_seconds; });
  return out;
}

namespace {

void log_access(const LiveSpec& live, const std::string& who, std::string_view where, const std::map<std::string, int>& found) {
  if (found.empty()) return;
  Json kinds = Json::object();
  for (auto& [kind, count] : found) kinds.set(kind, count);
  log::info("pii.access", {{"product", live.product}, {"handling", live.spec.pii_handling}, {"who", who}, {"in", where}, {"found", std::move(kinds)}});
}

}  // namespace

Terms terms_for(const LiveSpec& live, const std::vector<std::string*>& texts, const std::string& who) {
  Terms terms{live, "", {}};
  if (live.spec.pii_handling == "none") return terms;
  for (std::string* text : texts) {
    auto masked = guard::mask_pii(*text);
    for (auto& pii : masked.found) ++terms.pii[std::string(guard::pii_name(pii.kind))];
    if (terms.redacts()) *text = std::move(masked.text);
  }
  log_access(live, who, "question", terms.pii);
  return terms;
}

Terms terms_for(const LiveSpec& live, const std::string& question, const std::string& who) {
  std::string text = question;
  Terms terms = terms_for(live, std::vector<std::string*>{&text}, who);
  terms.question = std::move(text);
  return terms;
}

std::map<std::string, int> personal_data_in(const Terms& terms, const std::string& answer, const std::string& who) {
  std::map<std::string, int> found;
  if (terms.live.spec.pii_handling == "none") return found;
  for (auto& pii : guard::find_pii(answer)) ++found[std::string(guard::pii_name(pii.kind))];
  log_access(terms.live, who, "answer", found);
  return found;
}

}  // namespace strata::live
