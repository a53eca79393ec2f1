#include "app/flow_effects.h"

#include "app/api/answers.h"
#include "app/api/cache.h"
#include "app/api/output_format.h"
#include "base/crypto.h"
#include "base/text.h"
#include "infra/egress/egress.h"
#include "infra/observe/observe.h"
#include "infra/secret/secret.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/index/index.h"
#include "knowledge/retrieve/retrieve.h"
#include "orchestration/answer/answer.h"

namespace strata::app {
namespace {

// A receiver's answer is read no further than this; nothing in it is used.
constexpr uint64_t kReceiptBytesMax = 64u << 10;

flow::ModelReply reply_of(const std::string& model, const model::Usage& usage) {
  flow::ModelReply reply;
  reply.model = model;
  reply.prompt_tokens = usage.prompt_tokens;
  reply.cached_tokens = usage.cached_tokens;
  reply.completion_tokens = usage.completion_tokens;
  return reply;
}

Json format_of(const flow::ModelCall& call) {
  if (!call.schema.is_null())
    return Json::object({{"type", "json_schema"}, {"json_schema", Json::object({{"name", "output"}, {"schema", call.schema}, {"strict", true}})}});
  Json choices = Json::array();
  for (auto& choice : call.choices) choices.push(choice);
  return choices.size() ? Json::object({{"type", "choice"}, {"choices", std::move(choices)}}) : Json();
}

class LocalModels : public flow::Models {
 public:
  explicit LocalModels(const api::Services& services) : services_(services) {}
  Result<flow::ModelReply> generate(const Context& context, const flow::ModelCall& call) override {
    TRY_ASSIGN(auto model, services_.models->find(call.model));
    model::GenerateRequest request;
    std::vector<model::Message> messages;
    for (auto& message : call.messages) messages.push_back({message.role, message.content, ""});
    request.prompt = std::move(messages);
    request.max_tokens = call.max_tokens;
    request.sampling.temperature = call.temperature;
    request.sampling.seed = call.seed;
    if (Json format = format_of(call); !format.is_null()) {
      TRY_ASSIGN(auto parsed, api::parse_output_format(format, "schema", *model));
      request.grammar = parsed.grammar;
      request.response_format = parsed.response_format;
    }
    TRY_ASSIGN(auto made, model::generate(context, *model, std::move(request)));
    flow::ModelReply reply = reply_of(model->info().id, made.finish.usage);
    reply.text = std::move(made.text);
    reply.cost = api::token_cost(services_, model->info(), made.finish.usage);
    reply.finish = made.finish.reason == model::FinishReason::kLength ? "length" : "stop";
    return reply;
  }
  std::string version(const Context&, const std::string& name) override {
    const auto model = services_.models->find(name);
    return model ? api::model_version(services_, (*model)->info()) : "";   // the call itself says what is wrong
  }

 private:
  const api::Services& services_;
};

Json hit_json(const retrieve::Hit& hit) {
  return Json::object({{"text", hit.chunk.text},
                       {"score", hit.scores.final_score},
                       {"document_id", hit.chunk.document_id},
                       {"filename", hit.filename},
                       {"title", hit.title},
                       {"heading", hit.heading},
                       {"begin", hit.chunk.chunk.at.begin},
                       {"end", hit.chunk.chunk.at.end},
                       {"page", hit.chunk.chunk.page > 0 ? Json(hit.chunk.chunk.page) : Json()}});
}

Json answer_json(const answer::Answer& a) {
  Json citations = Json::array();
  for (auto& c : a.citations)
    citations.push(
        Json::object({{"number", c.number}, {"document_id", c.document_id}, {"filename", c.filename}, {"quote", c.quote}, {"begin", c.begin}, {"end", c.end}}));
  return Json::object({{"id", a.id},
                       {"text", a.text},
                       {"outcome", answer::outcome_name(a.outcome)},
                       {"confidence", a.confidence},
                       {"requires_human_review", a.requires_human_review},
                       {"citations", std::move(citations)}});
}

class WholeAnswer : public answer::Sink {
 public:
  void on_text(const std::string&, const std::vector<answer::Citation>&) override {}
  void on_done(Result<answer::Answer> answer) override { done = std::move(answer); }
  Result<answer::Answer> done = internal_error("the answer did not end");
};

class LocalLibrary : public flow::Library {
 public:
  explicit LocalLibrary(const api::Services& services) : services_(services) {}
  Result<Json> retrieve(const Context& context, const std::string& query, const std::vector<std::string>& bases, int results) override {
    Json hits = Json::array();
    if (bases.empty()) return hits;   // nothing to look in
    for (auto& base : bases) TRY(services_.catalog->base(context, base));
    retrieve::Options options;
    options.results = results;
    TRY_ASSIGN(auto found, services_.retriever->search(context, {query}, bases, options));
    for (auto& hit : found.hits) hits.push(hit_json(hit));
    return hits;
  }
  Result<Reply> answer(const Context& context, const flow::AnswerCall& call) override {
    TRY_ASSIGN(auto model, services_.models->find(call.model));
    answer::Request request;
    request.conversation = {{"user", call.question, ""}};
    request.base_ids = call.bases;
    request.max_tokens = call.max_tokens;
    if (!call.mode.empty() && call.mode != "classic" && call.mode != "quote_first")
      return invalid_argument("mode: expected quote_first or classic, got '" + call.mode + "'", "mode");
    if (call.mode == "classic") request.mode = answer::Mode::kClassic;
    auto sink = std::make_shared<WholeAnswer>();
    api::run_answer(services_, context, model, std::move(request), sink);
    if (!sink->done) return sink->done.error();
    return Reply{answer_json(*sink->done), reply_of(sink->done->model, sink->done->usage)};
  }
  // Read from the index that is searched, before it is: a commit that comes in between makes another version, and this one is never asked for again.
  std::string version(const Context&, const std::vector<std::string>& bases) override {
    return std::to_string(services_.index->contents(bases)) + " " + api::model_version(services_, services_.models->embedder()->info());
  }

 private:
  const api::Services& services_;
};

Error error_of(const tool::Outcome& outcome) {
  std::string message = outcome.failure ? outcome.failure->message : std::string(tool::state_name(outcome.state));
  if (outcome.failure)
    for (auto& problem : outcome.failure->json()["problems"].as_array() ? *outcome.failure->json()["problems"].as_array() : Json::Array{})
      message += "; " + problem.dump();
  std::string code = outcome.failure ? outcome.failure->code : "";
  switch (outcome.state) {
    case tool::State::kNeedsApproval: return Error{Code::kFailedPrecondition, message, "", flow::kNeedsApproval};
    case tool::State::kUnknown: return Error{Code::kInternal, message, "", "outcome_unknown"};
    case tool::State::kRefused:
      return outcome.failure && outcome.failure->retry ? Error{Code::kResourceExhausted, message, "", flow::kNotYet}
                                                       : Error{Code::kFailedPrecondition, message, "", code};
    default: break;
  }
  if (outcome.failure && outcome.failure->stands) return Error{Code::kInternal, message, "", code};
  // It says itself that it did nothing.
  return Error{outcome.failure && outcome.failure->retry ? Code::kResourceExhausted : Code::kFailedPrecondition, message, "", code};
}

// What a tool does, as far as it says so, and who may call it: what was allowed yesterday does not answer today where it is not any more.
std::string version_of(const tool::Description& about, const tool::Policy& policy) {
  Json roles = Json::array();
  for (auto& role : policy.roles) roles.push(role);
  return sha256_hex(Json::array({about.name, about.description, about.parameters, about.result, about.source, tool::risk_name(about.risk),
                                 tool::permission_name(policy.permission), std::move(roles), policy.updated_ms})
                        .dump());
}

class RegistryTools : public flow::Tools {
 public:
  explicit RegistryTools(const api::Services& services) : services_(services) {}
  Result<Info> describe(const Context& context, const std::string& name) override {
    TRY_ASSIGN(auto description, services_.tools->describe(name));
    Info info;
    info.effect = !description.changes ? flow::Effect::kReads : description.repeatable ? flow::Effect::kKeyed : flow::Effect::kOnce;
    info.risk = tool::risk_name(description.risk);
    info.about = description.description;
    info.parameters = description.parameters;
    info.untrusted = description.untrusted_result;
    TRY_ASSIGN(const auto policy, services_.tools->policy(context, name));
    info.version = version_of(description, policy);
    return info;
  }
  Result<Reply> call(const Context& context, const Call& call) override {
    tool::CallOptions options;
    options.untrusted = call.untrusted;
    options.approval_id = call.approval_id;
    TRY_ASSIGN(auto outcome, services_.tools->call(context, call.name, call.arguments, call.key, options));
    if (outcome.state == tool::State::kDone) return Reply{std::move(outcome.result), outcome.cost, outcome.untrusted};
    // Cut short with its run (a shutdown, a cancel) is no failure of a step that may be done again.
    const auto about = services_.tools->describe(call.name);
    if (about && (!about->changes || about->repeatable)) TRY(context.check());
    return error_of(outcome);
  }
  Status check(const Context&, const std::string& name, const Json& arguments) override {
    TRY_ASSIGN(auto problems, services_.tools->check(name, arguments));
    if (problems.empty()) return {};
    std::string all;
    for (auto& problem : problems) all += (all.empty() ? "" : "; ") + problem.text();
    return invalid_argument("arguments: " + name + " does not take these: " + all, "arguments");
  }
  Status settled(const Context& context, const std::string& name, const std::string& key, bool happened, const Json& result) override {
    auto status = services_.tools->resolve(context, name, key, happened, result);
    // The registry may have known all along how it ended, or that it never began.
    if (!status && (status.error().code == Code::kNotFound || status.error().code == Code::kFailedPrecondition)) return {};
    return status;
  }

 private:
  const api::Services& services_;
};

class InboxApprovals : public tool::Approvals {
 public:
  explicit InboxApprovals(const api::Services& services) : services_(services) {}
  // A decision belongs to one step of one run, whose key the call must carry: no other call can use it.
  Result<bool> granted(const Context& context, const std::string& approval_id, const std::string& digest, const std::string& key) override {
    auto approval = services_.flows->approval(context, approval_id);
    if (!approval) return approval.error().code == Code::kNotFound ? Result<bool>(false) : Result<bool>(approval.error());
    TRY_ASSIGN(bool granted, services_.flows->granted(context, approval_id, approval->tool, approval->arguments));
    return granted && key == approval->key && digest == tool::call_digest(approval->tool, approval->arguments);
  }

 private:
  const api::Services& services_;
};

}  // namespace

std::unique_ptr<flow::Tools> flow_tools(const api::Services& services) { return std::make_unique<RegistryTools>(services); }
std::unique_ptr<tool::Approvals> flow_approvals(const api::Services& services) { return std::make_unique<InboxApprovals>(services); }
std::unique_ptr<flow::Models> flow_models(const api::Services& services) { return std::make_unique<LocalModels>(services); }
std::unique_ptr<flow::Library> flow_library(const api::Services& services) { return std::make_unique<LocalLibrary>(services); }

flow::SecretBox flow_secrets(const api::Services& services) {
  return {.set = [&services](const Context& context, const std::string& name, const std::string& value) { return services.secrets->set(context, name, value); },
          .get = [&services](const Context& context, const std::string& name) { return services.secrets->get(context, name); },
          .remove = [&services](const Context& context, const std::string& name) { return services.secrets->remove(context, name); }};
}

flow::Deliver flow_deliver(const api::Services& services) {
  return [&services](const Context& context, const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers,
                     const std::string& body) -> Status {
    // The receiver was named by an administrator through the API, like a provider's address.
    egress::Request request{.method = "POST", .url = url, .headers = headers, .secret_header = "", .body = body, .trust = egress::Trust::kOperator};
    request.redirects_max = 0;
    request.bytes_max = kReceiptBytesMax;
    request.stall_timeout_ms = 15'000;
    TRY_ASSIGN(auto response, services.egress->fetch(context, request));
    if (response.status >= 200 && response.status < 300) return {};
    std::string what = "the receiver answered " + std::to_string(response.status);
    bool later = response.status >= 500 || response.status == 408 || response.status == 429;
    return later ? unavailable(what) : failed_precondition(what);
  };
}

}  // namespace strata::app
