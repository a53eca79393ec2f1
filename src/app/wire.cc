#include "app/wire.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "app/api/batches.h"
#include "app/api/providers.h"
#include "app/api/tools.h"
#include "app/api/traces.h"
#include "app/background.h"
#include "app/call_book.h"
#include "app/daily.h"
#include "app/flow_effects.h"
#include "app/load_models.h"
#include "app/mcp_file.h"
#include "app/privileges.h"
#include "app/receipt.h"
#include "app/tool_sources.h"
#include "base/crypto.h"
#include "base/log.h"
#include "infra/cache/cache.h"
#include "infra/durable/durable.h"
#include "infra/metrics/metrics.h"
#include "infra/observe/observe.h"
#include "infra/secret/secret.h"
#include "infra/store/store.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/index/index.h"
#include "knowledge/ingest/ingest.h"
#include "knowledge/mcp/mcp.h"
#include "knowledge/predict/predict.h"
#include "knowledge/retrieve/retrieve.h"
#include "knowledge/tool/tool.h"
#include "model/engine/engine.h"
#include "model/traced/traced.h"
#include "orchestration/agent/agent.h"
#include "orchestration/answer/answer.h"
#include "orchestration/batch/batch.h"
#include "orchestration/flow/flow.h"
#include "orchestration/guard/guard.h"
#include "orchestration/registry/registry.h"
#include "product/confidence/confidence.h"
#include "product/feedback/feedback.h"
#include "product/live/live.h"
#include "product/metrics/metrics.h"
#include "product/outcome/outcome.h"
#include "product/report/report.h"
#include "product/responses/responses.h"
#include "product/suggest/suggest.h"

namespace strata::app {

std::vector<store::Migration> all_migrations() {
  std::vector<store::Migration> all;
  for (auto& part : {durable::Journal::migrations(), secret::Secrets::migrations(), catalog::migrations(), feedback::migrations(), responses::migrations(),
                     outcome::migrations(), product_metrics::migrations(), report::migrations(), confidence::migrations(), registry::migrations(),
                     observe::Observer::migrations(), tool::migrations(), predict::migrations(), mcp::Servers::migrations(), flow::migrations(),
                     batch::migrations(), agent::migrations()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

namespace {

class Wired : public Platform {
 public:
  api::Services& services() override { return services_; }
  tool::Tools& tools() override { return *tools_; }
  predict::Predictors& predictors() override { return *predictors_; }
  mcp::Host& mcp_host() override { return *mcp_host_; }
  mcp::Servers& mcp_servers() override { return *mcp_servers_; }

  ~Wired() override {
    daily_.reset();
    if (journal_) journal_->stop();   // nobody asks for a stream's events any more
    background_.drain();              // and what was asked for is done, while flows and journal are there
  }

  Status open(const Settings& settings) {
    std::string workers = workers_folder();
    TRY(open_models(settings));   // before root is given up: the models may lie in root's own cache
    TRY(drop_privileges(settings.user, settings.data_folder, workers));
    TRY(open_storage(settings));
    TRY(open_knowledge(settings, workers));
    TRY(open_session());
    open_providers();
    tools_ = std::make_unique<tool::Tools>(*store_, clock_);
    TRY(add_tools(*tools_, {*retriever_, *catalog_, *egress_, observer_.get()}, settings.data_folder, workers));
    predictors_ = std::make_unique<predict::Predictors>(*store_, *embedder_, *tools_, clock_);
    TRY(predictors_->load(context_));
    TRY(open_mcp(settings));
    fill_services(settings);
    open_flows();
    open_batches();
    journal_->start();
    reports_->start();
    TRY(forget_old());
    daily_ = std::make_unique<Daily>([this] {
      if (auto forgot = forget_old(); !forgot) log::warning("tidy.failed", {{"message", forgot.error().message}});
    });
    return embed_again();
  }

 private:
  // Finished jobs, with what hangs on them, and the tools' recorded calls are kept for a month.
  Status forget_old() {
    constexpr int64_t kKeepMs = 30LL * 24 * 3600 * 1000;
    TRY(journal_->prune(context_, clock_.unix_ms() - kKeepMs));
    return tools_->prune(context_, clock_.unix_ms() - kKeepMs);
  }

  // What another embedding model made is embedded again in the background.
  Status embed_again() {
    TRY_ASSIGN(int stale, ingest_->refresh(context_));
    if (stale > 0) log::info("ingest.refreshing", {{"documents", stale}});
    return {};
  }

  Status open_models(const Settings& settings) {
    TRY_ASSIGN(engine_, engine::Engine::make(engine_options(settings)));
    TRY_ASSIGN(auto* embedder, load_embedding_model(*engine_, settings));
    const model::Tracing tracing = this->tracing(settings);
    const auto meter = model::make_meter();   // one engine, one meter
    traced_embedder_ = model::traced(*embedder, tracing, meter);
    embedder_ = traced_embedder_.get();
    models_.set_wrapper([tracing, meter](std::shared_ptr<model::LanguageModel> model) { return model::traced(std::move(model), tracing, meter); });
    TRY_ASSIGN(pool_, open_pool(*engine_, settings));
    models_.set_pool(pool_.get(), clock_.unix_ms());
    TRY_ASSIGN(auto adapters, load_adapters(*engine_, settings, models_.default_id()));
    for (auto& adapter : adapters) {
      const std::string name = adapter->info().id;
      if (!models_.add_adapter(std::move(adapter), clock_.unix_ms())) return invalid_argument("adapters.load: the name " + name + " is taken", "adapters.load");
    }
    models_.set_embedder(embedder_);
    return {};
  }

  // Called from the engine's thread at the end of each call.
  model::Tracing tracing(const Settings& settings) {
    const unsigned cores = settings.threads > 0 ? static_cast<unsigned>(settings.threads) : std::max(1u, std::thread::hardware_concurrency());
    model::Tracing out;
    out.charge = [this, cores](const model::Charge& call) -> std::optional<double> {
      if (!observer_) return std::nullopt;
      return observer_->charge({.model = call.model,
                                .product = call.product,
                                .operation = call.operation,
                                .tenant = call.tenant,
                                .remote = call.remote,
                                .failed = call.failed,
                                .input_tokens = call.usage.prompt_tokens,
                                .cached_tokens = call.usage.cached_tokens,
                                .output_tokens = call.usage.completion_tokens,
                                .cpu_s = call.busy_s * cores});
    };
    out.receipt_text = [](const model::Receipt& receipt) { return receipt_json(receipt).dump(); };
    return out;
  }

  Status open_traces(const Settings& settings) {
    observe::Observer::Parts parts;
    parts.store = store_.get();
    parts.egress = egress_.get();
    parts.clock = &clock_;
    parts.path = settings.data_folder + "/telemetry.db";
    parts.redact = [](std::string_view text) { return guard::mask_pii(text).text; };
    parts.settings.content = settings.traces_content;
    parts.settings.keep_days = settings.traces_keep_days;
    parts.settings.keep_mb = settings.traces_keep_mb;
    parts.settings.export_url = settings.traces_export_url;
    parts.settings.export_json = settings.traces_export_format == "json";
    if (auto header = secrets_->get(context_, api::trace_header_secret())) parts.settings.export_header = *header;
    parts.service_version = STRATA_VERSION;
    TRY_ASSIGN(observer_, observe::Observer::open(std::move(parts)));
    std::ifstream file(settings.data_folder + "/prices.toml", std::ios::binary);
    if (!file) return {};
    auto prices = observe::parse_prices(std::string{std::istreambuf_iterator<char>(file), {}}, "prices.toml");
    if (prices) observer_->set_prices(std::move(*prices));
    else log::warning("prices.unreadable", {{"message", prices.error().message}});
    return {};
  }

  Status open_storage(const Settings& settings) {
    TRY_ASSIGN(store_, store::Store::open(settings.data_folder, all_migrations()));
    TRY_ASSIGN(secrets_, secret::Secrets::open(context_, *store_, clock_));
    egress_ = egress::Client::make();
    TRY(open_traces(settings));
    TRY_ASSIGN(cache_, cache::Cache::open(settings.data_folder + "/cache.db", clock_));
    TRY_ASSIGN(journal_, durable::Journal::open(*store_, clock_, {.workers = settings.ingest_workers, .spans = observer_->sink()}));
    return {};
  }

  Status open_knowledge(const Settings& settings, const std::string& workers) {
    catalog_ = std::make_unique<catalog::Catalog>(*store_, clock_);
    index_ = std::make_unique<index::Index>(index::Options{.model = ingest::fingerprint(embedder_->info())});
    int64_t begin = clock_.monotonic_ns();
    TRY_ASSIGN(size_t chunks, index_->load(context_, *catalog_));
    log::info("index.loaded", {{"chunks", chunks}, {"ms", (clock_.monotonic_ns() - begin) / 1'000'000}});
    catalog_->listen([this](const catalog::Change& change) { follow(change); });
    TRY_ASSIGN(parser_, document::Parser::make(workers, {}));
    retriever_ = std::make_unique<retrieve::Retriever>(*catalog_, *index_, *embedder_);
    answerer_ = std::make_unique<answer::Answerer>(*catalog_, *retriever_, *embedder_, nullptr);
    ingest_ = std::make_unique<ingest::Ingest>(*store_, *journal_, *catalog_, *parser_, *embedder_, clock_);
    feedback_ = std::make_unique<feedback::Feedback>(*store_, clock_);
    responses_ = std::make_unique<responses::Responses>(*store_);
    outcomes_ = std::make_unique<outcome::Outcomes>(*store_, clock_);
    call_book_ = std::make_unique<CallBook>(*outcomes_, [this](std::function<void()> job) { background_.post(std::move(job)); });
    product_metrics_ = std::make_unique<product_metrics::Metrics>(*store_, *outcomes_);
    reports_ = std::make_unique<report::Reports>(*store_, *journal_, *outcomes_, *product_metrics_, clock_);
    reports_->register_jobs();
    suggester_ = std::make_unique<suggest::Suggester>(*catalog_, *feedback_);
    TRY_ASSIGN(calibrator_, confidence::Calibrator::open(context_, *store_, clock_));
    artifacts_ = std::make_unique<registry::Registry>(*store_, clock_);
    specs_ = std::make_unique<live::Specs>(*artifacts_, *outcomes_);
    TRY(catalog_->sweep(context_));
    services_.chunking = {settings.chunk_tokens, settings.chunk_overlap};
    return {};
  }

  // The index follows the catalog's commits.
  void follow(const catalog::Change& change) {
    if (auto applied = index_->apply(change); !applied) log::error("index.not_followed", {{"message", applied.error().message}});
  }

  Status open_session() {
    auto token = secrets_->get(context_, "web_session");
    if (!token) {
      if (token.error().code != Code::kNotFound) return token.error();
      token = random_token(32);
      TRY(secrets_->set(context_, "web_session", *token));
    }
    services_.session_token = *token;
    return {};
  }

  // A provider that cannot be set up is said, and does not keep the rest from starting.
  void open_providers() {
    auto providers = api::stored_providers(*secrets_, context_);
    if (!providers) return log::warning("providers.unreadable", {{"message", providers.error().message}});
    for (auto& provider : *providers) {
      auto model = api::connect_provider(*egress_, provider);
      if (model) models_.add(std::move(*model), clock_.unix_ms());
      else log::warning("provider.not_connected", {{"id", provider.id}, {"message", model.error().message}});
    }
  }

  // Asks no other program: what was approved is in the registry at once, and looked at again when it is called.
  Status open_mcp(const Settings& settings) {
    mcp_documents_ = mcp::make_document_resources(*catalog_);
    mcp_host_ = std::make_unique<mcp::Host>(*tools_, clock_, mcp::Host::Options{STRATA_VERSION, mcp_documents_.get(), api::kWhereToApprove});
    mcp_servers_ = std::make_unique<mcp::Servers>(
        mcp::Servers::Parts{*store_, *secrets_, *egress_, *tools_, clock_, STRATA_VERSION, [host = mcp_host_.get()] { host->tools_changed(); }});
    TRY_ASSIGN(const auto from_file, read_mcp_file(settings.data_folder));
    return mcp_servers_->load(context_, from_file);
  }

  // Their effects use the services, so these come first.
  void open_flows() {
    flow_models_ = flow_models(services_);
    flow_library_ = flow_library(services_);
    flow_tools_ = flow_tools(services_);
    flow_approvals_ = flow_approvals(services_);
    tools_->set_approvals(flow_approvals_.get());
    flow::Options options;
    open_agents();
    options.effects = {.models = flow_models_.get(), .library = flow_library_.get(), .tools = agent_tools_.get(), .cache = cache_.get()};
    options.effects.drivers = {{agent::kArtifactKind, agent_driver_.get()}, {agent::kTeamKind, team_driver_.get()}};
    options.forms = {{agent::kArtifactKind, agent::flow_of}, {agent::kTeamKind, agent::flow_of_team}};
    options.secrets = flow_secrets(services_);
    options.deliver = flow_deliver(services_);
    flows_ = std::make_unique<flow::Flows>(*store_, *journal_, *artifacts_, clock_, std::move(options));
    flows_->register_jobs();
    services_.flows = flows_.get();
  }

  // Their lines are asked of the routes' handlers, which use the services too.
  void open_batches() {
    batch_executor_ = api::batch_executor(services_);
    batches_ = std::make_unique<batch::Batches>(*store_, *journal_, *catalog_, clock_, *batch_executor_);
    batches_->register_jobs();
    services_.batches = batches_.get();
  }

  // Agents and teams are flows whose steps are chosen while they run.
  void open_agents() {
    memory_ = std::make_unique<agent::Memory>(*store_, clock_);
    agent_tools_ = agent::with_memory(*flow_tools_, *memory_);
    agent_driver_ = agent::make_driver(*agent_tools_, *memory_);
    team_driver_ = agent::make_team_driver();
    agents_ = std::make_unique<agent::Shelf>(agent::make_shelf(*artifacts_));
    teams_ = std::make_unique<agent::Shelf>(agent::make_team_shelf(*artifacts_));
    services_.memory = memory_.get();
    services_.agents = agents_.get();
    services_.teams = teams_.get();
  }

  void fill_services(const Settings& settings) {
    registry_ = metrics::Registry::make();
    services_.clock = &clock_;
    services_.models = &models_;
    services_.engine = engine_.get();
    services_.store = store_.get();
    services_.journal = journal_.get();
    services_.catalog = catalog_.get();
    services_.ingest = ingest_.get();
    services_.index = index_.get();
    services_.retriever = retriever_.get();
    services_.feedback = feedback_.get();
    services_.responses = responses_.get();
    services_.outcomes = outcomes_.get();
    services_.product_metrics = product_metrics_.get();
    services_.reports = reports_.get();
    services_.suggester = suggester_.get();
    services_.calibrator = calibrator_.get();
    services_.artifacts = artifacts_.get();
    services_.specs = specs_.get();
    services_.calls = call_book_.get();
    services_.answerer = answerer_.get();
    services_.tools = tools_.get();
    services_.background = [this](std::function<void()> job) { background_.post(std::move(job)); };
    services_.observer = observer_.get();
    services_.cache = cache_.get();
    services_.secrets = secrets_.get();
    services_.egress = egress_.get();
    services_.registry = registry_.get();
    services_.version = STRATA_VERSION;
    services_.data_folder = settings.data_folder;
    services_.models_folder = settings.models_folder;
    services_.adapters_folder = settings.adapters_folder;
    services_.started_ms = clock_.unix_ms();
  }

  const Clock& clock_ = system_clock();
  Context context_ = Context::background();
  api::Services services_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<secret::Secrets> secrets_;
  std::unique_ptr<metrics::Registry> registry_;
  std::unique_ptr<egress::Client> egress_;
  std::unique_ptr<observe::Observer> observer_;   // the engine's and the journal's threads call it
  std::unique_ptr<cache::Cache> cache_;
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<index::Index> index_;
  std::unique_ptr<feedback::Feedback> feedback_;
  std::unique_ptr<responses::Responses> responses_;
  std::unique_ptr<outcome::Outcomes> outcomes_;
  std::unique_ptr<product_metrics::Metrics> product_metrics_;
  std::unique_ptr<confidence::Calibrator> calibrator_;
  std::unique_ptr<suggest::Suggester> suggester_;
  std::unique_ptr<registry::Registry> artifacts_;
  std::unique_ptr<live::Specs> specs_;
  std::unique_ptr<CallBook> call_book_;
  Background background_;                       // its jobs use what stands above; the engine below feeds it
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<pool::Pool> pool_;            // unloads its models from the engine above
  std::unique_ptr<model::Embedder> traced_embedder_;
  model::Embedder* embedder_ = nullptr;         // the traced one
  api::Models models_;
  std::unique_ptr<document::Parser> parser_;
  std::unique_ptr<retrieve::Retriever> retriever_;
  std::unique_ptr<tool::Tools> tools_;          // its tools search and fetch
  std::unique_ptr<predict::Predictors> predictors_;
  std::unique_ptr<mcp::Resources> mcp_documents_;
  std::unique_ptr<mcp::Host> mcp_host_;
  std::unique_ptr<mcp::Servers> mcp_servers_;   // tells the host
  std::unique_ptr<answer::Answerer> answerer_;  // one for all: it knows the sentences that were compared last
  std::unique_ptr<ingest::Ingest> ingest_;
  std::unique_ptr<flow::Models> flow_models_;
  std::unique_ptr<flow::Library> flow_library_;
  std::unique_ptr<flow::Tools> flow_tools_;
  std::unique_ptr<tool::Approvals> flow_approvals_;
  std::unique_ptr<agent::Memory> memory_;
  std::unique_ptr<flow::Tools> agent_tools_;    // the flows', and the one that remembers
  std::unique_ptr<flow::Driver> agent_driver_, team_driver_;
  std::unique_ptr<agent::Shelf> agents_, teams_;
  std::unique_ptr<flow::Flows> flows_;
  std::unique_ptr<batch::Executor> batch_executor_;
  std::unique_ptr<batch::Batches> batches_;
  std::unique_ptr<durable::Journal> journal_;   // its jobs use all of the above
  std::unique_ptr<report::Reports> reports_;    // its clock submits jobs
  std::unique_ptr<Daily> daily_;                // first to go
};

}  // namespace

Result<std::unique_ptr<Platform>> Platform::open(const Settings& settings) {
  auto wired = std::make_unique<Wired>();
  TRY(wired->open(settings));
  return std::unique_ptr<Platform>(std::move(wired));
}

std::string workers_folder() {
  if (const char* given = std::getenv("STRATA_WORKER"); given && *given) return given;
  std::error_code error;
  std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return program.parent_path().string();
}

}  // namespace strata::app
