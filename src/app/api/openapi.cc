#include "app/api/openapi.h"

#include "app/api/agents.h"
#include "app/api/batches.h"
#include "app/api/flows.h"
#include "app/api/mcp.h"
#include "app/api/outcomes.h"
#include "app/api/predictors.h"
#include "app/api/specs.h"
#include "app/api/tools.h"
#include "app/api/traces.h"

namespace strata::api {
namespace {

struct Operation {
  const char* method;
  const char* path;
  const char* summary;
  std::vector<Field> (*fields)() = nullptr;
  bool call = false;   // may be made on behalf of a product (calls.h)
};

constexpr Operation kOperations[] = {
    {"get", "/v1/models", "List models"},
    {"get", "/v1/models/{model}", "One model"},
    {"post", "/v1/load_lora_adapter", "Load a LoRA adapter from the adapters folder", load_adapter_fields},
    {"post", "/v1/unload_lora_adapter", "Unload one; requests that run keep it until they end", unload_adapter_fields},
    {"post", "/v1/chat/completions", "Chat; with the file_search tool, an answer from your documents", chat_fields, true},
    {"post", "/v1/completions", "Complete a text or token ids", completion_fields, true},
    {"post", "/v1/embeddings", "Embed texts", embedding_fields, true},
    {"post", "/v1/responses", "A response; with the file_search tool, an answer from your documents", response_fields, true},
    {"get", "/v1/responses/{response_id}", "A stored response"},
    {"delete", "/v1/responses/{response_id}", "Delete a stored response"},
    {"post", "/v1/batches", "Many requests in one file, answered when nothing else has work", batch_fields},
    {"get", "/v1/batches", "List batches"},
    {"get", "/v1/batches/{batch_id}", "One batch"},
    {"post", "/v1/batches/{batch_id}/cancel", "Cancel a batch; what is done is kept"},
    {"post", "/v1/files", "Upload a file (multipart/form-data: file, purpose)"},
    {"get", "/v1/files", "List files"},
    {"get", "/v1/files/{file_id}", "One file"},
    {"get", "/v1/files/{file_id}/content", "A file's bytes, as an attachment"},
    {"delete", "/v1/files/{file_id}", "Delete a file"},
    {"post", "/v1/vector_stores", "Make a knowledge base", vector_store_fields},
    {"get", "/v1/vector_stores", "List knowledge bases"},
    {"get", "/v1/vector_stores/{vector_store_id}", "One knowledge base"},
    {"post", "/v1/vector_stores/{vector_store_id}", "Change a knowledge base", vector_store_fields},
    {"delete", "/v1/vector_stores/{vector_store_id}", "Delete a knowledge base"},
    {"post", "/v1/vector_stores/{vector_store_id}/files", "Put a file into it", vector_store_file_fields},
    {"get", "/v1/vector_stores/{vector_store_id}/files", "List its files"},
    {"get", "/v1/vector_stores/{vector_store_id}/files/{file_id}", "One of its files"},
    {"post", "/v1/vector_stores/{vector_store_id}/files/{file_id}", "Change a file's attributes", attribute_fields},
    {"delete", "/v1/vector_stores/{vector_store_id}/files/{file_id}", "Take a file out of it"},
    {"post", "/v1/vector_stores/{vector_store_id}/search", "Search", vector_store_search_fields, true},
    {"post", "/strata/v1/search", "Search several knowledge bases, with the stages", vector_store_search_fields},
    {"get", "/strata/v1/documents", "A knowledge base's files with their state"},
    {"get", "/strata/v1/documents/{document}", "A document's text, headings and pages"},
    {"get", "/strata/v1/documents/{document}/chunks", "Its chunks"},
    {"get", "/strata/v1/jobs", "Long work"},
    {"get", "/strata/v1/jobs/{job}", "One job"},
    {"post", "/strata/v1/jobs/{job}/cancel", "Cancel it"},
    {"post", "/strata/v1/jobs/{job}/retry", "Try it again"},
    {"get", "/strata/v1/system", "Models, engine, machine, index"},
    {"get", "/strata/v1/providers", "Models that run elsewhere"},
    {"post", "/strata/v1/providers", "Connect an OpenAI-compatible server", provider_fields},
    {"delete", "/strata/v1/providers/{provider}", "Take it away"},
    {"post", "/strata/v1/models/default", "Which model answers when none is named", default_model_fields},
    {"get", "/strata/v1/conversations", "List conversations"},
    {"post", "/strata/v1/conversations", "Begin a conversation", conversation_fields},
    {"get", "/strata/v1/conversations/{conversation}", "One conversation with its messages"},
    {"patch", "/strata/v1/conversations/{conversation}", "Rename it", title_fields},
    {"delete", "/strata/v1/conversations/{conversation}", "Delete it"},
    {"post", "/strata/v1/conversations/{conversation}/messages", "Say something in it (an event stream)", message_fields},
    {"get", "/strata/v1/answers/{answer}", "Why this answer"},
    {"post", "/strata/v1/answers/{answer}/feedback", "Rate an answer", rating_fields},
    {"post", "/strata/v1/answers/{answer}/issues", "Report an issue with an answer", issue_fields},
    {"post", "/strata/v1/answers/{answer}/judgements", "An evaluator's word on an output", judgement_fields},
    {"get", "/strata/v1/products", "List products"},
    {"post", "/strata/v1/products", "Make or rename a product", product_fields},
    {"get", "/strata/v1/products/{product}", "One product"},
    {"post", "/strata/v1/products/{product}/conversations", "Open a conversation of a product", product_conversation_fields},
    {"get", "/strata/v1/conversations/{conversation}/outcome", "How a conversation ended"},
    {"post", "/strata/v1/conversations/{conversation}/outcome", "End it, correct its end, or open it again", outcome_fields},
    {"post", "/strata/v1/conversations/{conversation}/satisfaction", "A customer's score", satisfaction_fields},
    {"post", "/strata/v1/products/{product}/outputs", "Record an output, also a failed one", output_fields},
    {"get", "/strata/v1/facts/kinds", "Which facts from outside there are"},
    {"get", "/strata/v1/products/{product}/facts", "The facts that hold in a week"},
    {"post", "/strata/v1/products/{product}/facts", "Enter a fact", fact_fields},
    {"delete", "/strata/v1/facts/{fact}", "Delete a fact"},
    {"post", "/strata/v1/products/{product}/facts/import", "Import facts from CSV", import_fields},
    {"post", "/strata/v1/products/{product}/satisfaction/import", "Import satisfaction scores from CSV", import_fields},
    {"post", "/strata/v1/products/{product}/developers/import", "Import developers' steps from CSV", import_fields},
    {"post", "/strata/v1/products/{product}/developers", "A developer's step, or calls made elsewhere", developer_event_fields},
    {"get", "/strata/v1/products/{product}/metrics", "A week's metrics against target"},
    {"get", "/strata/v1/products/{product}/weeks", "The same of several weeks"},
    {"get", "/strata/v1/products/{product}/health", "The health check of a week"},
    {"get", "/strata/v1/products/{product}/rows", "The rows behind a number"},
    {"get", "/strata/v1/products/{product}/metrics/settings", "Targets and prices"},
    {"patch", "/strata/v1/products/{product}/metrics/settings", "Change them", metric_settings_fields},
    {"get", "/strata/v1/products/{product}/updates", "A product's weekly updates"},
    {"post", "/strata/v1/products/{product}/updates", "Write a week's update", update_week_fields},
    {"get", "/strata/v1/updates/{update}", "One update"},
    {"patch", "/strata/v1/updates/{update}", "Edit it", update_body_fields},
    {"post", "/strata/v1/updates/{update}/reset", "Write it anew from the numbers"},
    {"post", "/strata/v1/updates/{update}/sent", "Mark it as sent"},
    {"get", "/strata/v1/updates/{update}/download", "The update as a file: ?form=markdown, html or text"},
    {"get", "/strata/v1/products/{product}/schedule", "When the update is written by itself"},
    {"patch", "/strata/v1/products/{product}/schedule", "Change that", schedule_fields},
    {"delete", "/strata/v1/simulated", "Remove what was simulated"},
    {"post", "/strata/v1/products/{product}/tickets", "A ticket becomes a grounded draft (an event stream)", ticket_fields},
    {"get", "/strata/v1/drafts", "List drafts"},
    {"get", "/strata/v1/drafts/{draft}", "One draft"},
    {"patch", "/strata/v1/drafts/{draft}", "Save a draft while it is edited", draft_text_fields},
    {"post", "/strata/v1/drafts/{draft}/send", "Send a draft, once", draft_send_fields},
    {"post", "/strata/v1/drafts/{draft}/discard", "Discard a draft", draft_discard_fields},
    {"get", "/strata/v1/conversations/{conversation}/product", "A conversation as its product sees it"},
    {"post", "/strata/v1/conversations/{conversation}/escalate", "Hand a conversation over to a person", escalate_fields},
    {"get", "/strata/v1/handovers", "The queue of hand-overs"},
    {"get", "/strata/v1/handovers/{handover}", "One hand-over"},
    {"post", "/strata/v1/handovers/{handover}/claim", "Claim it", who_fields},
    {"post", "/strata/v1/handovers/{handover}/release", "Put it back", who_fields},
    {"post", "/strata/v1/handovers/{handover}/reply", "Answer it", reply_fields},
    {"post", "/strata/v1/products/{product}/satisfaction", "Enter a satisfaction score from elsewhere", product_satisfaction_fields},
    {"delete", "/strata/v1/satisfaction/{satisfaction}", "Take a score back"},
    {"delete", "/strata/v1/developer_events/{event}", "Take a developer's step back"},
    {"get", "/strata/v1/suggestions", "What could be asked, while it is typed"},
    {"get", "/strata/v1/calibration", "How confidence is calibrated, and how well"},
    {"post", "/strata/v1/calibration", "Refit it on the answers rated here"},
    {"delete", "/strata/v1/calibration", "Back to the built-in table"},
    {"get", "/strata/v1/traces", "Traces, newest first: ?from=&to=&route=&model=&product=&status=&min_ms=&text=&job_kind="},
    {"delete", "/strata/v1/traces", "Forget traces: all, or ?before="},
    {"get", "/strata/v1/traces/{trace}", "One trace as a tree of spans"},
    {"post", "/strata/v1/traces/{trace}/replay", "Run its model calls again: the same tokens?", replay_fields},
    {"get", "/strata/v1/traces/diff", "Two traces, span by span: ?a=&b="},
    {"get", "/strata/v1/traces/settings", "What is kept, for how long, and where it is sent"},
    {"patch", "/strata/v1/traces/settings", "Change that", trace_settings_fields},
    {"get", "/strata/v1/cache", "What is kept of results that are asked for again, and what it saved"},
    {"delete", "/strata/v1/cache", "Empty it, of this tenant"},
    {"get", "/strata/v1/usage", "Calls, tokens and cost: ?by=day|model|product&from=&to="},
    {"get", "/strata/v1/prices", "The table of prices"},
    {"put", "/strata/v1/prices", "Replace it", price_fields},
    {"get", "/strata/v1/landscape", "Known models and families, with what this installation has"},
    {"get", "/strata/v1/landscape/models/{model}", "One of them, by id, name or alias"},
    {"post", "/strata/v1/landscape/compare", "Models ranked for a purpose, with reasons", landscape_compare_fields},
    {"get", "/strata/v1/tools", "The tools of this installation"},
    {"get", "/strata/v1/tools/{tool}", "One tool"},
    {"post", "/strata/v1/tools/{tool}/check", "What is wrong with these arguments", tool_check_fields},
    {"post", "/strata/v1/tools/{tool}/call", "Call a tool", tool_call_fields},
    {"put", "/strata/v1/tools/{tool}/permission", "Who may call it", tool_permission_fields},
    {"post", "/strata/v1/tools/{tool}/resolve", "Say how a call ended whose outcome is unknown", tool_resolve_fields},
    {"post", "/mcp", "The Model Context Protocol: one JSON-RPC message (Streamable HTTP)"},
    {"get", "/mcp", "What is sent to a session of an older protocol version (an event stream)"},
    {"delete", "/mcp", "End such a session"},
    {"post", "/strata/v1/predictors", "Train a classifier or a recommender from rows; it becomes a tool", predictor_fields},
    {"get", "/strata/v1/predictors", "Those that were trained here, all versions"},
    {"get", "/strata/v1/predictors/{predictor}", "The versions of one, with their reports"},
    {"post", "/strata/v1/predictors/{predictor}/use", "Offer another version", predictor_use_fields},
    {"delete", "/strata/v1/predictors/{predictor}", "Remove it with its tool"},
    {"get", "/strata/v1/mcp/servers", "The MCP servers whose tools are used"},
    {"post", "/strata/v1/mcp/servers", "Add one that is reached over HTTP", mcp_server_fields},
    {"get", "/strata/v1/mcp/servers/{server}", "One, with what it lists and how that differs from what was approved"},
    {"delete", "/strata/v1/mcp/servers/{server}", "Remove it, with its tools"},
    {"post", "/strata/v1/mcp/servers/{server}/refresh", "Ask it now what it has"},
    {"post", "/strata/v1/mcp/servers/{server}/approve", "Approve the list of tools with this hash", mcp_approval_fields},
    {"put", "/strata/v1/mcp/servers/{server}/secret", "What it is given and nobody is shown", mcp_secret_fields},
    {"post", "/strata/v1/mcp/reload", "Read mcp.json again"},
    {"get", "/strata/v1/tool-calls/open", "Calls whose outcome is unknown"},
    {"get", "/strata/v1/decide", "The questions and the matrix of the decision helper"},
    {"post", "/strata/v1/decide", "Prompt, retrieval or fine-tuning, with reasons", decide_fields},
    {"get", "/strata/v1/specs", "Products with a spec or a draft of one"},
    {"post", "/strata/v1/specs", "Make a product by its spec; half filled: a draft", new_spec_fields},
    {"get", "/strata/v1/specs/fields", "Every field of a spec: kind, choices, range, meaning"},
    {"post", "/strata/v1/specs/check", "Check a spec without keeping it", spec_body_fields},
    {"get", "/strata/v1/products/{product_id}/spec", "A product's spec: the newest, ?version= or ?label="},
    {"put", "/strata/v1/products/{product_id}/spec", "Save a version; half filled: a draft", spec_body_fields},
    {"put", "/strata/v1/products/{product_id}/spec/labels", "Point a label at a version", label_fields},
    {"get", "/strata/v1/products/{product_id}/spec/versions", "Versions: who, why, when"},
    {"get", "/strata/v1/products/{product_id}/spec/diff", "Two versions, line by line"},
    {"get", "/strata/v1/products/{product_id}/recommendation", "Model tier, our pick with reasons, layers"},
    {"get", "/strata/v1/products/{product_id}/capacity", "Demand against what was measured; promise against answers"},
    {"get", "/strata/v1/products/{product_id}/notes", "Product notes; notes.md: as Markdown"},
    {"put", "/strata/v1/products/{product_id}/notes", "Keep edited notes", notes_fields},
    {"get", "/strata/v1/products/{product_id}/notes.md", "The notes as a file"},
    {"put", "/strata/v1/products/{product_id}/spec/draft", "Keep a draft, whatever its state", spec_draft_fields},
    {"delete", "/strata/v1/products/{product_id}/spec/draft", "Throw the draft away"},
    {"get", "/strata/v1/products/{product_id}/spec/labels", "Which version each label points at"},
    {"get", "/strata/v1/products/{product_id}/spec/history", "What happened to the spec"},
    {"get", "/strata/v1/flows", "List flows"},
    {"post", "/strata/v1/flows/check", "Check a flow without keeping it", flow_check_fields},
    {"get", "/strata/v1/flow_templates", "Flows that ship with Strata"},
    {"get", "/strata/v1/flows/{flow}", "A flow with its graph: the newest, or ?version="},
    {"put", "/strata/v1/flows/{flow}", "Save a version of a flow", flow_fields},
    {"get", "/strata/v1/flows/{flow}/impact", "What each step adds, measured: latency, reliability, cost"},
    {"post", "/strata/v1/flows/{flow}/runs", "Start a run", run_fields},
    {"get", "/strata/v1/flows/{flow}/runs", "Its runs"},
    {"post", "/strata/v1/flows/{flow}/schedules", "Run it on a schedule", flow_schedule_fields},
    {"get", "/strata/v1/flows/{flow}/schedules", "Its schedules"},
    {"delete", "/strata/v1/schedules/{schedule}", "Remove a schedule"},
    {"post", "/strata/v1/flows/{flow}/hooks", "Make a signed webhook that starts it", flow_hook_fields},
    {"get", "/strata/v1/flows/{flow}/hooks", "Its webhooks"},
    {"delete", "/strata/v1/hooks/{hook}", "Remove a webhook"},
    {"post", "/strata/v1/hooks/{hook}", "Call a webhook (Standard Webhooks headers)"},
    {"get", "/strata/v1/subscriptions", "Who is told of events"},
    {"post", "/strata/v1/subscriptions", "Post signed events to an address", subscription_fields},
    {"delete", "/strata/v1/subscriptions/{subscription}", "Stop that"},
    {"get", "/strata/v1/agents", "List agents"},
    {"post", "/strata/v1/agents/check", "Check an agent without keeping it", agent_check_fields},
    {"get", "/strata/v1/agent_templates", "Agents that ship with Strata, one of each pattern"},
    {"get", "/strata/v1/agents/{agent}", "An agent: the newest, or ?version="},
    {"put", "/strata/v1/agents/{agent}", "Save a version of an agent", agent_fields},
    {"post", "/strata/v1/agents/{agent}/runs", "Give it a task: a run of the flow agent:NAME", agent_run_fields},
    {"get", "/strata/v1/agents/{agent}/runs", "Its runs"},
    {"get", "/strata/v1/agents/{agent}/memory", "The facts that it remembers, with where they came from"},
    {"post", "/strata/v1/agents/{agent}/memory", "Add a fact", fact_text_fields},
    {"patch", "/strata/v1/agents/{agent}/memory/{fact}", "Change a fact", fact_text_fields},
    {"delete", "/strata/v1/agents/{agent}/memory/{fact}", "Make it forget a fact"},
    {"get", "/strata/v1/teams", "List teams"},
    {"post", "/strata/v1/teams/check", "Check a team without keeping it", agent_check_fields},
    {"get", "/strata/v1/team_templates", "Teams that ship with Strata"},
    {"get", "/strata/v1/teams/{team}", "A team: the newest, or ?version="},
    {"put", "/strata/v1/teams/{team}", "Save a version of a team", agent_fields},
    {"post", "/strata/v1/teams/{team}/runs", "Give it a task: a run of the flow team:NAME", agent_run_fields},
    {"get", "/strata/v1/teams/{team}/runs", "Its runs"},
    {"get", "/strata/v1/runs/{run}/messages", "What members of a team wrote to each other; ?thread="},
    {"get", "/strata/v1/runs", "Runs of all flows"},
    {"get", "/strata/v1/runs/{run}", "A run: steps, values, totals, what it waits for"},
    {"get", "/strata/v1/runs/{run}/events", "Its log; ?stream=true: as it grows"},
    {"post", "/strata/v1/runs/{run}/pause", "Hold it", reason_fields},
    {"post", "/strata/v1/runs/{run}/resume", "Let it go on", reason_fields},
    {"post", "/strata/v1/runs/{run}/cancel", "Cancel it", reason_fields},
    {"post", "/strata/v1/runs/{run}/retry", "The failed step again", reason_fields},
    {"post", "/strata/v1/runs/{run}/signals/{signal}", "Tell it what it waits for", signal_fields},
    {"post", "/strata/v1/runs/{run}/fork", "A new run from one of its steps", fork_fields},
    {"get", "/strata/v1/decisions", "Routes, approvals and other decisions of all runs"},
    {"get", "/strata/v1/approvals", "The inbox"},
    {"get", "/strata/v1/approvals/{approval}", "One approval"},
    {"post", "/strata/v1/approvals/{approval}/decide", "Decide it", decision_fields},
    {"get", "/livez", "The program runs"},
    {"get", "/readyz", "A model is loaded"},
    {"get", "/metrics", "Counters, as Prometheus reads them"},
    {"get", "/openapi.json", "This page"},
};

constexpr std::pair<const char*, const char*> kCallHeaders[] = {
    {"x-strata-product", "The product that the call is made for: it keeps to the product's live spec and is recorded as its fact."},
    {"x-strata-developer", "Who built what calls; default: who asks."},
    {"x-strata-environment", "production or development (the default)."},
};

Json operation_json(const Operation& operation) {
  Json out = Json::object({{"summary", operation.summary}});
  Json parameters = Json::array();
  std::string_view path = operation.path;
  for (size_t at = path.find('{'); at != path.npos; at = path.find('{', at + 1)) {
    std::string name(path.substr(at + 1, path.find('}', at) - at - 1));
    parameters.push(Json::object({{"name", name}, {"in", "path"}, {"required", true}, {"schema", Json::object({{"type", "string"}})}}));
  }
  if (operation.call)
    for (auto& [name, meaning] : kCallHeaders)
      parameters.push(Json::object({{"name", name}, {"in", "header"}, {"description", meaning}, {"schema", Json::object({{"type", "string"}})}}));
  if (parameters.size()) out.set("parameters", std::move(parameters));
  if (operation.fields)
    out.set("requestBody",
            Json::object({{"required", true}, {"content", Json::object({{"application/json", Json::object({{"schema", schema_of(operation.fields())}})}})}}));
  Json error =
      Json::object({{"description", "An error"},
                    {"content", Json::object({{"application/json", Json::object({{"schema", Json::object({{"$ref", "#/components/schemas/Error"}})}})}})}});
  out.set("responses", Json::object({{"200", Json::object({{"description", "Success"}})}, {"default", std::move(error)}}));
  return out;
}

Json error_schema() {
  Json text = Json::object({{"type", "string"}});
  Json maybe = Json::object({{"type", Json::array({"string", "null"})}});
  Json inner = Json::object({{"type", "object"},
                             {"required", Json::array({"message", "type", "param", "code"})},
                             {"properties", Json::object({{"message", text}, {"type", text}, {"param", maybe}, {"code", maybe}})}});
  return Json::object({{"type", "object"}, {"required", Json::array({"error"})}, {"properties", Json::object({{"error", std::move(inner)}})}});
}

}  // namespace

Json openapi_document(const std::string& version) {
  Json paths = Json::object();
  for (auto& operation : kOperations) {
    if (!paths.find(operation.path)) paths.set(operation.path, Json::object());
    paths.find(operation.path)->set(operation.method, operation_json(operation));
  }
  return Json::object(
      {{"openapi", "3.1.0"},
       {"info", Json::object({{"title", "Strata"}, {"version", version}, {"description", "The OpenAI platform's shapes, served from your own machine."}})},
       {"paths", std::move(paths)},
       {"components", Json::object({{"schemas", Json::object({{"Error", error_schema()}})}})}});
}

}  // namespace strata::api
