// The two chains of requirement O01, verbatim in their descriptions and step by step in their steps, and two that show routing and
// approval.
#include "orchestration/flow/flow.h"

namespace strata::flow {
namespace {

constexpr char kChainSave[] = R"yaml(flow: classify-answer-save
description: "classify -> retrieve -> call LLM -> post-process -> save -> respond"
input:
  question: {type: string, required: true, description: What is asked}
  bases: {type: array, default: [], description: Knowledge bases to look in}
state:
  category: {type: string, enum: [question, complaint, request, other]}
  docs: array
  draft: string
  reply: object
steps:
  - id: classify
    kind: model
    prompt: "Which kind of message is this: question, complaint, request or other?\n\n{{ input.question }}"
    choices: [question, complaint, request, other]
    max_tokens: 8
    save: category
  - {id: retrieve, kind: retrieve, query: "{{ input.question }}", bases: "{{ input.bases }}", results: 5, save: docs}
  - id: call_llm
    kind: model
    system: Answer from the passages only. If they do not say, say so.
    prompt: "{% for d in state.docs %}[{{ loop.index }}] {{ d.text }}\n{% endfor %}\nQuestion: {{ input.question }}"
    max_tokens: 256
    save: draft
    retry: {attempts: 3, backoff_s: 1}
  - id: post_process
    kind: set
    value: {category: "{{ state.category }}", text: "{{ state.draft | trim }}", sources: "{{ state.docs | map(attribute='filename') | list }}"}
    save: reply
  - {id: save, kind: record, type: answer_saved, data: "{{ state.reply }}"}
  - {id: respond, kind: respond, result: "{{ state.reply }}"}
)yaml";

constexpr char kChainJson[] = R"yaml(flow: classify-summarize-json
description: "Classify -> retrieve docs -> call LLM -> summarize -> format JSON"
input:
  question: {type: string, required: true, description: What is asked}
  bases: {type: array, default: [], description: Knowledge bases to look in}
state:
  category: {type: string, enum: [facts, how_to, opinion, other]}
  docs: array
  answer: string
  summary: string
steps:
  - id: classify
    kind: model
    prompt: "What does this ask for: facts, how_to, opinion or other?\n\n{{ input.question }}"
    choices: [facts, how_to, opinion, other]
    max_tokens: 8
    save: category
  - {id: retrieve_docs, kind: retrieve, query: "{{ input.question }}", bases: "{{ input.bases }}", results: 5, save: docs}
  - id: call_llm
    kind: model
    system: Answer from the passages only. If they do not say, say so.
    prompt: "{% for d in state.docs %}[{{ loop.index }}] {{ d.text }}\n{% endfor %}\nQuestion: {{ input.question }}"
    max_tokens: 384
    save: answer
    retry: {attempts: 3, backoff_s: 1}
  - id: summarize
    kind: model
    prompt: "Summarize in one sentence:\n\n{{ state.answer }}"
    max_tokens: 96
    save: summary
  - id: format_json
    kind: respond
    result: {question: "{{ input.question }}", category: "{{ state.category }}", summary: "{{ state.summary }}", answer: "{{ state.answer }}", sources: "{{ state.docs | map(attribute='filename') | list }}"}
)yaml";

constexpr char kRouted[] = R"yaml(flow: route-by-risk
description: A small model first, a bigger one where it is unsure; what is risky goes to a person before it is sent.
input:
  message: {type: string, required: true}
  amount: {type: number, default: 0, description: US dollars at stake}
  big_model: {type: string, default: "", description: "The model to escalate to; empty: the default one"}
state:
  reply: string
steps:
  - id: risk
    kind: condition
    cases:
      - {when: "input.amount > 100", next: careful, reason: "{{ input.amount }} dollars are at stake"}
      - {when: "'legal' in (input.message | lower)", next: careful, reason: The message speaks of legal matters}
    else: quick
    reason: Neither money nor law
  - id: quick
    kind: model
    prompt: "Reply briefly and politely:\n\n{{ input.message }}"
    max_tokens: 128
    escalate: {model: "{{ input.big_model }}", when: "(output | length) < 20", reason: The reply is too short to be one}
    save: reply
    next: respond
  - id: careful
    kind: model
    model: "{{ input.big_model }}"
    prompt: "Write a careful reply that promises nothing:\n\n{{ input.message }}"
    max_tokens: 256
    save: reply
  - id: check
    kind: approval
    message: "May this be sent?\n\n{{ state.reply }}"
    deadline_s: 86400
    escalate_to: [admin]
    on_deadline: ignore
  - id: decided
    kind: condition
    cases:
      - {when: "steps.check.decision == 'respond'", next: take_over, reason: A person wrote the reply}
      - {when: "steps.check.decision == 'ignore'", next: nothing, reason: It is not to be sent}
    else: respond
  - {id: take_over, kind: set, values: {reply: "{{ steps.check.response }}"}, next: respond}
  - {id: nothing, kind: respond, result: null}
  - {id: respond, kind: respond, result: {reply: "{{ state.reply }}"}}
)yaml";

}  // namespace

const std::vector<Template>& shipped_templates() {
  static const std::vector<Template> all = {{"classify-answer-save", "classify -> retrieve -> call LLM -> post-process -> save -> respond", kChainSave},
                                            {"classify-summarize-json", "Classify -> retrieve docs -> call LLM -> summarize -> format JSON", kChainJson},
                                            {"route-by-risk", "Route by risk, small model first, approval before sending", kRouted}};
  return all;
}

}  // namespace strata::flow
