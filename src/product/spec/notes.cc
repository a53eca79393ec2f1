// The product notes: a mini-PRD that a spec can say by itself. SOURCE: requirements.md X06, layer 5.
#include "base/text.h"
#include "product/spec/spec.h"

namespace strata::spec {
namespace {

constexpr char kOpen[] = "_Open: not said yet._";

std::string words(std::string name) {
  for (char& c : name)
    if (c == '_') c = ' ';
  return name;
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (auto& name : names) out += (out.empty() ? "" : ", ") + words(name);
  return out;
}

class Notes {
 public:
  void heading(const std::string& text) { out_ += "\n## " + text + "\n\n"; }
  void line(const std::string& text) { out_ += text + "\n"; }
  void bullet(const std::string& label, const std::string& text) { out_ += "- **" + label + "**: " + (text.empty() ? kOpen : text) + "\n"; }
  std::string out_;
};

void problem(const LLMProductSpec& s, Notes& n) {
  n.heading("Problem and job to be done");
  n.line(s.job_to_be_done);
  n.line("");
  for (auto& job : s.definition.jobs) n.line("- " + job);
  if (s.definition.jobs.empty()) n.line(std::string("- Measurable job: ") + kOpen);
  n.bullet("Why AI", listed(s.definition.why_ai));
}

void persona(const std::string& name, const Persona& p, Notes& n) {
  n.line("\n### " + name + "\n");
  n.bullet("Current workflow", p.current_workflow);
  n.bullet("Technical sophistication", p.technical_sophistication);
  n.bullet("Key frustrations", listed(p.key_frustrations));
}

void users(const LLMProductSpec& s, Notes& n) {
  n.heading("Target users");
  n.line(s.user_persona);
  persona("End user", s.end_user, n);
  if (!s.developer.empty()) persona("Developer", s.developer, n);
}

void interaction(const LLMProductSpec& s, Notes& n) {
  n.heading("AI's role");
  n.bullet("Role", listed(s.definition.ai_roles));
  n.bullet("How it feels", words(s.definition.feel));
  n.bullet("A wrong answer", "hallucination risk " + std::string(risk_name(s.hallucination_risk)) +
                                 (s.human_review_required ? "; a person reviews every answer" : "; no review before use"));
  n.heading("Interaction pattern");
  n.bullet("Pattern", listed(s.definition.interaction_patterns));
  n.bullet("Goes in", listed(s.input_types));
  n.bullet("Comes out", s.output_format + ", within " + python_format(s.max_latency_seconds) + " s");
}

void design(const LLMProductSpec& s, const std::vector<ModelVerdict>& picks, Notes& n) {
  n.heading("High-level design");
  n.bullet("Prompts", "role: " + s.user_persona + "'s " + (s.definition.ai_roles.empty() ? "assistant" : words(s.definition.ai_roles[0])) + "; constraint: " +
                          (s.requires_citations ? "only what a cited source says" : "say what is not known") + "; output: " + s.output_format);
  n.bullet("Retrieval (RAG)", s.knowledge_bases.empty() && !s.requires_citations
                                  ? "none asked for"
                                  : "hybrid search over " +
                                        (s.knowledge_bases.empty() ? std::string("knowledge bases to be named")
                                                                   : std::to_string(s.knowledge_bases.size()) + " knowledge base(s)") +
                                        (s.requires_citations ? "; an answer without a verified citation is not given" : ""));
  bool tools = false;
  for (auto& capability : s.constraints.capabilities) tools = tools || capability == "tool_use";
  n.bullet("Tools", tools ? "needed: " + (s.constraints.integration.empty() ? std::string(kOpen) : s.constraints.integration) : "none asked for");
  n.bullet("Model tier", s.model_tier_recommendation());
  if (!picks.empty() && picks[0].allowed) n.bullet("Of the models here", picks[0].id);
  n.bullet("Personal data", s.pii_handling == "redact"    ? "masked before it is stored and before the model sees it"
                            : s.pii_handling == "allowed" ? "kept; access is logged"
                                                          : "not looked for");
  if (s.data_residency) n.bullet("Data stays in", *s.data_residency);
  n.line("\n### Layers\n");
  for (auto& layer : layers_needed(s)) n.bullet(layer.layer, (layer.needed ? "" : "not needed: ") + layer.why.front());
}

void metrics(const LLMProductSpec& s, Notes& n) {
  n.heading("Success metrics");
  auto percent = [](const std::optional<double>& value, double usual) { return python_format(value.value_or(usual), ".0%"); };
  n.bullet("Accuracy", "at least " + python_format(s.targets.accuracy.value_or(s.accuracy_target), ".0%"));
  n.bullet("Hallucination rate", "below " + percent(s.targets.hallucination_rate, 0.05));
  n.bullet("Customer satisfaction", "at least " + python_format(s.targets.csat.value_or(4.0)) + " of 5");
  n.bullet("Adoption", "at least " + percent(s.targets.adoption_rate, 0.60) + " of those who could use it");
  n.bullet("Edit rate", "below " + percent(s.targets.edit_rate, 0.30));
  n.bullet("Resolved without escalation", "above " + percent(s.targets.resolution_rate, 0.70));
  n.bullet("Deflection", "at least " + percent(s.targets.deflection_rate, 0.40));
  n.bullet("Cost per resolution",
           s.targets.cost_per_resolution ? "at most $" + python_format(*s.targets.cost_per_resolution, ".2f") : "half of what a person costs");
  n.bullet("Impact", s.definition.impact);
  n.heading("Basic evaluation plan");
  n.line("1. Collect 50 to 100 real questions: good cases, edge cases, and questions that the documents do not answer.");
  n.line("2. People rate answers as correct or not; accuracy is held against " + python_format(s.accuracy_target, ".0%") + ".");
  n.line(s.requires_citations ? "3. Every citation is checked against its source; fabricated facts are counted."
                              : "3. Fabricated facts are counted on a sample of answers each week.");
  n.line("4. Answers to the second set (not in the documents) must say so.");
  n.line("5. After each change the same cases run again; the change goes live only where no measure falls.");
}

}  // namespace

std::string product_notes(const LLMProductSpec& spec, const std::vector<ModelVerdict>& picks) {
  Notes notes;
  notes.line("# Product Notes: " + spec.name);
  problem(spec, notes);
  users(spec, notes);
  interaction(spec, notes);
  design(spec, picks, notes);
  metrics(spec, notes);
  return notes.out_;
}

}  // namespace strata::spec
