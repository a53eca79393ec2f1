// Spans and traces as rows of telemetry.db. Only this folder includes it.
//
//   spans   one row each; what is searched stands in columns of its own beside the attributes' JSON
//   traces  one row each, made again from its spans whenever one of them arrives; name '' until its root has
#pragma once

#include "infra/observe/observe.h"

namespace strata::observe {

std::vector<store::Migration> telemetry_migrations();

Json attributes_json(const SpanData& span);
std::string_view kind_name(SpanKind kind);   // "internal", "server", "client"

// The spans, and their traces' rows.
Status put_spans(store::Transaction& transaction, const std::vector<SpanData>& spans);
Result<std::vector<Summary>> find_traces(store::Reader& reader, const Query& query);
Result<std::vector<StoredSpan>> spans_of(store::Reader& reader, const std::string& trace_id);
Result<std::optional<Summary>> find_trace(store::Reader& reader, const std::string& trace_id);
Status remove_before(store::Transaction& transaction, int64_t before_ms);
// Bytes in use, without the pages that are free.
Result<int64_t> bytes_used(store::Reader& reader);
// The time before which the oldest `share` of the traces began.
Result<int64_t> oldest_share(store::Reader& reader, double share);

// Spend, in the authoritative database.
std::vector<store::Migration> ledger_migrations();
struct LedgerKey {
  std::string tenant, day, model, product;
  auto operator<=>(const LedgerKey&) const = default;
};
Status add_usage(store::Transaction& transaction, const std::map<LedgerKey, UsageRow>& rows);
Result<std::vector<UsageRow>> read_usage(store::Reader& reader, By by, const std::string& from_day, const std::string& to_day);
// A tenant's rows of both databases as a new one: see Observer::copy_for_tenant.
Status copy_usage(store::Reader& from, store::Transaction& to, const std::string& tenant);
Status copy_traces(store::Reader& from, store::Transaction& to, const std::string& tenant);
std::vector<store::Migration> copy_migrations();
Result<std::optional<std::string>> read_setting(store::Reader& reader, const std::string& name);
Status write_setting(store::Transaction& transaction, const std::string& name, const std::string& value);

}  // namespace strata::observe
