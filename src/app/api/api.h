// The HTTP routes. A handler translates: bytes → struct → one call → bytes. It holds no lock and makes no decision.
#pragma once

#include <functional>
#include <string>

#include "app/api/models.h"
#include "infra/http/http.h"
#include "knowledge/chunk/chunk.h"

namespace strata::app { class CallBook; }
namespace strata::batch { class Batches; }
namespace strata::catalog { class Catalog; }
namespace strata::confidence { class Calibrator; }
namespace strata::durable { class Journal; }
namespace strata::egress { class Client; }
namespace strata::engine { class Engine; }
namespace strata::feedback { class Feedback; }
namespace strata::agent {
class Memory;
class Shelf;
}  // namespace strata::agent
namespace strata::flow { class Flows; }
namespace strata::index { class Index; }
namespace strata::ingest { class Ingest; }
namespace strata::metrics { class Registry; }
namespace strata::cache { class Cache; }
namespace strata::observe { class Observer; }
namespace strata::outcome { class Outcomes; }
namespace strata::product_metrics { class Metrics; }
namespace strata::report { class Reports; }
namespace strata::live { class Specs; }
namespace strata::registry { class Registry; }
namespace strata::responses { class Responses; }
namespace strata::retrieve { class Retriever; }
namespace strata::answer { class Answerer; }
namespace strata::secret { class Secrets; }
namespace strata::store { class Store; }
namespace strata::suggest { class Suggester; }
namespace strata::tool { class Tools; }

namespace strata::api {

// What the handlers call. Owned by app/platform; outlives the server.
struct Services {
  const Clock* clock = nullptr;
  Models* models = nullptr;
  engine::Engine* engine = nullptr;
  store::Store* store = nullptr;
  durable::Journal* journal = nullptr;
  catalog::Catalog* catalog = nullptr;
  ingest::Ingest* ingest = nullptr;
  index::Index* index = nullptr;
  retrieve::Retriever* retriever = nullptr;
  answer::Answerer* answerer = nullptr;
  feedback::Feedback* feedback = nullptr;
  confidence::Calibrator* calibrator = nullptr;
  suggest::Suggester* suggester = nullptr;
  responses::Responses* responses = nullptr;
  outcome::Outcomes* outcomes = nullptr;
  product_metrics::Metrics* product_metrics = nullptr;
  report::Reports* reports = nullptr;
  registry::Registry* artifacts = nullptr;
  live::Specs* specs = nullptr;
  app::CallBook* calls = nullptr;
  flow::Flows* flows = nullptr;
  batch::Batches* batches = nullptr;
  agent::Shelf* agents = nullptr;
  agent::Shelf* teams = nullptr;
  agent::Memory* memory = nullptr;
  // Runs blocking work that must not hold up the engine's or a network thread; in order, bounded.
  std::function<void(std::function<void()>)> background;
  observe::Observer* observer = nullptr;
  cache::Cache* cache = nullptr;
  tool::Tools* tools = nullptr;
  secret::Secrets* secrets = nullptr;
  egress::Client* egress = nullptr;
  metrics::Registry* registry = nullptr;
  chunk::Options chunking;       // of files that do not say
  model::Priority priority = model::Priority::kInteractive;   // of what these services are asked: a batch has its own copy of them
  std::string version;
  std::string session_token;     // of the web app; see session.h
  std::string data_folder, models_folder, adapters_folder;
  int64_t started_ms = 0;
};

void add_routes(http::Server& server, Services& services);               // all of them, as below
void add_model_routes(http::Server& server, Services& services);         // /v1/models
void add_adapter_routes(http::Server& server, Services& services);       // /v1/load_lora_adapter, /v1/unload_lora_adapter
void add_chat_routes(http::Server& server, Services& services);          // /v1/chat/completions
void add_completion_routes(http::Server& server, Services& services);    // /v1/completions
void add_embedding_routes(http::Server& server, Services& services);     // /v1/embeddings
void add_file_routes(http::Server& server, Services& services);          // /v1/files
void add_vector_store_routes(http::Server& server, Services& services);  // /v1/vector_stores
void add_response_routes(http::Server& server, Services& services);      // /v1/responses
void add_batch_routes(http::Server& server, Services& services);         // /v1/batches
void add_knowledge_routes(http::Server& server, Services& services);     // /strata/v1: documents, chunks, jobs
void add_conversation_routes(http::Server& server, Services& services);  // /strata/v1: conversations, answers, feedback
void add_outcome_routes(http::Server& server, Services& services);       // /strata/v1: products and what became of their answers
void add_draft_routes(http::Server& server, Services& services);         // /strata/v1: tickets, drafts, the queue of hand-overs
void add_suggestion_routes(http::Server& server, Services& services);    // /strata/v1/suggestions
void add_calibration_routes(http::Server& server, Services& services);   // /strata/v1/calibration
void add_product_metric_routes(http::Server& server, Services& services);  // /strata/v1/products: metrics, rows
void add_update_routes(http::Server& server, Services& services);        // /strata/v1: weekly updates
void add_spec_routes(http::Server& server, Services& services);          // /strata/v1: products' specs, what follows from them
void add_flow_routes(http::Server& server, Services& services);          // /strata/v1: flows, schedules, webhooks
void add_agent_routes(http::Server& server, Services& services);         // /strata/v1: agents, their memory, teams
void add_run_routes(http::Server& server, Services& services);           // /strata/v1: runs, events, approvals, decisions
void add_system_routes(http::Server& server, Services& services);        // /strata/v1: system, providers
void add_landscape_routes(http::Server& server, Services& services);     // /strata/v1: landscape, decide
void add_trace_routes(http::Server& server, Services& services);         // /strata/v1/traces
void add_usage_routes(http::Server& server, Services& services);         // /strata/v1: usage, prices
void add_cache_routes(http::Server& server, Services& services);         // /strata/v1/cache
void add_operation_routes(http::Server& server, Services& services);     // /livez, /readyz, /metrics, /openapi.json
void add_web_routes(http::Server& server, Services& services);           // the web app

}  // namespace strata::api
