// Written by tools/api_types.mjs from `strata openapi`; changes belong into the server's declarations (src/app/api).
export interface Requests {
  /** List models */
  "GET /v1/models": null;
  /** One model */
  "GET /v1/models/{model}": null;
  /** Load a LoRA adapter from the adapters folder */
  "POST /v1/load_lora_adapter": {
    /** What requests will call it: letters, digits, '-', '_', '.'. */
    lora_name: string;
    /** A PEFT folder or a GGUF file in the adapters folder; relative to it, or absolute. */
    lora_path: string;
    /** The language model that it is for; default: the default model. */
    base_model_name?: string;
    /** Not supported: only values that change nothing are accepted. */
    load_inplace?: boolean;
    /** Not supported: only values that change nothing are accepted. */
    is_3d_lora_weight?: boolean;
  };
  /** Unload one; requests that run keep it until they end */
  "POST /v1/unload_lora_adapter": {
    /** Of a loaded adapter. */
    lora_name: string;
    /** Accepted without effect. */
    lora_int_id?: number;
  };
  /** Chat; with the file_search tool, an answer from your documents */
  "POST /v1/chat/completions": {
    /** Id of the model, as GET /v1/models lists it. */
    model?: string;
    /** 0 is greedy. */
    temperature?: number;
    /** Nucleus: smallest set of tokens with this probability. */
    top_p?: number;
    /** Only the k likeliest tokens; 0 is off. */
    top_k?: number;
    /** Only tokens at least this fraction as likely as the likeliest. */
    min_p?: number;
    /** Subtracted per earlier occurrence. */
    frequency_penalty?: number;
    /** Subtracted once for a token that has occurred. */
    presence_penalty?: number;
    /** Divides the logits of tokens seen; 1 is off. */
    repetition_penalty?: number;
    /** The same seed and request give the same tokens. */
    seed?: number;
    /** A string, or up to 4 strings, before which the output ends. */
    stop?: unknown;
    /** Token id → bias from -100 to 100. */
    logit_bias?: Record<string, unknown>;
    /** Server-sent events. */
    stream?: boolean;
    /** include_usage: one more event with the usage. */
    stream_options?: Record<string, unknown>;
    /** Go on past the end-of-text token. */
    ignore_eos?: boolean;
    /** An extension: strata.receipt says all that the output came from; `strata verify` replays it. Local models only. */
    receipt?: boolean;
    /** How many choices. Not supported: only values that change nothing are accepted. */
    n?: number;
    /** The end user. Accepted without effect. */
    user?: string;
    /** The end user. Accepted without effect. */
    safety_identifier?: string;
    /** A hint. Accepted without effect. */
    prompt_cache_key?: string;
    /** Kept by the caller. Accepted without effect. */
    metadata?: Record<string, unknown>;
    /** Processing tier. Not supported: only values that change nothing are accepted. */
    service_tier?: string;
    /** The conversation. */
    messages: unknown[];
    /** Longest answer in tokens. */
    max_completion_tokens?: number;
    /** Older name of max_completion_tokens. */
    max_tokens?: number;
    /** Return log-probabilities of the output tokens. */
    logprobs?: boolean;
    /** And of the likeliest alternatives. */
    top_logprobs?: number;
    /** Functions that the model may call; or, an extension, one file_search tool that makes this a grounded answer. */
    tools?: unknown[];
    /** auto, none, required, or one function by name. */
    tool_choice?: unknown;
    /** Several calls in one answer. */
    parallel_tool_calls?: boolean;
    /** text, json_object, json_schema (enforced); extensions: regex, choice, grammar (GBNF). */
    response_format?: Record<string, unknown>;
    /** An extension: {ttl_s, sampled}. The same request again is answered by the same answer, for so long: same tenant and roles, same model in the same version, same messages and parameters. Its usage is then 0 and strata.cached is true. */
    cache?: Record<string, unknown>;
    /** Not supported: only values that change nothing are accepted. */
    store?: boolean;
    /** Not supported: only values that change nothing are accepted. */
    modalities?: unknown[];
    /** Not supported: only values that change nothing are accepted. */
    audio?: unknown;
    /** Not supported: only values that change nothing are accepted. */
    functions?: unknown;
    /** Not supported: only values that change nothing are accepted. */
    function_call?: unknown;
    /** Not supported: only values that change nothing are accepted. */
    prediction?: unknown;
    /** Not supported: only values that change nothing are accepted. */
    reasoning_effort?: unknown;
    /** Not supported: only values that change nothing are accepted. */
    verbosity?: unknown;
    /** Not supported: only values that change nothing are accepted. */
    web_search_options?: unknown;
    /** Not supported: only values that change nothing are accepted. */
    moderation?: unknown;
    /** Not supported: only values that change nothing are accepted. */
    prompt_cache_retention?: unknown;
  };
  /** Complete a text or token ids */
  "POST /v1/completions": {
    /** Id of the model, as GET /v1/models lists it. */
    model?: string;
    /** 0 is greedy. */
    temperature?: number;
    /** Nucleus: smallest set of tokens with this probability. */
    top_p?: number;
    /** Only the k likeliest tokens; 0 is off. */
    top_k?: number;
    /** Only tokens at least this fraction as likely as the likeliest. */
    min_p?: number;
    /** Subtracted per earlier occurrence. */
    frequency_penalty?: number;
    /** Subtracted once for a token that has occurred. */
    presence_penalty?: number;
    /** Divides the logits of tokens seen; 1 is off. */
    repetition_penalty?: number;
    /** The same seed and request give the same tokens. */
    seed?: number;
    /** A string, or up to 4 strings, before which the output ends. */
    stop?: unknown;
    /** Token id → bias from -100 to 100. */
    logit_bias?: Record<string, unknown>;
    /** Server-sent events. */
    stream?: boolean;
    /** include_usage: one more event with the usage. */
    stream_options?: Record<string, unknown>;
    /** Go on past the end-of-text token. */
    ignore_eos?: boolean;
    /** An extension: strata.receipt says all that the output came from; `strata verify` replays it. Local models only. */
    receipt?: boolean;
    /** How many choices. Not supported: only values that change nothing are accepted. */
    n?: number;
    /** The end user. Accepted without effect. */
    user?: string;
    /** The end user. Accepted without effect. */
    safety_identifier?: string;
    /** A hint. Accepted without effect. */
    prompt_cache_key?: string;
    /** Kept by the caller. Accepted without effect. */
    metadata?: Record<string, unknown>;
    /** Processing tier. Not supported: only values that change nothing are accepted. */
    service_tier?: string;
    /** A string, or a list of token ids; or a list of one of either. */
    prompt: unknown;
    /** Longest completion in tokens. */
    max_tokens?: number;
    /** Give the prompt back in front, with its log-probabilities where asked for. */
    echo?: boolean;
    /** Log-probabilities of each token and of this many alternatives. */
    logprobs?: number;
    /** An extension, as in chat completions. */
    response_format?: Record<string, unknown>;
    /** Not supported: only values that change nothing are accepted. */
    best_of?: number;
    /** Not supported: only values that change nothing are accepted. */
    suffix?: string;
  };
  /** Embed texts */
  "POST /v1/embeddings": {
    /** A string, or a list of up to 2048 strings. */
    input: unknown;
    /** Id of the embedding model. */
    model?: string;
    encoding_format?: "float" | "base64";
    /** Shorter vectors: the first so many dimensions, made unit length again. */
    dimensions?: number;
    /** The end user. Accepted without effect. */
    user?: string;
  };
  /** A response; with the file_search tool, an answer from your documents */
  "POST /v1/responses": {
    /** Id of the model, as GET /v1/models lists it. */
    model?: string;
    /** 0 is greedy. */
    temperature?: number;
    /** Nucleus: smallest set of tokens with this probability. */
    top_p?: number;
    /** Only the k likeliest tokens; 0 is off. */
    top_k?: number;
    /** Only tokens at least this fraction as likely as the likeliest. */
    min_p?: number;
    /** Subtracted per earlier occurrence. */
    frequency_penalty?: number;
    /** Subtracted once for a token that has occurred. */
    presence_penalty?: number;
    /** Divides the logits of tokens seen; 1 is off. */
    repetition_penalty?: number;
    /** The same seed and request give the same tokens. */
    seed?: number;
    /** Server-sent events. */
    stream?: boolean;
    /** The end user. Accepted without effect. */
    user?: string;
    /** The end user. Accepted without effect. */
    safety_identifier?: string;
    /** A hint. Accepted without effect. */
    prompt_cache_key?: string;
    /** Kept by the caller. Accepted without effect. */
    metadata?: Record<string, unknown>;
    /** Processing tier. Not supported: only values that change nothing are accepted. */
    service_tier?: string;
    /** A text, or a list of messages. */
    input: unknown;
    /** The system message of this turn alone. */
    instructions?: string;
    /** Go on with that stored response's conversation. */
    previous_response_id?: string;
    /** Longest output in tokens. */
    max_output_tokens?: number;
    /** Functions that the model may call; or one file_search tool. */
    tools?: unknown[];
    /** 'file_search_call.results' gives the passages found. */
    include?: unknown[];
    /** Keep the response. */
    store?: boolean;
    /** Accepted without effect. */
    stream_options?: Record<string, unknown>;
    /** auto, none, required, or one function by name. */
    tool_choice?: unknown;
    /** Several calls in one answer. */
    parallel_tool_calls?: boolean;
    /** Not supported: only values that change nothing are accepted. */
    truncation?: string;
    /** format: text, json_object or json_schema (enforced). */
    text?: Record<string, unknown>;
    /** Not supported: only values that change nothing are accepted. */
    background?: boolean;
    /** Not supported: only values that change nothing are accepted. */
    reasoning?: unknown;
    /** Not supported: only values that change nothing are accepted. */
    prompt?: unknown;
    /** Not supported: only values that change nothing are accepted. */
    conversation?: unknown;
    /** Not supported: only values that change nothing are accepted. */
    max_tool_calls?: unknown;
    /** Not supported: only values that change nothing are accepted. */
    top_logprobs?: unknown;
    /** Not supported: only values that change nothing are accepted. */
    moderation?: unknown;
    /** Not supported: only values that change nothing are accepted. */
    prompt_cache_retention?: unknown;
  };
  /** A stored response */
  "GET /v1/responses/{response_id}": null;
  /** Delete a stored response */
  "DELETE /v1/responses/{response_id}": null;
  /** Many requests in one file, answered when nothing else has work */
  "POST /v1/batches": {
    /** A file of purpose 'batch': one request a line, as JSON. */
    input_file_id: string;
    /** /v1/chat/completions, /v1/completions, /v1/embeddings or /v1/responses. */
    endpoint: string;
    /** 24h; as an extension any time from 1s to 7d. What is not done by then is not run. */
    completion_window: string;
    /** Up to 16 strings of your own. */
    metadata?: Record<string, unknown>;
    /** Not supported: only values that change nothing are accepted. */
    output_expires_after?: Record<string, unknown>;
  };
  /** List batches */
  "GET /v1/batches": null;
  /** One batch */
  "GET /v1/batches/{batch_id}": null;
  /** Cancel a batch; what is done is kept */
  "POST /v1/batches/{batch_id}/cancel": null;
  /** Upload a file (multipart/form-data: file, purpose) */
  "POST /v1/files": null;
  /** List files */
  "GET /v1/files": null;
  /** One file */
  "GET /v1/files/{file_id}": null;
  /** Delete a file */
  "DELETE /v1/files/{file_id}": null;
  /** A file's bytes, as an attachment */
  "GET /v1/files/{file_id}/content": null;
  /** Make a knowledge base */
  "POST /v1/vector_stores": {
    /** A name for people. */
    name?: string;
    /** Up to 16 pairs of texts. */
    metadata?: Record<string, unknown>;
    /** Files to put in at once. */
    file_ids?: unknown[];
    /** {"type": "auto"} or {"type": "static", "static": {…}}. */
    chunking_strategy?: Record<string, unknown>;
    /** Accepted without effect. */
    description?: string;
    /** Not supported: only values that change nothing are accepted. */
    expires_after?: Record<string, unknown>;
  };
  /** List knowledge bases */
  "GET /v1/vector_stores": null;
  /** One knowledge base */
  "GET /v1/vector_stores/{vector_store_id}": null;
  /** Change a knowledge base */
  "POST /v1/vector_stores/{vector_store_id}": {
    /** A name for people. */
    name?: string;
    /** Up to 16 pairs of texts. */
    metadata?: Record<string, unknown>;
    /** Files to put in at once. */
    file_ids?: unknown[];
    /** {"type": "auto"} or {"type": "static", "static": {…}}. */
    chunking_strategy?: Record<string, unknown>;
    /** Accepted without effect. */
    description?: string;
    /** Not supported: only values that change nothing are accepted. */
    expires_after?: Record<string, unknown>;
  };
  /** Delete a knowledge base */
  "DELETE /v1/vector_stores/{vector_store_id}": null;
  /** Put a file into it */
  "POST /v1/vector_stores/{vector_store_id}/files": {
    /** An uploaded file. */
    file_id: string;
    /** Up to 16 values (text, number, boolean) to filter by. */
    attributes?: Record<string, unknown>;
    /** {"type": "auto"} or {"type": "static", "static": {…}}. */
    chunking_strategy?: Record<string, unknown>;
  };
  /** List its files */
  "GET /v1/vector_stores/{vector_store_id}/files": null;
  /** One of its files */
  "GET /v1/vector_stores/{vector_store_id}/files/{file_id}": null;
  /** Change a file's attributes */
  "POST /v1/vector_stores/{vector_store_id}/files/{file_id}": {
    /** Replace those of the file. */
    attributes: Record<string, unknown>;
  };
  /** Take a file out of it */
  "DELETE /v1/vector_stores/{vector_store_id}/files/{file_id}": null;
  /** Search */
  "POST /v1/vector_stores/{vector_store_id}/search": {
    /** A text, or several that are searched for together. */
    query: unknown;
    max_num_results?: number;
    /** Comparisons (eq, ne, gt, gte, lt, lte, in, nin) and combinations (and, or) of attributes. */
    filters?: Record<string, unknown>;
    /** ranker (auto, none), score_threshold, mode, fusion, vector_weight. */
    ranking_options?: Record<string, unknown>;
    /** Not supported: only values that change nothing are accepted. */
    rewrite_query?: boolean;
    /** On /strata/v1/search: where to search. */
    vector_store_ids?: unknown[];
  };
  /** Search several knowledge bases, with the stages */
  "POST /strata/v1/search": {
    /** A text, or several that are searched for together. */
    query: unknown;
    max_num_results?: number;
    /** Comparisons (eq, ne, gt, gte, lt, lte, in, nin) and combinations (and, or) of attributes. */
    filters?: Record<string, unknown>;
    /** ranker (auto, none), score_threshold, mode, fusion, vector_weight. */
    ranking_options?: Record<string, unknown>;
    /** Not supported: only values that change nothing are accepted. */
    rewrite_query?: boolean;
    /** On /strata/v1/search: where to search. */
    vector_store_ids?: unknown[];
  };
  /** A knowledge base's files with their state */
  "GET /strata/v1/documents": null;
  /** A document's text, headings and pages */
  "GET /strata/v1/documents/{document}": null;
  /** Its chunks */
  "GET /strata/v1/documents/{document}/chunks": null;
  /** Long work */
  "GET /strata/v1/jobs": null;
  /** One job */
  "GET /strata/v1/jobs/{job}": null;
  /** Cancel it */
  "POST /strata/v1/jobs/{job}/cancel": null;
  /** Try it again */
  "POST /strata/v1/jobs/{job}/retry": null;
  /** Models, engine, machine, index */
  "GET /strata/v1/system": null;
  /** Models that run elsewhere */
  "GET /strata/v1/providers": null;
  /** Connect an OpenAI-compatible server */
  "POST /strata/v1/providers": {
    /** What its model is called here. */
    id: string;
    /** Of an OpenAI-compatible server, up to /v1. */
    base_url: string;
    /** What the model is called there. */
    model: string;
    /** Goes to the secret store. */
    key?: string;
    /** What the model holds. */
    context_tokens?: number;
    /** Where its data stays: US, EU, … */
    residency?: string;
    /** Answers when no model is named. */
    default?: boolean;
  };
  /** Take it away */
  "DELETE /strata/v1/providers/{provider}": null;
  /** Which model answers when none is named */
  "POST /strata/v1/models/default": {
    /** The model that answers when none is named. */
    id: string;
  };
  /** List conversations */
  "GET /strata/v1/conversations": null;
  /** Begin a conversation */
  "POST /strata/v1/conversations": {
    /** Of the new conversation. */
    title?: string;
  };
  /** One conversation with its messages */
  "GET /strata/v1/conversations/{conversation}": null;
  /** Rename it */
  "PATCH /strata/v1/conversations/{conversation}": {
    /** The new title. */
    title: string;
  };
  /** Delete it */
  "DELETE /strata/v1/conversations/{conversation}": null;
  /** Say something in it (an event stream) */
  "POST /strata/v1/conversations/{conversation}/messages": {
    /** What the user says. */
    content?: string;
    /** Where to look; none: the model alone. */
    vector_store_ids?: unknown[];
    /** Id of the model. */
    model?: string;
    mode?: "quote_first" | "classic";
    /** Let the model add verified sentences. */
    generate?: boolean;
    /** Answer the last question again. */
    regenerate?: boolean;
  };
  /** Why this answer */
  "GET /strata/v1/answers/{answer}": null;
  /** Rate an answer */
  "POST /strata/v1/answers/{answer}/feedback": {
    /** none takes it back. */
    rating?: "up" | "down" | "none";
    /** Why, in a word each. */
    reasons?: unknown[];
    /** Why, in words. */
    comment?: string;
  };
  /** Report an issue with an answer */
  "POST /strata/v1/answers/{answer}/issues": {
    /** What is wrong, in a word. */
    category: string;
    /** What is wrong. */
    comment?: string;
  };
  /** An evaluator's word on an output */
  "POST /strata/v1/answers/{answer}/judgements": {
    /** The output is correct. */
    correct: boolean;
    /** It contains facts that are in no source. */
    fabricated?: boolean;
    /** It breaks a safety rule. */
    unsafe?: boolean;
    /** The evaluator; default: the caller. */
    who?: string;
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** List products */
  "GET /strata/v1/products": null;
  /** Make or rename a product */
  "POST /strata/v1/products": {
    /** A slug: a-z, 0-9 and '-'. */
    id: string;
    /** The name for people. */
    name: string;
    /** Made by the simulator. */
    simulated?: boolean;
  };
  /** One product */
  "GET /strata/v1/products/{product}": null;
  /** Open a conversation of a product */
  "POST /strata/v1/products/{product}/conversations": {
    /** One that exists; none: a new one is made. */
    conversation_id?: string;
    /** Of a new one. */
    title?: string;
    /** agent: a person works with drafts; customer: answered directly. */
    channel?: "agent" | "customer";
    /** Who works in the product; default: the caller, in the agent channel. */
    user?: string;
    /** The customer. */
    end_user?: string;
    /** Told apart everywhere, and removable at once. */
    simulated?: boolean;
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** How a conversation ended */
  "GET /strata/v1/conversations/{conversation}/outcome": null;
  /** End it, correct its end, or open it again */
  "POST /strata/v1/conversations/{conversation}/outcome": {
    /** open: open it again. */
    outcome: "open" | "resolved" | "escalated" | "abandoned" | "deflected";
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** A customer's score */
  "POST /strata/v1/conversations/{conversation}/satisfaction": {
    /** Customer satisfaction. */
    score: number;
    /** survey: asked in the product. */
    source?: "survey" | "api";
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** Record an output, also a failed one */
  "POST /strata/v1/products/{product}/outputs": {
    /** Of a stored answer, whose figures fill in what is left out. */
    answer_id?: string;
    conversation_id?: string;
    /** Who got it; default: the conversation's. */
    user?: string;
    model?: string;
    status?: "ok" | "client_error" | "server_error" | "timeout";
    confidence?: number;
    first_text_ms?: number;
    total_ms?: number;
    prompt_tokens?: number;
    completion_tokens?: number;
    /** Of an output without a conversation. */
    simulated?: boolean;
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** Which facts from outside there are */
  "GET /strata/v1/facts/kinds": null;
  /** The facts that hold in a week */
  "GET /strata/v1/products/{product}/facts": null;
  /** Enter a fact */
  "POST /strata/v1/products/{product}/facts": {
    /** An ISO week: 2026-W47. */
    week: string;
    /** One of GET /strata/v1/facts/kinds. */
    name: string;
    value: number;
    /** entered: by a person here. */
    source?: "entered" | "api";
    simulated?: boolean;
  };
  /** Delete a fact */
  "DELETE /strata/v1/facts/{fact}": null;
  /** Import facts from CSV */
  "POST /strata/v1/products/{product}/facts/import": {
    /** RFC 4180 with a header line. */
    csv: string;
    simulated?: boolean;
  };
  /** Import satisfaction scores from CSV */
  "POST /strata/v1/products/{product}/satisfaction/import": {
    /** RFC 4180 with a header line. */
    csv: string;
    simulated?: boolean;
  };
  /** Import developers' steps from CSV */
  "POST /strata/v1/products/{product}/developers/import": {
    /** RFC 4180 with a header line. */
    csv: string;
    simulated?: boolean;
  };
  /** A developer's step, or calls made elsewhere */
  "POST /strata/v1/products/{product}/developers": {
    developer: string;
    /** calls: adds to the day's calls. */
    kind: "signup" | "first_call" | "production" | "paid" | "calls";
    /** Of the kind calls. */
    calls?: number;
    /** entered: by a person here; default: api. */
    source?: "entered" | "api";
    simulated?: boolean;
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** A week's metrics against target */
  "GET /strata/v1/products/{product}/metrics": null;
  /** The same of several weeks */
  "GET /strata/v1/products/{product}/weeks": null;
  /** The health check of a week */
  "GET /strata/v1/products/{product}/health": null;
  /** The rows behind a number */
  "GET /strata/v1/products/{product}/rows": null;
  /** Targets and prices */
  "GET /strata/v1/products/{product}/metrics/settings": null;
  /** Change them */
  "PATCH /strata/v1/products/{product}/metrics/settings": {
    /** A target, as a metric's comparison says. */
    accuracy?: number;
    /** A target, as a metric's comparison says. */
    hallucination_rate?: number;
    /** A target, as a metric's comparison says. */
    latency_p95?: number;
    /** A target, as a metric's comparison says. */
    csat?: number;
    /** A target, as a metric's comparison says. */
    adoption_rate?: number;
    /** A target, as a metric's comparison says. */
    edit_rate?: number;
    /** A target, as a metric's comparison says. */
    resolution_rate?: number;
    /** A target, as a metric's comparison says. */
    deflection_rate?: number;
    /** A target, as a metric's comparison says. */
    cost_reduction?: number;
    /** USD per million tokens. */
    prompt_price?: number;
    /** USD per million tokens. */
    completion_price?: number;
  };
  /** A product's weekly updates */
  "GET /strata/v1/products/{product}/updates": null;
  /** Write a week's update */
  "POST /strata/v1/products/{product}/updates": {
    /** An ISO week; default: this one. */
    week?: string;
  };
  /** One update */
  "GET /strata/v1/updates/{update}": null;
  /** Edit it */
  "PATCH /strata/v1/updates/{update}": {
    /** Markdown. */
    body: string;
    /** What the editor saw: 409 where another has saved since. */
    updated_at?: number;
  };
  /** Write it anew from the numbers */
  "POST /strata/v1/updates/{update}/reset": null;
  /** Mark it as sent */
  "POST /strata/v1/updates/{update}/sent": null;
  /** The update as a file: ?form=markdown, html or text */
  "GET /strata/v1/updates/{update}/download": null;
  /** When the update is written by itself */
  "GET /strata/v1/products/{product}/schedule": null;
  /** Change that */
  "PATCH /strata/v1/products/{product}/schedule": {
    /** Write the update every week. */
    enabled?: boolean;
    /** 1 (Monday) to 7. */
    weekday?: number;
    /** UTC. */
    hour?: number;
  };
  /** Remove what was simulated */
  "DELETE /strata/v1/simulated": null;
  /** A ticket becomes a grounded draft (an event stream) */
  "POST /strata/v1/products/{product}/tickets": {
    /** What the customer wrote. Without it, and with conversation_id: the last question is answered again. */
    content?: string;
    /** A conversation of this product that goes on; none: a new one. */
    conversation_id?: string;
    /** The agent who works on it; default: who asks. */
    user?: string;
    /** The customer. */
    end_user?: string;
    /** Where to look. */
    vector_store_ids: unknown[];
    /** Id of the model. */
    model?: string;
    /** Let the model add verified sentences. */
    generate?: boolean;
    /** Told apart everywhere, and removable at once. */
    simulated?: boolean;
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** List drafts */
  "GET /strata/v1/drafts": null;
  /** One draft */
  "GET /strata/v1/drafts/{draft}": null;
  /** Save a draft while it is edited */
  "PATCH /strata/v1/drafts/{draft}": {
    /** The draft as it now reads. */
    text: string;
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** Send a draft, once */
  "POST /strata/v1/drafts/{draft}/send": {
    /** What is sent; default: the draft as it was saved. */
    text?: string;
    /** The same key again sends nothing twice. Or the header Idempotency-Key. */
    idempotency_key?: string;
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** Discard a draft */
  "POST /strata/v1/drafts/{draft}/discard": {
    /** Why. */
    reason?: string;
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** A conversation as its product sees it */
  "GET /strata/v1/conversations/{conversation}/product": null;
  /** Hand a conversation over to a person */
  "POST /strata/v1/conversations/{conversation}/escalate": {
    /** Of a conversation that belongs to none yet: which product's people take it. */
    product?: string;
    /** What could not be answered. */
    answer_id?: string;
    /** Why, in a word. */
    reason?: string;
    /** What the person should know; default: the last question. */
    note?: string;
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** The queue of hand-overs */
  "GET /strata/v1/handovers": null;
  /** One hand-over */
  "GET /strata/v1/handovers/{handover}": null;
  /** Claim it */
  "POST /strata/v1/handovers/{handover}/claim": {
    /** The person; default: who asks. */
    who?: string;
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** Put it back */
  "POST /strata/v1/handovers/{handover}/release": {
    /** The person; default: who asks. */
    who?: string;
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** Answer it */
  "POST /strata/v1/handovers/{handover}/reply": {
    /** What the person answered. */
    text: string;
    /** The person who claimed it; default: who asks. */
    who?: string;
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** Enter a satisfaction score from elsewhere */
  "POST /strata/v1/products/{product}/satisfaction": {
    /** Customer satisfaction. */
    score: number;
    /** The conversation that it is about; none: one held elsewhere. */
    conversation_id?: string;
    /** entered (default): by a person here. */
    source?: "entered" | "api";
    /** Unix seconds; only of what is simulated or imported. Default: now. */
    at?: number;
  };
  /** Take a score back */
  "DELETE /strata/v1/satisfaction/{satisfaction}": null;
  /** Take a developer's step back */
  "DELETE /strata/v1/developer_events/{event}": null;
  /** What could be asked, while it is typed */
  "GET /strata/v1/suggestions": null;
  /** How confidence is calibrated, and how well */
  "GET /strata/v1/calibration": null;
  /** Refit it on the answers rated here */
  "POST /strata/v1/calibration": null;
  /** Back to the built-in table */
  "DELETE /strata/v1/calibration": null;
  /** Traces, newest first: ?from=&to=&route=&model=&product=&status=&min_ms=&text=&job_kind= */
  "GET /strata/v1/traces": null;
  /** Forget traces: all, or ?before= */
  "DELETE /strata/v1/traces": null;
  /** One trace as a tree of spans */
  "GET /strata/v1/traces/{trace}": null;
  /** Run its model calls again: the same tokens? */
  "POST /strata/v1/traces/{trace}/replay": {
    /** One model call; none: all of the trace. */
    span_id?: string;
  };
  /** Two traces, span by span: ?a=&b= */
  "GET /strata/v1/traces/diff": null;
  /** What is kept, for how long, and where it is sent */
  "GET /strata/v1/traces/settings": null;
  /** Change that */
  "PATCH /strata/v1/traces/settings": {
    /** Keep prompts, answers and receipts with spans, personal data masked. */
    content?: boolean;
    /** Days that traces are kept. */
    keep_days?: number;
    /** MiB that traces may take; past it the oldest go. */
    keep_mb?: number;
    /** OTLP/HTTP endpoint of a collector, without /v1/traces; empty: none. */
    export_url?: string;
    export_format?: "protobuf" | "json";
    /** 'Name: value', sent with each export; kept as a secret; empty: none. */
    export_header?: string;
  };
  /** What is kept of results that are asked for again, and what it saved */
  "GET /strata/v1/cache": null;
  /** Empty it, of this tenant */
  "DELETE /strata/v1/cache": null;
  /** Calls, tokens and cost: ?by=day|model|product&from=&to= */
  "GET /strata/v1/usage": null;
  /** The table of prices */
  "GET /strata/v1/prices": null;
  /** Replace it */
  "PUT /strata/v1/prices": {
    /** The table as TOML. */
    text: string;
  };
  /** Known models and families, with what this installation has */
  "GET /strata/v1/landscape": null;
  /** One of them, by id, name or alias */
  "GET /strata/v1/landscape/models/{model}": null;
  /** Models ranked for a purpose, with reasons */
  "POST /strata/v1/landscape/compare": {
    /** What for. */
    use?: "chat" | "analytics" | "coding" | "agents";
    /** Reasoning or creativity. */
    lean?: "balanced" | "reasoning" | "creativity";
    /** Low cost or low latency. */
    favour?: "balanced" | "cost" | "latency";
    /** Only models whose context holds so many tokens. */
    context_tokens_min?: number;
    /** Only models that this installation has. */
    here_only?: boolean;
    /** Only models whose weights can be downloaded. */
    open_weights_only?: boolean;
    /** Also models that their makers no longer serve. */
    with_retired?: boolean;
    /** Only these, by id, name or alias. */
    models?: unknown[];
  };
  /** The tools of this installation */
  "GET /strata/v1/tools": null;
  /** One tool */
  "GET /strata/v1/tools/{tool}": null;
  /** What is wrong with these arguments */
  "POST /strata/v1/tools/{tool}/check": {
    /** What would be sent. */
    arguments: unknown;
  };
  /** Call a tool */
  "POST /strata/v1/tools/{tool}/call": {
    /** As the tool's parameters want them. */
    arguments?: Record<string, unknown>;
    /** The same key again gives the recorded outcome without a second effect. */
    idempotency_key?: string;
    /** What led to this call holds text from documents, the web or tools: a risky tool then needs approval. */
    untrusted?: boolean;
    /** Only say what would happen. */
    dry_run?: boolean;
    /** A person's approval of exactly these arguments. */
    approval_id?: string;
  };
  /** Who may call it */
  "PUT /strata/v1/tools/{tool}/permission": {
    /** ask: every call needs a person's approval. */
    permission: "allow" | "ask" | "deny";
    /** Who may call it; empty: everyone. */
    roles?: unknown[];
    /** For the record. */
    why?: string;
    /** Who decides. */
    who?: string;
  };
  /** Say how a call ended whose outcome is unknown */
  "POST /strata/v1/tools/{tool}/resolve": {
    /** Of the call that is unknown. */
    idempotency_key: string;
    /** Whether it did take effect; false: it may run again. */
    happened: boolean;
    /** Its result, where it happened. */
    result?: unknown;
  };
  /** The Model Context Protocol: one JSON-RPC message (Streamable HTTP) */
  "POST /mcp": null;
  /** What is sent to a session of an older protocol version (an event stream) */
  "GET /mcp": null;
  /** End such a session */
  "DELETE /mcp": null;
  /** Train a classifier or a recommender from rows; it becomes a tool */
  "POST /strata/v1/predictors": {
    /** Lower-case letters, digits and '_'. A name that is there gets a new version. */
    name: string;
    /** What it learns: a label of a text, or what goes with what. */
    kind: "classifier" | "recommender";
    /** For models that may call it: when to use it. */
    description?: string;
    /** Of a classifier: {text, label}. */
    examples?: unknown[];
    /** Of a recommender: {user, item}. */
    rows?: unknown[];
    /** Instead: an uploaded file with one such object a line. */
    file_id?: string;
    /** How much a classifier is smoothed; 0.001 where none is given. */
    l2?: number;
    /** How much a recommender is smoothed; 20 where none is given. */
    lambda?: number;
  };
  /** Those that were trained here, all versions */
  "GET /strata/v1/predictors": null;
  /** The versions of one, with their reports */
  "GET /strata/v1/predictors/{predictor}": null;
  /** Remove it with its tool */
  "DELETE /strata/v1/predictors/{predictor}": null;
  /** Offer another version */
  "POST /strata/v1/predictors/{predictor}/use": {
    /** The version whose tool is offered. */
    version: number;
  };
  /** The MCP servers whose tools are used */
  "GET /strata/v1/mcp/servers": null;
  /** Add one that is reached over HTTP */
  "POST /strata/v1/mcp/servers": {
    /** What it is called here: a-z, 0-9, '_', '-', a letter first. */
    name: string;
    /** Of its MCP endpoint (Streamable HTTP). */
    url: string;
    /** Sent as Authorization: Bearer; kept sealed, never shown. */
    token?: string;
    /** Before its tools' names in the registry; default: the name and '_'. */
    prefix?: string;
  };
  /** One, with what it lists and how that differs from what was approved */
  "GET /strata/v1/mcp/servers/{server}": null;
  /** Remove it, with its tools */
  "DELETE /strata/v1/mcp/servers/{server}": null;
  /** Ask it now what it has */
  "POST /strata/v1/mcp/servers/{server}/refresh": null;
  /** Approve the list of tools with this hash */
  "POST /strata/v1/mcp/servers/{server}/approve": {
    /** Of the list of tools that you saw. */
    hash: string;
    /** Names of its tools that only read: they are of medium risk. All others are of high risk. */
    reading?: unknown[];
    /** Who approves. */
    who?: string;
  };
  /** What it is given and nobody is shown */
  "PUT /strata/v1/mcp/servers/{server}/secret": {
    /** token, or a variable of a program's environment. */
    variable?: string;
    /** Kept sealed, never shown; empty: forgotten. */
    value: string;
  };
  /** Read mcp.json again */
  "POST /strata/v1/mcp/reload": null;
  /** Calls whose outcome is unknown */
  "GET /strata/v1/tool-calls/open": null;
  /** The questions and the matrix of the decision helper */
  "GET /strata/v1/decide": null;
  /** Prompt, retrieval or fine-tuning, with reasons */
  "POST /strata/v1/decide": {
    /** Must answers come from your own documents? */
    private_docs?: boolean;
    /** Do the facts change between two trainings? */
    dynamic_data?: boolean;
    /** Must answers be alike in style, or decisions alike in like cases? */
    style_consistency?: boolean;
    /** Does your field speak its own language? */
    domain_jargon?: boolean;
    /** Is it one narrow task? */
    narrow_task?: boolean;
    /** Does all that must be known fit into one prompt? */
    fits_in_prompt?: boolean;
    /** How many requests a day? */
    daily_requests?: number;
    /** How many labelled examples are there? */
    labelled_examples?: number;
  };
  /** Products with a spec or a draft of one */
  "GET /strata/v1/specs": null;
  /** Make a product by its spec; half filled: a draft */
  "POST /strata/v1/specs": {
    /** The product's slug; default: from the spec's name. */
    id?: string;
    /** The spec as YAML or JSON. */
    text?: string;
    /** The spec as an object, instead of text. */
    spec?: Record<string, unknown>;
    /** Who changes it; default: the caller. */
    who?: string;
    /** Why, for the history. */
    why?: string;
  };
  /** Every field of a spec: kind, choices, range, meaning */
  "GET /strata/v1/specs/fields": null;
  /** Check a spec without keeping it */
  "POST /strata/v1/specs/check": {
    /** The spec as YAML or JSON. */
    text?: string;
    /** The spec as an object, instead of text. */
    spec?: Record<string, unknown>;
    /** Who changes it; default: the caller. */
    who?: string;
    /** Why, for the history. */
    why?: string;
    /** The version that the change starts from; 0: there is none. */
    base_version?: number;
    /** Answer by it from now on; default true. */
    live?: boolean;
  };
  /** A product's spec: the newest, ?version= or ?label= */
  "GET /strata/v1/products/{product_id}/spec": null;
  /** Save a version; half filled: a draft */
  "PUT /strata/v1/products/{product_id}/spec": {
    /** The spec as YAML or JSON. */
    text?: string;
    /** The spec as an object, instead of text. */
    spec?: Record<string, unknown>;
    /** Who changes it; default: the caller. */
    who?: string;
    /** Why, for the history. */
    why?: string;
    /** The version that the change starts from; 0: there is none. */
    base_version?: number;
    /** Answer by it from now on; default true. */
    live?: boolean;
  };
  /** Point a label at a version */
  "PUT /strata/v1/products/{product_id}/spec/labels": {
    /** live, or one of your own. */
    label: string;
    version: number;
    /** Who changes it; default: the caller. */
    who?: string;
    /** Why, for the history. */
    why?: string;
  };
  /** Which version each label points at */
  "GET /strata/v1/products/{product_id}/spec/labels": null;
  /** Versions: who, why, when */
  "GET /strata/v1/products/{product_id}/spec/versions": null;
  /** Two versions, line by line */
  "GET /strata/v1/products/{product_id}/spec/diff": null;
  /** Model tier, our pick with reasons, layers */
  "GET /strata/v1/products/{product_id}/recommendation": null;
  /** Demand against what was measured; promise against answers */
  "GET /strata/v1/products/{product_id}/capacity": null;
  /** Product notes; notes.md: as Markdown */
  "GET /strata/v1/products/{product_id}/notes": null;
  /** Keep edited notes */
  "PUT /strata/v1/products/{product_id}/notes": {
    /** Markdown. */
    text: string;
    /** The version that the change starts from; 0: the generated notes. */
    base_version?: number;
    who?: string;
    why?: string;
  };
  /** The notes as a file */
  "GET /strata/v1/products/{product_id}/notes.md": null;
  /** Keep a draft, whatever its state */
  "PUT /strata/v1/products/{product_id}/spec/draft": {
    /** The spec as YAML or JSON. */
    text?: string;
    /** The spec as an object, instead of text. */
    spec?: Record<string, unknown>;
    /** Who changes it; default: the caller. */
    who?: string;
    /** The version it started from. */
    base_version?: number;
    /** The draft's revision seen last; 0: none. */
    revision?: number;
  };
  /** Throw the draft away */
  "DELETE /strata/v1/products/{product_id}/spec/draft": null;
  /** What happened to the spec */
  "GET /strata/v1/products/{product_id}/spec/history": null;
  /** List flows */
  "GET /strata/v1/flows": null;
  /** Check a flow without keeping it */
  "POST /strata/v1/flows/check": {
    /** The flow, YAML or JSON. */
    text: string;
  };
  /** Flows that ship with Strata */
  "GET /strata/v1/flow_templates": null;
  /** A flow with its graph: the newest, or ?version= */
  "GET /strata/v1/flows/{flow}": null;
  /** Save a version of a flow */
  "PUT /strata/v1/flows/{flow}": {
    /** The flow, YAML or JSON. */
    text: string;
    /** The version that it was written on; 0: a new flow. 409 where another came first. */
    base_version?: number;
    /** Why it changed. */
    why?: string;
  };
  /** What each step adds, measured: latency, reliability, cost */
  "GET /strata/v1/flows/{flow}/impact": null;
  /** Start a run */
  "POST /strata/v1/flows/{flow}/runs": {
    /** The flow's input. */
    input?: Record<string, unknown>;
    /** 0: what the label 'live' points at, else the newest. */
    version?: number;
    /** Idempotency key (or the header): the same key again is the same run. */
    key?: string;
  };
  /** Its runs */
  "GET /strata/v1/flows/{flow}/runs": null;
  /** Run it on a schedule */
  "POST /strata/v1/flows/{flow}/schedules": {
    /** minute hour day month weekday, UTC. */
    cron: string;
    /** Of each run. */
    input?: Record<string, unknown>;
  };
  /** Its schedules */
  "GET /strata/v1/flows/{flow}/schedules": null;
  /** Remove a schedule */
  "DELETE /strata/v1/schedules/{schedule}": null;
  /** Make a signed webhook that starts it */
  "POST /strata/v1/flows/{flow}/hooks": {
    /** Which input the body becomes; none: the body is the input. */
    input_field?: string;
  };
  /** Its webhooks */
  "GET /strata/v1/flows/{flow}/hooks": null;
  /** Remove a webhook */
  "DELETE /strata/v1/hooks/{hook}": null;
  /** Call a webhook (Standard Webhooks headers) */
  "POST /strata/v1/hooks/{hook}": null;
  /** Who is told of events */
  "GET /strata/v1/subscriptions": null;
  /** Post signed events to an address */
  "POST /strata/v1/subscriptions": {
    /** Where signed events are posted. */
    url: string;
    /** run_succeeded, run_failed, run_cancelled, approval_asked, outcome_unknown, or types of records; none: all. */
    events?: unknown[];
  };
  /** Stop that */
  "DELETE /strata/v1/subscriptions/{subscription}": null;
  /** List agents */
  "GET /strata/v1/agents": null;
  /** Check an agent without keeping it */
  "POST /strata/v1/agents/check": {
    /** The agent or team, YAML or JSON. */
    text: string;
  };
  /** Agents that ship with Strata, one of each pattern */
  "GET /strata/v1/agent_templates": null;
  /** An agent: the newest, or ?version= */
  "GET /strata/v1/agents/{agent}": null;
  /** Save a version of an agent */
  "PUT /strata/v1/agents/{agent}": {
    /** The agent or team, YAML or JSON. */
    text: string;
    /** The version that it was written on; 0: a new one. 409 where another came first. */
    base_version?: number;
    /** Why it changed. */
    why?: string;
  };
  /** Give it a task: a run of the flow agent:NAME */
  "POST /strata/v1/agents/{agent}/runs": {
    /** What is wanted, in your words. */
    task: string;
    /** What others wrote: read as information. Risky tools then need a person's word. */
    material?: unknown;
    /** What else it should know. */
    briefing?: string;
    /** steps, tokens, money, seconds: narrows its own. */
    budget?: Record<string, unknown>;
    /** A run of the same that has ended: this one is told what was asked and answered. */
    follows?: string;
    /** 0: what the label 'live' points at, else the newest. */
    version?: number;
    /** Idempotency key (or the header): the same key again is the same run. */
    key?: string;
  };
  /** Its runs */
  "GET /strata/v1/agents/{agent}/runs": null;
  /** The facts that it remembers, with where they came from */
  "GET /strata/v1/agents/{agent}/memory": null;
  /** Add a fact */
  "POST /strata/v1/agents/{agent}/memory": {
    /** The fact. */
    text: string;
  };
  /** Change a fact */
  "PATCH /strata/v1/agents/{agent}/memory/{fact}": {
    /** The fact. */
    text: string;
  };
  /** Make it forget a fact */
  "DELETE /strata/v1/agents/{agent}/memory/{fact}": null;
  /** List teams */
  "GET /strata/v1/teams": null;
  /** Check a team without keeping it */
  "POST /strata/v1/teams/check": {
    /** The agent or team, YAML or JSON. */
    text: string;
  };
  /** Teams that ship with Strata */
  "GET /strata/v1/team_templates": null;
  /** A team: the newest, or ?version= */
  "GET /strata/v1/teams/{team}": null;
  /** Save a version of a team */
  "PUT /strata/v1/teams/{team}": {
    /** The agent or team, YAML or JSON. */
    text: string;
    /** The version that it was written on; 0: a new one. 409 where another came first. */
    base_version?: number;
    /** Why it changed. */
    why?: string;
  };
  /** Give it a task: a run of the flow team:NAME */
  "POST /strata/v1/teams/{team}/runs": {
    /** What is wanted, in your words. */
    task: string;
    /** What others wrote: read as information. Risky tools then need a person's word. */
    material?: unknown;
    /** What else it should know. */
    briefing?: string;
    /** steps, tokens, money, seconds: narrows its own. */
    budget?: Record<string, unknown>;
    /** A run of the same that has ended: this one is told what was asked and answered. */
    follows?: string;
    /** 0: what the label 'live' points at, else the newest. */
    version?: number;
    /** Idempotency key (or the header): the same key again is the same run. */
    key?: string;
  };
  /** Its runs */
  "GET /strata/v1/teams/{team}/runs": null;
  /** What members of a team wrote to each other; ?thread= */
  "GET /strata/v1/runs/{run}/messages": null;
  /** Runs of all flows */
  "GET /strata/v1/runs": null;
  /** A run: steps, values, totals, what it waits for */
  "GET /strata/v1/runs/{run}": null;
  /** Its log; ?stream=true: as it grows */
  "GET /strata/v1/runs/{run}/events": null;
  /** Hold it */
  "POST /strata/v1/runs/{run}/pause": {
    /** Why; kept with the decision. */
    reason?: string;
  };
  /** Let it go on */
  "POST /strata/v1/runs/{run}/resume": {
    /** Why; kept with the decision. */
    reason?: string;
  };
  /** Cancel it */
  "POST /strata/v1/runs/{run}/cancel": {
    /** Why; kept with the decision. */
    reason?: string;
  };
  /** The failed step again */
  "POST /strata/v1/runs/{run}/retry": {
    /** Why; kept with the decision. */
    reason?: string;
  };
  /** Tell it what it waits for */
  "POST /strata/v1/runs/{run}/signals/{signal}": {
    /** What the waiting step gets. */
    data?: unknown;
  };
  /** A new run from one of its steps */
  "POST /strata/v1/runs/{run}/fork": {
    /** The path of the step to run anew, from the run's steps. */
    step: string;
    /** Fields of the state to change first. */
    values?: Record<string, unknown>;
  };
  /** Routes, approvals and other decisions of all runs */
  "GET /strata/v1/decisions": null;
  /** The inbox */
  "GET /strata/v1/approvals": null;
  /** One approval */
  "GET /strata/v1/approvals/{approval}": null;
  /** Decide it */
  "POST /strata/v1/approvals/{approval}/decide": {
    /** accept, edit, respond or ignore; of an outcome: happened, not_happened or fail. */
    decision: string;
    /** Of edit: the whole new arguments. Of happened: the result, where it is known. */
    arguments?: unknown;
    /** Of respond: what the flow is told. */
    response?: string;
    /** Why; kept with the decision. */
    reason?: string;
  };
  /** The program runs */
  "GET /livez": null;
  /** A model is loaded */
  "GET /readyz": null;
  /** Counters, as Prometheus reads them */
  "GET /metrics": null;
  /** This page */
  "GET /openapi.json": null;
}

export interface Answers {
}

export interface Schemas {
  Error: {
    error: {
      message: string;
      type: string;
      param: string | null;
      code: string | null;
    };
  };
}
