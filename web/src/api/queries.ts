// What the pages read, as TanStack queries: one key and one function per thing.
import { infiniteQueryOptions, QueryClient, queryOptions } from "@tanstack/react-query";
import { ApiError, get, post } from "./client";
import type {
  Advice, Answer, Base, Calibration, Chunk, Compared, Conversation, ConversationDetail, Decision, DocumentDetail, DocumentRow, Draft, FactKind, Handover,
  Landscape, List, MetricRows, MetricSettings, OutsideFact, OutsideRow, Prices, Product, ProductConversation, ProductNotes, Provider, SearchResult, SettingValues, SpecAdvice, SpecCapacity, SpecDetail, SpecDiff, SpecFields,
  SpecRow, SpecVersion, Suggestions, System, UpdateSchedule, TraceDetail, TraceDiff, TraceList, TraceSettings, Usage, WeekReport, WeeklyUpdate,
} from "./types";

export const queryClient = new QueryClient({
  defaultOptions: {
    // The server is on this machine: what the browser thinks of the internet says nothing about it.
    mutations: { networkMode: "always" },
    queries: {
      networkMode: "always",
      retry: (failures, error) => error instanceof ApiError && (error.lost || error.status === 503) && failures < 2,
      staleTime: 2_000,
      refetchOnWindowFocus: true,
    },
  },
});

const id = encodeURIComponent;
export const documentUrl = (base: string, document: string, begin?: number, end?: number) =>
  `/knowledge/${id(base)}/documents/${id(document)}` + (begin === undefined ? "" : `?begin=${begin}&end=${end}`);

export const conversationsQuery = queryOptions({
  queryKey: ["conversations"],
  queryFn: ({ signal }) => get<List<Conversation>>("/strata/v1/conversations?limit=200", signal),
});
export const conversationQuery = (conversation: string) => queryOptions({
  queryKey: ["conversation", conversation],
  queryFn: ({ signal }) => get<ConversationDetail>(`/strata/v1/conversations/${id(conversation)}`, signal),
});
export const answerQuery = (answer: string) => queryOptions({
  queryKey: ["answer", answer],
  queryFn: ({ signal }) => get<Answer>(`/strata/v1/answers/${id(answer)}`, signal),
});
export const basesQuery = queryOptions({
  queryKey: ["bases"],
  queryFn: ({ signal }) => get<List<Base>>("/v1/vector_stores?limit=100", signal),
  refetchInterval: (query) => (query.state.data?.data.some((base) => base.file_counts.in_progress > 0) ? 1_000 : false),
});
export const documentsQuery = (base: string) => queryOptions({
  queryKey: ["documents", base],
  queryFn: ({ signal }) => get<List<DocumentRow>>(`/strata/v1/documents?vector_store_id=${id(base)}&limit=1000`, signal),
  refetchInterval: (query) => (query.state.data?.data.some((row) => row.status === "in_progress") ? 1_000 : false),
});
export const documentQuery = (document: string) => queryOptions({
  queryKey: ["document", document],
  queryFn: ({ signal }) => get<DocumentDetail>(`/strata/v1/documents/${id(document)}`, signal),
  staleTime: 60_000,
});
export const chunksQuery = (document: string) => queryOptions({
  queryKey: ["chunks", document],
  queryFn: ({ signal }) => get<List<Chunk>>(`/strata/v1/documents/${id(document)}/chunks`, signal),
  staleTime: 60_000,
});
export const systemQuery = (live: boolean) => queryOptions({
  queryKey: ["system"],
  queryFn: ({ signal }) => get<System>("/strata/v1/system", signal),
  refetchInterval: live ? 2_000 : false,
});
export const providersQuery = queryOptions({
  queryKey: ["providers"],
  queryFn: ({ signal }) => get<List<Provider>>("/strata/v1/providers", signal),
});

export const productsQuery = queryOptions({
  queryKey: ["products"],
  queryFn: ({ signal }) => get<List<Product>>("/strata/v1/products?limit=100", signal),
});
export const draftsQuery = (product: string, state: string) => queryOptions({
  queryKey: ["drafts", product, state],
  queryFn: ({ signal }) => get<List<Draft>>(`/strata/v1/drafts?limit=100&product=${id(product)}&state=${id(state)}`, signal),
});
export const draftQuery = (draft: string) => queryOptions({
  queryKey: ["draft", draft],
  queryFn: ({ signal }) => get<Draft>(`/strata/v1/drafts/${id(draft)}`, signal),
});
export const productConversationQuery = (conversation: string) => queryOptions({
  queryKey: ["product_conversation", conversation],
  queryFn: ({ signal }) => get<ProductConversation>(`/strata/v1/conversations/${id(conversation)}/product`, signal),
});
export const handoversQuery = (product: string, state: string) => queryOptions({
  queryKey: ["handovers", product, state],
  queryFn: ({ signal }) => get<List<Handover>>(`/strata/v1/handovers?limit=100&product=${id(product)}&state=${id(state)}`, signal),
  refetchInterval: 5_000,   // others work in it too
});
export const handoverQuery = (handover: string) => queryOptions({
  queryKey: ["handover", handover],
  queryFn: ({ signal }) => get<Handover>(`/strata/v1/handovers/${id(handover)}`, signal),
});
export const calibrationQuery = queryOptions({
  queryKey: ["calibration"],
  queryFn: ({ signal }) => get<Calibration>("/strata/v1/calibration", signal),
});
export const suggestionsQuery = (text: string, bases: string[]) => queryOptions({
  queryKey: ["suggestions", text, bases],
  queryFn: ({ signal }) => get<Suggestions>(`/strata/v1/suggestions?q=${id(text)}&vector_store_ids=${id(bases.join(","))}`, signal),
  staleTime: 30_000,
  retry: false,
});

export interface SearchWish { q: string; bases: string[]; mode: string; rerank: boolean }
export const searchQuery = (wish: SearchWish) => queryOptions({
  queryKey: ["search", wish],
  queryFn: () => post<SearchResult>("/strata/v1/search", {
    query: wish.q, vector_store_ids: wish.bases, max_num_results: 10,
    ranking_options: { mode: wish.mode, ranker: wish.rerank ? "auto" : "none" },
  }),
  enabled: wish.q.trim() !== "" && wish.bases.length > 0,
  staleTime: 30_000,
});

export const landscapeQuery = queryOptions({
  queryKey: ["landscape"],
  queryFn: ({ signal }) => get<Landscape>("/strata/v1/landscape", signal),
  staleTime: 30_000,
});
export interface ModelWish { use: string; lean: string; favour: string; here_only: boolean; open_weights_only: boolean; context_tokens_min: number }
export const compareQuery = (wish: ModelWish) => queryOptions({
  queryKey: ["landscape", "compare", wish],
  queryFn: () => post<Compared>("/strata/v1/landscape/compare", wish),
  placeholderData: (before) => before,
});
export const questionsQuery = queryOptions({
  queryKey: ["decide"],
  queryFn: ({ signal }) => get<Decision>("/strata/v1/decide", signal),
  staleTime: Infinity,
});
export const adviceQuery = (situation: Record<string, boolean | number>) => queryOptions({
  queryKey: ["decide", situation],
  queryFn: () => post<Advice>("/strata/v1/decide", situation),
  placeholderData: (before) => before,
});

export const productUrl = (product: string) => `/strata/v1/products/${id(product)}`;
export const specsQuery = queryOptions({ queryKey: ["specs"], queryFn: ({ signal }) => get<List<SpecRow>>("/strata/v1/specs?limit=1000", signal) });
export const specFieldsQuery = queryOptions({ queryKey: ["specs", "fields"], queryFn: ({ signal }) => get<SpecFields>("/strata/v1/specs/fields", signal), staleTime: Infinity });
export const specQuery = (product: string) => queryOptions({
  queryKey: ["spec", product], queryFn: ({ signal }) => get<SpecDetail>(`${productUrl(product)}/spec`, signal),
  // What is being typed is not overwritten behind the writer's back.
  refetchOnWindowFocus: false, staleTime: Infinity,
});
export const specVersionsQuery = (product: string) => queryOptions({ queryKey: ["spec", product, "versions"], queryFn: ({ signal }) => get<List<SpecVersion>>(`${productUrl(product)}/spec/versions`, signal) });
export const specDiffQuery = (product: string, from: number, to: number) => queryOptions({
  queryKey: ["spec", product, "diff", from, to], queryFn: ({ signal }) => get<SpecDiff>(`${productUrl(product)}/spec/diff?from=${from}&to=${to}`, signal), enabled: from > 0 && to > 0, staleTime: Infinity,
});
export const specAdviceQuery = (product: string) => queryOptions({ queryKey: ["spec", product, "advice"], queryFn: ({ signal }) => get<SpecAdvice>(`${productUrl(product)}/recommendation`, signal) });
export const specCapacityQuery = (product: string) => queryOptions({ queryKey: ["spec", product, "capacity"], queryFn: ({ signal }) => get<SpecCapacity>(`${productUrl(product)}/capacity`, signal) });
export const notesQuery = (product: string) => queryOptions({
  queryKey: ["spec", product, "notes"], queryFn: ({ signal }) => get<ProductNotes>(`${productUrl(product)}/notes`, signal), refetchOnWindowFocus: false, staleTime: Infinity,
});
export const weeksQuery = (product: string, last: string) => queryOptions({
  queryKey: ["weeks", product, last],
  queryFn: ({ signal }) => get<List<WeekReport>>(`/strata/v1/products/${id(product)}/weeks?limit=8${last ? `&last=${id(last)}` : ""}`, signal),
  enabled: product !== "",
});
export const metricRowsQuery = (href: string) => queryOptions({
  queryKey: ["metric-rows", href],
  queryFn: ({ signal }) => get<MetricRows>(`${href}&limit=100`, signal),
});
export const updatesQuery = (product: string) => queryOptions({
  queryKey: ["updates", product],
  queryFn: ({ signal }) => get<List<WeeklyUpdate>>(`/strata/v1/products/${id(product)}/updates`, signal),
  enabled: product !== "",
});
export const scheduleQuery = (product: string) => queryOptions({
  queryKey: ["schedule", product],
  queryFn: ({ signal }) => get<UpdateSchedule>(`/strata/v1/products/${id(product)}/schedule`, signal),
  enabled: product !== "",
});

// The settings beside their defaults; the server sends both in one object.
export const metricSettingsQuery = (product: string) => queryOptions({
  queryKey: ["metric-settings", product],
  queryFn: async ({ signal }): Promise<MetricSettings> => {
    const { defaults, ...values } = await get<SettingValues & { defaults: never }>(`${productUrl(product)}/metrics/settings`, signal);
    return { values, defaults };
  },
});
export const weekQuery = (product: string, week: string) => queryOptions({
  queryKey: ["weeks", product, week, "one"],
  queryFn: ({ signal }) => get<WeekReport>(`${productUrl(product)}/metrics?week=${id(week)}`, signal),
});
export const factKindsQuery = queryOptions({ queryKey: ["fact-kinds"], queryFn: ({ signal }) => get<List<FactKind>>("/strata/v1/facts/kinds", signal), staleTime: Infinity });
export const factsQuery = (product: string, week: string) => queryOptions({
  queryKey: ["outside", product, "facts", week],
  queryFn: ({ signal }) => get<List<OutsideFact>>(`${productUrl(product)}/facts?week=${id(week)}`, signal),
});
export const outsideRowsQuery = (product: string, list: string) => queryOptions({
  queryKey: ["outside", product, list],
  queryFn: ({ signal }) => get<List<OutsideRow>>(`${productUrl(product)}/rows?list=${id(list)}&limit=50`, signal),
});
// Whatever comes from outside changes the weeks.
export const reloadOutside = () => Promise.all([queryClient.invalidateQueries({ queryKey: ["outside"] }), queryClient.invalidateQueries({ queryKey: ["weeks"] })]);

export interface TraceWish { route?: string; from?: string; to?: string; q: string; product: string; model: string; status: string; min: string; since: string }
export const tracesQuery = (wish: TraceWish) => infiniteQueryOptions({
  queryKey: ["traces", wish],
  queryFn: ({ signal, pageParam }) => {
    const params = new URLSearchParams({ limit: "50" });
    if (wish.route) params.set("route", wish.route);
    if (wish.q) params.set("text", wish.q);
    if (wish.product) params.set("product", wish.product);
    if (wish.model) params.set("model", wish.model);
    if (wish.status) params.set("status", wish.status);
    if (wish.min) params.set("min_ms", wish.min);
    if (wish.from) params.set("from", wish.from);
    if (wish.to) params.set("to", wish.to);
    if (wish.since) params.set("from", String(Math.floor(Date.now() / 1000) - Number(wish.since)));
    if (pageParam) params.set("after", pageParam);
    return get<TraceList>(`/strata/v1/traces?${params}`, signal);
  },
  initialPageParam: "",
  getNextPageParam: (page) => (page.has_more ? page.last_id ?? undefined : undefined),
});
export const traceQuery = (trace: string) => queryOptions({
  queryKey: ["trace", trace],
  queryFn: ({ signal }) => get<TraceDetail>(`/strata/v1/traces/${id(trace)}`, signal),
  staleTime: 60_000,
});
export const traceDiffQuery = (a: string, b: string) => queryOptions({
  queryKey: ["trace-diff", a, b],
  queryFn: ({ signal }) => get<TraceDiff>(`/strata/v1/traces/diff?a=${id(a)}&b=${id(b)}`, signal),
  staleTime: 60_000,
});
export const traceSettingsQuery = queryOptions({ queryKey: ["trace-settings"], queryFn: ({ signal }) => get<TraceSettings>("/strata/v1/traces/settings", signal) });
export const usageQuery = (by: string, from: string) => queryOptions({
  queryKey: ["usage", by, from],
  queryFn: ({ signal }) => get<Usage>(`/strata/v1/usage?by=${id(by)}&from=${id(from)}`, signal),
  placeholderData: (before) => before,
});
export const pricesQuery = queryOptions({ queryKey: ["prices"], queryFn: ({ signal }) => get<Prices>("/strata/v1/prices", signal) });
