// The tables. `sequence` is the order of recording, and of the lists; times are unix ms in UTC.
#include "product/outcome/outcome.h"

namespace strata::outcome {

std::vector<store::Migration> migrations() {
  return {{"outcome", 1, R"(
    CREATE TABLE outcome_products(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      simulated INTEGER NOT NULL);
    CREATE TABLE outcome_conversations(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      product TEXT NOT NULL REFERENCES outcome_products(id),
      channel TEXT NOT NULL,
      user_name TEXT NOT NULL,
      end_user TEXT NOT NULL,
      opened_ms INTEGER NOT NULL,
      ended_ms INTEGER NOT NULL,
      ending TEXT NOT NULL,
      handed_over INTEGER NOT NULL,
      simulated INTEGER NOT NULL);
    CREATE INDEX outcome_conversations_by_end ON outcome_conversations(product, ended_ms);
    CREATE INDEX outcome_conversations_by_opening ON outcome_conversations(product, opened_ms);
    CREATE TABLE outcome_outputs(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      product TEXT NOT NULL REFERENCES outcome_products(id),
      conversation_id TEXT NOT NULL,
      user_name TEXT NOT NULL,
      model TEXT NOT NULL,
      status TEXT NOT NULL,
      confidence REAL NOT NULL,
      first_text_ms REAL NOT NULL,
      total_ms REAL NOT NULL,
      prompt_tokens INTEGER NOT NULL,
      completion_tokens INTEGER NOT NULL,
      at_ms INTEGER NOT NULL,
      simulated INTEGER NOT NULL);
    CREATE INDEX outcome_outputs_by_time ON outcome_outputs(product, at_ms);
    CREATE TABLE outcome_drafts(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      conversation_id TEXT NOT NULL,
      answer_id TEXT NOT NULL,
      product TEXT NOT NULL REFERENCES outcome_products(id),
      user_name TEXT NOT NULL,
      original TEXT NOT NULL,
      body TEXT NOT NULL,
      state TEXT NOT NULL,
      edited INTEGER NOT NULL,
      edit_distance INTEGER NOT NULL,
      reason TEXT NOT NULL,
      send_key TEXT UNIQUE,
      created_ms INTEGER NOT NULL,
      saved_ms INTEGER NOT NULL,
      decided_ms INTEGER NOT NULL,
      simulated INTEGER NOT NULL);
    CREATE INDEX outcome_drafts_by_decision ON outcome_drafts(product, decided_ms);
    CREATE INDEX outcome_drafts_by_creation ON outcome_drafts(product, created_ms);
    CREATE INDEX outcome_drafts_by_conversation ON outcome_drafts(conversation_id);
    CREATE TABLE outcome_handovers(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      conversation_id TEXT NOT NULL,
      answer_id TEXT NOT NULL,
      product TEXT NOT NULL REFERENCES outcome_products(id),
      reason TEXT NOT NULL,
      note TEXT NOT NULL,
      state TEXT NOT NULL,
      who TEXT NOT NULL,
      reply TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      claimed_ms INTEGER NOT NULL,
      done_ms INTEGER NOT NULL,
      simulated INTEGER NOT NULL);
    CREATE INDEX outcome_handovers_by_state ON outcome_handovers(state, created_ms);
    CREATE INDEX outcome_handovers_by_conversation ON outcome_handovers(conversation_id);
    CREATE TABLE outcome_judgements(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      answer_id TEXT NOT NULL,
      product TEXT NOT NULL REFERENCES outcome_products(id),
      who TEXT NOT NULL,
      correct INTEGER NOT NULL,
      fabricated INTEGER NOT NULL,
      unsafe INTEGER NOT NULL,
      output_ms INTEGER NOT NULL,
      at_ms INTEGER NOT NULL,
      simulated INTEGER NOT NULL,
      UNIQUE(answer_id, who));
    CREATE INDEX outcome_judgements_by_output ON outcome_judgements(product, output_ms);
    CREATE TABLE outcome_satisfaction(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      conversation_id TEXT UNIQUE,
      product TEXT NOT NULL REFERENCES outcome_products(id),
      score INTEGER NOT NULL,
      source TEXT NOT NULL,
      at_ms INTEGER NOT NULL,
      simulated INTEGER NOT NULL);
    CREATE INDEX outcome_satisfaction_by_time ON outcome_satisfaction(product, at_ms);
    CREATE TABLE outcome_facts(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      product TEXT NOT NULL REFERENCES outcome_products(id),
      week_ms INTEGER NOT NULL,
      name TEXT NOT NULL,
      value REAL NOT NULL,
      source TEXT NOT NULL,
      who TEXT NOT NULL,
      at_ms INTEGER NOT NULL,
      simulated INTEGER NOT NULL,
      UNIQUE(product, week_ms, name, simulated));
    CREATE TABLE outcome_developer_events(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      product TEXT NOT NULL REFERENCES outcome_products(id),
      developer TEXT NOT NULL,
      kind TEXT NOT NULL,
      source TEXT NOT NULL,
      at_ms INTEGER NOT NULL,
      simulated INTEGER NOT NULL,
      UNIQUE(product, developer, kind, simulated));
    CREATE TABLE outcome_developer_days(
      product TEXT NOT NULL REFERENCES outcome_products(id),
      developer TEXT NOT NULL,
      day_ms INTEGER NOT NULL,
      calls INTEGER NOT NULL,
      simulated INTEGER NOT NULL,
      PRIMARY KEY(product, day_ms, developer, simulated));
  )"},
          {"outcome", 2, R"(
    CREATE TABLE outcome_calls(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      product TEXT NOT NULL REFERENCES outcome_products(id),
      route TEXT NOT NULL,
      developer TEXT NOT NULL,
      key_id TEXT NOT NULL,
      end_user TEXT NOT NULL,
      production INTEGER NOT NULL,
      generates INTEGER NOT NULL,
      answer_id TEXT NOT NULL,
      model TEXT NOT NULL,
      status TEXT NOT NULL,
      http_status INTEGER NOT NULL,
      confidence REAL NOT NULL,
      first_text_ms REAL NOT NULL,
      total_ms REAL NOT NULL,
      objective_ms REAL NOT NULL,
      prompt_tokens INTEGER NOT NULL,
      completion_tokens INTEGER NOT NULL,
      at_ms INTEGER NOT NULL,
      simulated INTEGER NOT NULL);
    CREATE INDEX outcome_calls_by_time ON outcome_calls(product, at_ms);
  )"}};
}

}  // namespace strata::outcome
