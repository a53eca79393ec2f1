// Long-term facts: a row each, with where it came from; and the tool by which agents add them.
#include "base/crypto.h"
#include "base/random.h"
#include "base/text.h"
#include "orchestration/agent/agent.h"

namespace strata::agent {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;

Result<Fact> fact_from(const Row& row) {
  Fact fact;
  fact.id = row.text(0);
  fact.agent = row.text(1);
  fact.text = row.text(2);
  TRY_ASSIGN(fact.source, Json::parse(row.text(3)));
  fact.untrusted = row.integer(4) != 0;
  fact.created_ms = row.integer(5);
  fact.updated_ms = row.integer(6);
  return fact;
}

Result<std::vector<Fact>> find_facts(Reader& reader, const std::string& agent, const std::string& id, int limit) {
  std::vector<Fact> all;
  Status broken;
  TRY(
      reader.query("SELECT id, agent, text, source, untrusted, created_ms, updated_ms FROM agent_facts WHERE agent = ? AND (? = '' OR id = ?) "
                   "ORDER BY created_ms DESC, id LIMIT ?",
                   {agent, id, id, int64_t{limit}}, [&](const Row& row) {
                     auto one = fact_from(row);
                     if (!one) return broken = Status(tl::unexpect, one.error()), false;
                     all.push_back(std::move(*one));
                     return true;
                   }));
  TRY(broken);
  return all;
}

Status check_text(const std::string& text) {
  if (trim(text).empty() || text.size() > kFactBytesMost)
    return invalid_argument("text: expected 1 to 1,000 bytes, got " + std::to_string(text.size()), "text");
  return {};
}

Error no_fact(const std::string& agent, const std::string& id) { return not_found("the agent '" + agent + "' remembers no fact '" + id + "'", "fact"); }

class RememberingTools : public flow::Tools {
 public:
  RememberingTools(flow::Tools& tools, Memory& memory) : tools_(tools), memory_(memory) {}
  Result<Info> describe(const Context& context, const std::string& name) override {
    if (name != kRemember) return tools_.describe(context, name);
    return Info{flow::Effect::kKeyed, "low", "Keeps a fact for an agent's later runs", Json(), false};
  }
  Result<Reply> call(const Context& context, const Call& call) override {
    if (call.name != kRemember) return tools_.call(context, call);
    Fact fact;
    TRY_ASSIGN(fact.agent, call.arguments["agent"].to_string("agent"));
    TRY_ASSIGN(fact.text, call.arguments["fact"].to_string("fact"));
    fact.source = Json::object({{"by", "agent"}, {"run", call.arguments["run"]}});
    fact.untrusted = call.untrusted;
    TRY_ASSIGN(auto kept, memory_.add(context, std::move(fact), call.key));
    return Reply{Json::object({{"id", kept.id}}), 0, false};
  }
  Status check(const Context& context, const std::string& name, const Json& arguments) override {
    return name == kRemember ? Status() : tools_.check(context, name, arguments);
  }
  Status settled(const Context& context, const std::string& name, const std::string& key, bool happened, const Json& result) override {
    return name == kRemember ? Status() : tools_.settled(context, name, key, happened, result);
  }

 private:
  flow::Tools& tools_;
  Memory& memory_;
};

}  // namespace

std::vector<store::Migration> migrations() {
  return {{"agent", 1, R"(
    CREATE TABLE agent_facts(
      id TEXT PRIMARY KEY,
      agent TEXT NOT NULL,
      text TEXT NOT NULL,
      source TEXT NOT NULL,
      untrusted INTEGER NOT NULL,
      created_ms INTEGER NOT NULL,
      updated_ms INTEGER NOT NULL);
    CREATE INDEX agent_facts_by_agent ON agent_facts(agent, created_ms);
  )"}};
}

Result<std::vector<Fact>> Memory::facts(const Context& context, const std::string& agent, int limit) {
  std::vector<Fact> all;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY_ASSIGN(all, find_facts(reader, agent, "", limit));
    return {};
  }));
  return all;
}

Result<Fact> Memory::add(const Context& context, Fact fact, const std::string& key) {
  TRY(check_text(fact.text));
  fact.id = key.empty() ? make_id("fact") : "fact_" + sha256_hex(fact.agent + "\n" + key).substr(0, 24);
  fact.created_ms = fact.updated_ms = clock_.unix_ms();
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(auto known, find_facts(transaction, fact.agent, fact.id, 1));
    if (!known.empty()) return fact = known[0], Status();
    TRY_ASSIGN(auto all, find_facts(transaction, fact.agent, "", kFactsMost));
    if (all.size() >= static_cast<size_t>(kFactsMost)) return resource_exhausted("the agent '" + fact.agent + "' remembers 1,000 facts already: remove some");
    TRY(transaction.execute("INSERT INTO agent_facts(id, agent, text, source, untrusted, created_ms, updated_ms) VALUES(?, ?, ?, ?, ?, ?, ?)",
                            {fact.id, fact.agent, fact.text, fact.source.dump(), int64_t{fact.untrusted}, fact.created_ms, fact.updated_ms}));
    return {};
  }));
  return fact;
}

Result<Fact> Memory::edit(const Context& context, const std::string& agent, const std::string& id, const std::string& text) {
  TRY(check_text(text));
  Fact fact;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(auto known, find_facts(transaction, agent, id, 1));
    if (known.empty() || id.empty()) return no_fact(agent, id);
    fact = std::move(known[0]);
    Json before = std::move(fact.source);
    fact.text = text;
    fact.source = Json::object({{"by", context.principal().user}, {"before", std::move(before)}});
    fact.untrusted = false;
    fact.updated_ms = clock_.unix_ms();
    TRY(transaction.execute("UPDATE agent_facts SET text = ?, source = ?, untrusted = 0, updated_ms = ? WHERE id = ?",
                            {fact.text, fact.source.dump(), fact.updated_ms, fact.id}));
    return {};
  }));
  return fact;
}

Status Memory::remove(const Context& context, const std::string& agent, const std::string& id) {
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(auto known, find_facts(transaction, agent, id, 1));
    if (known.empty() || id.empty()) return no_fact(agent, id);
    TRY(transaction.execute("DELETE FROM agent_facts WHERE id = ?", {id}));
    return {};
  });
}

std::unique_ptr<flow::Tools> with_memory(flow::Tools& tools, Memory& memory) { return std::make_unique<RememberingTools>(tools, memory); }

}  // namespace strata::agent
