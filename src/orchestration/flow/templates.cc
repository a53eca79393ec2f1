// The two chains of requirement O01, verbatim in their descriptions and step by step in their steps, one that shows routing and
// approval, and one that asks databases in words.
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

// The same as examples/sql-agent/flow.yaml.
constexpr char kAskDatabase[] = R"yaml(flow: ask-database
description: A question in words over a named database, answered with the SQL that ran, its rows, a chart and a sentence.
input:
  database: {type: string, required: true, description: "A database by its name: telemetry, or one of tools.json"}
  question: {type: string, required: true, description: What is asked}
  model: {type: string, default: "", description: "Who writes the SQL where no known question is near enough; empty: the default model"}
  tries: {type: integer, default: 3, description: How often a model may write SQL}
state:
  context: object
  draft: object
  sql: string
  by: {type: string, default: "", description: "Who wrote the SQL: known question, or model"}
  tried: {type: integer, default: 0}
  trouble: {type: string, default: ""}
  result: object
limits: {steps: 60}
steps:
  - {id: link, kind: tool, title: "What of the database the question concerns", tool: database_context,
     args: {database: "{{ input.database }}", question: "{{ input.question }}"}, save: context}
  - id: choose
    kind: condition
    title: Is the question known?
    cases:
      - {when: "state.context.draft", next: known, reason: "'{{ state.context.draft.question }}' is nearly the same question"}
    else: write
    reason: No known question is near enough
  - {id: known, kind: set, values: {sql: "{{ state.context.draft.sql }}", by: known question}, next: run}
  - id: write
    kind: model
    title: The model writes SQL
    model: "{{ input.model }}"
    system: You write one SQL SELECT that answers the question, for exactly the tables that are shown. Answer with JSON {"sql"}.
    prompt: |
      {{ state.context.text }}
      {% if state.trouble %}
      This SQL was tried:
      {{ state.sql }}
      It did not work: {{ state.trouble }}
      Write it again, mended.
      {% endif %}
      Question: {{ input.question }}
    schema: {type: object, properties: {sql: {type: string, minLength: 8, maxLength: 2000}}, required: [sql], additionalProperties: false}
    max_tokens: 400
    save: draft
    on_error: unwritten
  - {id: written, kind: set, values: {sql: "{{ state.draft.sql }}", by: model, tried: "{{ state.tried + 1 }}"}, next: run}
  - {id: unwritten, kind: set, values: {trouble: "{{ steps.write.error }}", tried: "{{ state.tried + 1 }}"}, next: again}
  - {id: run, kind: tool, title: "The database answers, read-only", tool: database_query, args: {database: "{{ input.database }}", sql: "{{ state.sql }}"}, save: result, on_error: refused}
  - id: looked
    kind: condition
    title: Did anything come back?
    cases:
      - {when: "state.result.rows | length == 0 and state.result.hints and state.tried < input.tries", next: empty, reason: "No rows: {{ state.result.hints | join('; ') }}"}
    else: answered
  - {id: empty, kind: set, values: {trouble: "it gave no rows: {{ state.result.hints | join('; ') }}"}, next: write}
  - {id: refused, kind: set, values: {trouble: "{{ steps.run.error }}"}}
  - id: again
    kind: condition
    title: Try once more?
    cases:
      - {when: "state.tried < input.tries", next: write, reason: "{{ state.trouble }}"}
    else: failed
    reason: The model has had its tries
  - {id: failed, kind: respond, result: {answered: false, question: "{{ input.question }}", database: "{{ input.database }}", answer: "No SQL that runs was found.", error: "{{ state.trouble }}",
     sql: "{{ state.sql }}", by: "{{ state.by }}", tries: "{{ state.tried }}", columns: [], rows: [], truncated: false, chart: null}}
  - {id: answered, kind: respond, result: {answered: true, question: "{{ input.question }}", database: "{{ input.database }}", answer: "{{ state.result.sentence }}", error: null,
     sql: "{{ state.result.sql }}", by: "{{ state.by }}", tries: "{{ state.tried }}", columns: "{{ state.result.columns }}", rows: "{{ state.result.rows }}",
     truncated: "{{ state.result.truncated }}", chart: "{{ state.result.chart }}"}}
)yaml";

}  // namespace

const std::vector<Template>& shipped_templates() {
  static const std::vector<Template> all = {{"classify-answer-save", "classify -> retrieve -> call LLM -> post-process -> save -> respond", kChainSave},
                                            {"classify-summarize-json", "Classify -> retrieve docs -> call LLM -> summarize -> format JSON", kChainJson},
                                            {"route-by-risk", "Route by risk, small model first, approval before sending", kRouted},
                                            {"ask-database", "A question in words over a database: SQL, rows, chart", kAskDatabase}};
  return all;
}

}  // namespace strata::flow
