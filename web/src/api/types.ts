// The shapes of docs/api.md that the pages read.
export interface Citation {
  number: number; document_id: string; file_id: string; filename: string; title: string; version: string; heading: string;
  page: number | null; begin: number; end: number; quote: string; answer_begin: number; answer_end: number;
}
export interface Verdict { begin: number; end: number; kind: "quote" | "generated" | "notice"; supported: boolean; score: number; reason: string }
export type Outcome = "answered" | "not_in_documents" | "nothing_found" | "packed_out" | "stale" | "model_failed";
export type Rating = "up" | "down" | "none";
export type Label = "high_confidence" | "medium_confidence" | "low_confidence";
export interface Treatment { border_color: string; icon: "check_circle" | "info" | "warning"; disclaimer: string | null }
export interface Handover {
  id: string; product: string; conversation_id: string; answer_id: string | null; reason: string; note: string; state: "waiting" | "claimed" | "done";
  who: string | null; reply: string | null; created_at: number; claimed_at: number | null; done_at: number | null; simulated: boolean;
}
export interface Strata {
  label: Label; treatment: Treatment; suggested_actions: string[] | null; requires_human_review: boolean | null;
  handover?: Handover; draft_id?: string; conversation_id?: string;
  answer_id: string; outcome: Outcome; confidence: number; mode: string; model: string; citations: Citation[]; closest: Citation[];
  verdicts: Verdict[]; first_text_ms: number; total_ms: number; rating?: Rating;
}
export interface Scores { keyword: number | null; vector: number | null; fused: number | null; rerank: number | null }
export interface Hit {
  chunk_id: number; document_id: string; file_id: string; vector_store_id: string; filename: string; title: string; heading: string;
  page: number | null; begin: number; end: number; text: string; score: number; scores: Scores;
}
export interface Stage { name: string; candidates: number; ms: number; top: { chunk_id: number; score: number }[] }
export interface Answer extends Strata {
  question: string; standalone_question: string; text: string; queries: string[]; stages: Stage[]; candidates: Hit[];
  packed: number[]; left_out: number[]; trace_id?: string | null; feedback: { rating: Rating; reasons: string[]; comment: string };
}
export interface SearchResult { queries: string[]; hits: Hit[]; stages: Stage[] }
export interface Conversation { id: string; title: string; created_at: number; updated_at: number }
export interface Message { ordinal: number; role: "user" | "assistant"; content: string; answer_id: string | null; strata: Strata | null; created_at: number }
export interface ConversationDetail extends Conversation { messages: Message[]; product: ProductConversation | null }
export interface Base {
  id: string; name: string; created_at: number; usage_bytes: number; status: string;
  file_counts: { in_progress: number; completed: number; failed: number; cancelled: number; total: number };
}
export interface Job {
  id: string; kind: string; state: "queued" | "running" | "waiting" | "succeeded" | "failed" | "cancelled"; done: number; total: number;
  note: string; error: string | null; created_at: number; updated_at: number;
}
export interface DocumentRow {
  document_id: string | null; file_id: string; filename: string; status: "in_progress" | "completed" | "failed" | "cancelled";
  error: string | null; job_id: string; bytes: number; created_at: number; job?: Job;
}
export interface DocumentDetail {
  document_id: string; file_id: string; vector_store_id: string; filename: string; title: string; version: string; kind: string; text: string;
  headings: { level: number; title: string; begin: number; end: number }[];
  pages: { number: number; begin: number; end: number; by_ocr: boolean }[];
  warnings: string[]; chunks: number; created_at: number;
}
export interface Chunk { chunk_id: number; ordinal: number; begin: number; end: number; heading: string; page: number | null; tokens: number; text: string }
export interface Model {
  id: string; kind: "language" | "embedding"; format: string; license: string; source: string; parameters: number; context_tokens: number;
  dimensions: number; memory_bytes: number; remote: boolean; demo: boolean;
  state: "loaded" | "loading" | "leaving" | "on_disk" | "remote"; problem: string | null;
}
export interface System {
  version: string; uptime_s: number; default_model: string; models: Model[];
  engine: {
    running: number; waiting: number; waiting_embeddings: number; kv_cache_used: number; decode_tokens_per_s: number; prefill_tokens_per_s: number;
    prompt_tokens: number; generated_tokens: number; embedded_texts: number; memory_bytes: number;
  };
  machine: { cpu: string; cores: number; memory_bytes: number; instruction_sets: string[]; isa: string; accelerators: string[] };
  index: { chunks: number; documents?: number; memory_bytes: number };
}
export interface Provider { id: string; base_url: string; model: string; has_key?: boolean }
export interface List<T> { data: T[]; has_more?: boolean }

export interface Fact { value: string | number | null; source: string; as_of: string; note: string; inherited: boolean }
export interface LandscapeField { name: string; kind: "text" | "count" | "number" | "month" | "grade"; axis: string; meaning: string; ages: boolean }
export interface LandscapeFamily { id: string; name: string; maker: string; kinds: string[]; open_weights: boolean; ux: string; origin: string; facts: Record<string, Fact> }
export interface LandscapeModel {
  id: string; name: string; family: string; family_name: string; maker: string; kinds: string[]; input: string[]; output: string[]; aliases: string[];
  open_weights: boolean; origin: string; here: string[]; hub: { id: string; format: string; bytes: number; command: string }[]; facts: Record<string, Fact>;
}
export interface Landscape {
  as_of: string; fields: LandscapeField[]; sources: Record<string, { title: string; url: string | null }>; kinds: { id: string; name: string; meaning: string }[];
  families: LandscapeFamily[]; models: LandscapeModel[]; own_file: { path: string; found: boolean; error: string | null };
  installed: { id: string; catalogue_id: string | null; remote: boolean; default: boolean; embedder: boolean; context_tokens: number }[];
}
export interface ComparedModel {
  rank: number; id: string; name: string; in_catalogue: boolean; here: string[]; score: number;
  parts: { axis: string; weight: number; points: number; known: boolean; reason: string }[];
}
export interface Compared { rows: ComparedModel[]; left_out: { id: string; reason: string }[] }
export type Fit = "yes" | "partly" | "no";
export interface MatrixRow { need: string; rag: Fit; fine_tune: Fit }
export interface Decision { questions: { id: string; text: string; why: string; kind: "yes_no" | "number" }[]; matrix: MatrixRow[]; high_volume: number; examples_enough: number }
export interface Advice {
  approach: string; title: string; reasons: string[]; matrix_cells: MatrixRow[]; fine_tuning_conditions: { name: string; met: boolean; detail: string }[];
  would_change_it: { question: string; to: string; approach: string; title: string }[];
}
export interface Product { id: string; name: string; created_at: number; simulated: boolean }
export interface Draft {
  id: string; product: string; conversation_id: string; answer_id: string | null; user: string | null; state: "open" | "sent" | "discarded"; edited: boolean;
  edit_distance: number; original: string; text: string; reason: string | null; created_at: number; saved_at: number | null; decided_at: number | null; simulated: boolean;
}
export type End = "open" | "resolved" | "escalated" | "abandoned" | "deflected";
export interface ProductConversation {
  id: string; product: string; channel: "agent" | "customer"; user: string | null; end_user: string | null; outcome: End; handed_over: boolean;
  opened_at: number; ended_at: number | null; simulated: boolean; drafts: Draft[]; handovers: Handover[]; satisfaction: number | null;
}
export interface Bin { from: number; to: number; count: number; mean_confidence: number | null; accuracy: number | null }
export interface Reliability { count: number; error: number | null; bins: Bin[] }
export interface Calibration {
  own: boolean; table: { method: string; source: string; fitted_on: number; tested_on: number; error: number; fitted_at: number | null; points: { raw: number; calibrated: number }[] };
  held_out: Reliability; rated: Reliability & { right: number; needed: number; needed_each: number };
}
export interface Suggestions { questions: string[]; headings: { heading: string; title: string; document_id: string; vector_store_id: string; begin: number; end: number }[] }

export type FieldKind = "text" | "texts" | "choice" | "choices" | "number" | "integer" | "boolean";
export interface SpecField { path: string; section: string; kind: FieldKind; required: boolean; meaning: string; choices: string[]; least?: number; most?: number }
export interface SpecFields { data: SpecField[]; starter: string }
export interface SpecRow { id: string; name: string; latest: number; live: number | null; has_draft: boolean; updated_at: number; job_to_be_done: string | null; hallucination_risk: string | null }
export type SpecValue = { [key: string]: unknown };
export interface SpecDraft { text: string; revision: number; base_version: number; who: string; updated_at: number }
export interface SpecDetail { id: string; name: string; latest: number; labels: Record<string, number>; draft: SpecDraft | null; version?: number; text?: string; spec?: SpecValue; why?: string; who?: string; created_at?: number }
export interface SpecProblem { line: number | null; column: number | null; field: string; message: string }
export interface SpecChecked { complete: boolean; problems: SpecProblem[]; missing: string[]; value: SpecValue | null; recommendation: string | null; text: string }
export interface SpecSaved { id: string; state: "saved" | "draft"; version?: number; missing: string[]; draft?: SpecDraft }
export interface SpecVersion { version: number; sha256: string; who: string; why: string; created_at: number }
export interface SpecDiff { from: number; to: number; lines: { sign: " " | "+" | "-"; from_line: number | null; to_line: number | null; text: string }[] }
export interface SpecAdvice {
  version: number; recommendation: string; pick: string | null; models: { id: string; allowed: boolean; score: number; reasons: string[] }[];
  layers: { layer: string; needed: boolean; why: string[] }[];
}
export interface SpecCapacity {
  verdict: "unknown" | "fits" | "tight" | "too_much"; latency_class: string; call_frequency: string; average_per_s: number; peak_per_s: number; capacity_per_s: number; used: number;
  machines: number; expected_seconds: number; promised_seconds: number; lines: string[];
  promise: { promised_seconds: number; actual_seconds_p95: number | null; answers: number; late: number; kept: boolean | null };
}
export interface ProductNotes { id: string; text: string; version: number; latest: number; edited: boolean }
export interface RowsSource { list: string; kind: string | null; count: number; href: string }
export type MetricUnit = "fraction" | "seconds" | "score" | "usd" | "count" | "characters" | "minutes" | "per_second";
export interface MetricNumber { key: string; label: string; unit: MetricUnit; value: number | null; note: string | null; rows: RowsSource[] }
export type MetricStatus = "PASS" | "FAIL" | "WARN" | "NO DATA";
export interface MetricTarget extends MetricNumber { layer: string; definition: string; comparison: string; target: number | null; status: MetricStatus }
export interface WeekReport {
  product: string; week: string; begin_at: number; end_at: number; simulated: boolean; metrics: MetricTarget[]; edit_distance: MetricNumber;
  health: { checks: Record<string, MetricStatus>; passing: number; total: number }; alerts: string[]; layer_warning: string;
  impact: MetricNumber[]; technical: MetricNumber[]; developer: MetricNumber[];
}
export type MetricRow = Record<string, string | number | boolean | null>;
export interface MetricRows { data: MetricRow[]; has_more: boolean; last_id?: string | null; metric?: MetricNumber }
export interface WeeklyUpdate {
  id: string; product: string; week: string; body: string; text: string; edited: boolean; state: "draft" | "sent"; made_by: string;
  created_at: number; updated_at: number; sent_at: number | null;
}
export type SettingValues = Record<string, number | null>;
export interface MetricSettings { values: SettingValues; defaults: SettingValues }
export interface FactKind { name: string; unit: string; meaning: string; least: number; most: number; standing: boolean }
export interface OutsideFact { id: string; product: string; week: string; name: string; value: number; source: string; who: string | null; at: number; simulated: boolean }
export interface OutsideRow { id: string; source: string; simulated: boolean; at: number; score?: number; conversation_id?: string | null; developer?: string; kind?: string; week?: string; name?: string; value?: number; who?: string | null }
export interface TraceSummary {
  id: string; name: string; route: string | null; product: string | null; answer_id: string | null; request_id: string | null; job_id: string | null; models: string[];
  status: "ok" | "error"; http_status: number | null; started_at: number; duration_ms: number; spans: number; model_calls: number;
  input_tokens: number; cached_tokens: number; output_tokens: number; cost: number | null;
}
export type SpanAttribute = string | number | boolean | string[] | null;
export interface TraceSpan {
  id: string; parent_id: string | null; name: string; kind: string; start_ms: number; duration_ms: number; error: { type: string; message: string } | null;
  cost: number | null; attributes: Record<string, SpanAttribute>; content: Record<string, unknown>; replayable: boolean; children: TraceSpan[];
}
export interface TraceList extends List<TraceSummary> { currency: string; last_id: string | null }
export interface TraceDetail extends TraceSummary { currency: string; tree: TraceSpan[] }
export interface Replayed { trace_id: string; same: boolean; calls: { span_id: string; name: string; same: boolean | null; tokens?: number; first_difference?: number | null; difference: string | null }[] }
export interface TraceDiff { a: TraceSummary; b: TraceSummary; spans: { place: string; in: "both" | "a" | "b"; a: string | null; b: string | null; a_ms: number | null; b_ms: number | null; changes: { key: string; a: unknown; b: unknown }[] }[] }
export interface UsageRow { key: string; calls: number; failed: number; unpriced_calls: number; input_tokens: number; cached_tokens: number; output_tokens: number; cpu_seconds: number; cost: number }
export interface Usage { by: string; from: string; to: string; currency: string; data: UsageRow[]; total: UsageRow }
export interface Prices { currency: string; models: Record<string, { input: number; cached: number; output: number }>; local: { cpu_hour: number | null }; text: string }
export interface TraceSettings {
  content: boolean; keep_days: number; keep_mb: number; export_url: string; export_format: "protobuf" | "json"; has_export_header: boolean;
  spans: { taken: number; stored: number; dropped: number; exported: number; export_dropped: number };
}
export interface UpdateSchedule { enabled: boolean; weekday: number; hour: number }

export interface JsonSchema {
  type?: string | string[]; title?: string; description?: string; enum?: unknown[]; default?: unknown; properties?: Record<string, JsonSchema>; required?: string[];
  items?: JsonSchema; minimum?: number; maximum?: number; minLength?: number; maxLength?: number; $ref?: string; $defs?: Record<string, JsonSchema>; [key: string]: unknown;
}
export interface FlowRow { name: string; version: number; description: string; who: string; why: string; created_at: number }
export interface FlowArrow { to: string; when: string | null }
export interface FlowStep { id: string; kind: string; title: string; next: FlowArrow[]; blocks?: { name: string; steps: FlowStep[] }[] }
export interface FlowGraph { steps: FlowStep[] }
export interface FlowDetail extends FlowRow { text: string; graph?: FlowGraph; input?: JsonSchema }
export interface FlowChecked { name: string; steps: number; graph: FlowGraph; input: JsonSchema }
export interface FlowTemplate { name: string; title: string; text: string }
export interface StepImpact { step: string; runs: number; failures: number; retries: number; success_rate: number | null; ms_p50: number; ms_p95: number; tokens: number; cost: number; cached: number; saved: number }
export interface FlowImpact { flow: string; version: number; runs: number; steps: StepImpact[] }
export type RunState = Job["state"];
export interface RunRow {
  id: string; flow: string; version: number; state: RunState; trigger: string; parent: string | null; note: string; result: unknown; error: string | null;
  wakes_at: number | null; created_at: number; updated_at: number;
}
export type StepStatus = "working" | "finished" | "failed" | "retrying" | "asking" | "waiting" | "outcome_unknown";
export interface RunStep {
  path: string; status: StepStatus; started_at: number; updated_at: number; attempt?: number; ms?: number; cost?: number; tool?: string; message?: string; approval_id?: string; cached?: boolean; saved?: number;
  usage?: { prompt_tokens?: number; completion_tokens?: number; cached_tokens?: number; model?: string }; input?: unknown; output?: unknown; error?: string; code?: string; at_ms?: number; until_ms?: number;
}
export interface RunDetail extends RunRow {
  waits_for: "approval" | "outcome" | "signal" | "time" | "paused" | null; input: unknown; values: Record<string, unknown> | null; steps: RunStep[];
  graph: FlowGraph | null;
  totals: { steps: number; ms: number; tokens: number; cost: number };
}
export interface RunEvent { sequence: number; kind: string; step: string; data: Record<string, unknown> | null; decision: boolean; at: number }
export interface FoundDecision extends RunEvent { id: number; run_id: string }
export type Deciding = "accept" | "edit" | "respond" | "ignore" | "happened" | "not_happened" | "fail";
export interface Approval {
  id: string; kind: "approval" | "outcome"; run_id: string; flow: string; step: string; message: string; tool: string | null; arguments: unknown; who: string[]; allow: Deciding[];
  deadline_at: number | null; escalated: boolean; state: "pending" | "decided" | "closed"; decision: Deciding | null; decided_by: string | null; reason: string;
  created_at: number; decided_at: number | null;
}
export interface FlowSchedule { id: string; flow: string; cron: string; input: unknown; enabled: boolean; next_at: number | null; created_at: number }
export interface FlowHook { id: string; flow: string; url: string; input_field: string; created_at: number; secret?: string }
export interface Subscription { id: string; url: string; events: string[]; created_at: number; secret?: string }

export type ToolPermission = "allow" | "ask" | "deny";
export interface ToolPolicy { permission: ToolPermission; roles: string[]; why: string; who: string; updated_at: number | null }
export interface Tool {
  name: string; description: string; parameters: JsonSchema; result: unknown; risk: "low" | "medium" | "high"; changes: boolean; repeatable: boolean; dry_run: boolean;
  untrusted_result: boolean; cost: number; source: string; policy: ToolPolicy;
  limits: { time_ms: number; calls_per_minute: number; at_once: number; argument_bytes: number; result_bytes: number };
}
export interface ToolProblem { path: string; keyword: string; expected: string; got: string; nearest?: string; message?: string }
export interface ToolOutcome {
  state: "done" | "failed" | "refused" | "needs_approval" | "unknown"; result?: unknown; error?: { code: string; message: string; retry: boolean; problems?: ToolProblem[] };
  digest?: string; untrusted?: boolean; repeated?: boolean; dry_run?: boolean; ms: number; cost: number;
}
export interface OpenCall { name: string; idempotency_key: string; arguments: unknown; begun_at: number }

export interface Budget { steps: number; tokens: number; money: number; seconds: number }
export interface KeptRow { name: string; version: number; description: string; who: string; why: string; created_at: number }
export interface KeptTemplate { name: string; title: string; text: string }
export interface AgentRule { tool?: string; when?: string; reason?: string; on?: string }
export interface AgentDefinition {
  goal?: string; instructions?: string; model?: string; critic?: { model?: string; instructions?: string };
  policy?: { may?: string[]; must_not?: (string | AgentRule)[]; escalate_when?: (string | AgentRule)[]; ask?: string[] };
}
export interface AgentChecked { name: string; description: string; pattern: string; tools: string[]; definition: AgentDefinition; budget: Budget }
export interface AgentDetail extends KeptRow, Partial<AgentChecked> { name: string; description: string; text: string }
export interface RosterMember { name: string; role: string; about: string; agent: string | null; goal?: string; pattern?: string; model?: string; tools?: string[]; budget?: Budget }
export interface TeamChecked { name: string; description: string; pattern: string; members: string[]; definition: { goal?: string; rounds?: number; supervisor?: { model?: string }; judge?: { model?: string } }; budget: Budget; roster: RosterMember[] }
export interface TeamDetail extends KeptRow, Partial<TeamChecked> { name: string; description: string; text: string }
export interface GoalRun extends RunRow { task: string; follows: string | null }
export interface AgentFact { id: string; agent: string; text: string; source: { by?: string; run?: string; before?: unknown }; untrusted: boolean; created_at: number; updated_at: number }
// What an agent's or a team's run gives.
export interface GoalResult {
  outcome: string; answer: unknown; reason: string; spent: Budget; untrusted: boolean; problems?: string; winner?: string; rounds?: number;
}
export type McpState = "new" | "pending" | "approved" | "changed";
export interface McpServer {
  name: string; transport: "http" | "stdio"; url: string | null; command: string[] | null; prefix: string; state: McpState; protocol: string; peer: string; tools: string[];
  left_out: { name: string; why: string }[]; reading: string[]; hash: string; approved_hash: string; approved_by: string; approved_at: number | null; seen_at: number | null; error: string | null;
}
export interface McpListed { name: string; description?: string; inputSchema?: JsonSchema; annotations?: Record<string, unknown> }
export interface McpDifference { added: string[]; removed: string[]; changed: { name: string; fields: { field: string; before: unknown; after: unknown }[] }[] }
export interface McpServerDetail extends McpServer { listed: McpListed[] | null; difference: McpDifference | null }
