// The pipeline. One Run per answer, on the caller's thread.
#include <algorithm>
#include <optional>

#include "base/log.h"
#include "base/random.h"
#include "base/span.h"
#include "base/text.h"
#include "orchestration/answer/answer.h"
#include "orchestration/answer/compose.h"
#include "orchestration/answer/prompt.h"
#include "orchestration/answer/token_stream.h"
#include "orchestration/guard/guard.h"

namespace strata::answer {
namespace {

constexpr size_t kClosestMax = 3;
constexpr int kAddedMax = 2;     // sentences that the model may add: past that it repeats itself
constexpr int kRefusedMax = 3;   // sentences that fail the check before the model is stopped: it has lost the thread

constexpr std::string_view kSmallTalk =
    "Ask me a question about your documents, for example “How do I …?” or “When was …?”. I answer with sentences quoted from them, and say so "
    "when they do not hold the answer.";
constexpr std::string_view kNothing = "I found nothing about this in the documents.";
constexpr std::string_view kNotAnswered = "The documents do not answer this. The closest passages are shown for reference.";
constexpr std::string_view kNotEnglish = "The embedded search model reads English; the documents may hold more than it can find.";

}  // namespace

namespace {

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (auto& text : texts) out += (out.empty() ? "" : "\n") + text;
  return out;
}

void describe(Span& span, const Answer& answer) {
  span.set("strata.answer_id", answer.id);
  span.set("strata.outcome", outcome_name(answer.outcome));
  span.set("strata.citations", static_cast<int64_t>(answer.citations.size()));
  int dropped = 0;
  for (auto& verdict : answer.verdicts) dropped += !verdict.supported;
  span.set("strata.sentences_dropped", dropped);
}

}  // namespace

struct Answerer::Core {
  Library library;
  model::LanguageModel* model;
  ground::Selector selector;
};

namespace {

class Run {
 public:
  Run(const Context& context, const Request& request, const Answerer::Library& library, ground::Selector& selector, model::LanguageModel* model, Sink& sink)
      : context_(context), request_(request), library_(library), selector_(selector), model_(model), sink_(sink), start_ns_(context.clock().monotonic_ns()) {}

  Result<Answer> operator()() {
    answer_.id = make_id("ans");
    answer_.mode = request_.mode == Mode::kClassic ? "classic" : "quote_first";
    answer_.objective_ms = request_.objective_ms;
    TRY(run());
    if (request_.mask_pii) clean_rest();
    answer_.raw_confidence = answer_.confidence;
    answer_.total_ms = elapsed_ms();
    return std::move(answer_);
  }

 private:
  Status run() {
    if (request_.conversation.empty() || request_.conversation.back().role != "user" || trim(request_.conversation.back().content).empty()) {
      return invalid_argument("expected a conversation whose last message is the user's question", "messages");
    }
    answer_.question = trim(request_.conversation.back().content);
    answer_.standalone_question = answer_.question;
    if (ground::is_small_talk(answer_.question)) return release(add_notice(&answer_, kSmallTalk));
    TRY(retrieve());
    if (answer_.found.hits.empty()) {
      answer_.outcome = Outcome::kNothingFound;
      return release(add_notice(&answer_, kNothing));
    }
    TRY(weigh());
    return request_.mode == Mode::kClassic ? classic() : quote_first();
  }

  Status retrieve() {
    follow_up_ = ground::standalone(request_.conversation);
    answer_.standalone_question = follow_up_.question;
    Span span(context_, "retrieval");
    span.set("gen_ai.operation.name", "retrieval");
    span.set("gen_ai.data_source.id", request_.base_ids);
    if (span.keeps_content()) span.content("gen_ai.retrieval.query.text", joined(follow_up_.queries));
    Result<retrieve::Found> found = library_.search(span.in(context_), follow_up_.queries, request_.base_ids, request_.retrieval);
    span.outcome(found);
    TRY_ASSIGN(answer_.found, std::move(found));
    span.set("strata.hits", static_cast<int64_t>(answer_.found.hits.size()));
    sources_ = ground::sources_of(answer_.found.hits);
    return {};
  }

  // Where a topic was carried over, the question as it was asked gets its chance too: it may have stood on its own.
  Status weigh() {
    const ground::SelectOptions options{.threshold = request_.threshold};
    Span span(context_, "ground select");
    const Context context = span.in(context_);
    TRY_ASSIGN(evidence_, selector_.select(context, follow_up_.question, sources_, options));
    if (follow_up_.carried && !evidence_.sufficient) {
      TRY_ASSIGN(ground::Evidence alone, selector_.select(context, answer_.question, sources_, options));
      if (alone.sufficient) evidence_ = std::move(alone);
    }
    answer_.confidence = evidence_.confidence;
    span.set("strata.confidence", evidence_.confidence);
    span.set("strata.sufficient", evidence_.sufficient);
    return {};
  }

  Status quote_first() {
    if (!evidence_.sufficient || evidence_.quotes.empty()) return refuse();
    TRY(release(add_quotes(&answer_, quotes(), answer_.found.hits)));
    if (request_.generate && model_ != nullptr) TRY(add_sentences());
    return note_stale();
  }

  // Personal data masked where that is asked for; what is masked of the answer's text is counted.
  std::string clean(std::string_view text, bool of_the_answer = false) {
    if (!request_.mask_pii) return std::string(text);
    guard::Masked masked = guard::mask_pii(text);
    for (const guard::Pii& pii : masked.found) answer_.pii[std::string(guard::pii_name(pii.kind))] += of_the_answer ? 1 : 0;
    return std::move(masked.text);
  }
  void clean(std::vector<Citation>* citations) {
    for (Citation& citation : *citations) {
      for (std::string* text : {&citation.quote, &citation.title, &citation.heading}) *text = clean(*text);
    }
  }
  // What rides along with the text, and is stored with it.
  void clean_rest() {
    clean(&answer_.citations);
    clean(&answer_.closest);
    for (Verdict& verdict : answer_.verdicts) verdict.reason = clean(verdict.reason);
    for (retrieve::Hit& hit : answer_.found.hits) {
      for (std::string* text : {&hit.chunk.text, &hit.title, &hit.heading}) *text = clean(*text);
    }
    std::erase_if(answer_.pii, [](const auto& kind) { return kind.second == 0; });
  }
  std::vector<ground::Quote> quotes() {
    std::vector<ground::Quote> out = evidence_.quotes;
    for (ground::Quote& quote : out) quote.text = clean(quote.text, true), quote.header_text = clean(quote.header_text, true);
    return out;
  }

  // The objective is spent: what has been released stands, nothing more is added.
  bool spent() const { return request_.objective_ms > 0 && elapsed_ms() >= request_.objective_ms; }

  Status refuse() {
    answer_.outcome = Outcome::kNotInDocuments;
    for (const ground::Quote& quote : evidence_.ranked) {
      if (answer_.closest.size() >= kClosestMax) break;
      answer_.closest.push_back(citation_of(answer_.found.hits[quote.source], quote.at, quote.text, static_cast<int>(answer_.closest.size()) + 1));
    }
    TRY(release(add_notice(&answer_, kNotAnswered)));
    if (ground::is_probably_not_english(answer_.question)) return release(add_notice(&answer_, kNotEnglish));
    return {};
  }

  // Packs what the model may read. False where not even the best evidence fits.
  bool pack(int tokens_max) {
    Span span(context_, "ground pack");
    const auto count = [this](std::string_view text) {
      const Result<int> tokens = model_->count_tokens(std::string(text));
      return tokens ? *tokens : static_cast<int>(text.size() / 3) + 1;
    };
    const int wanted = tokens_max > 0 ? tokens_max : room_for_context(*model_, request_);
    // WHY again: the blocks were counted one by one and before masking; what counts is the whole as the model reads it.
    for (int room = wanted, excess = 1; excess > 0; room -= excess) {
      packed_ = ground::pack(sources_, evidence_.quotes, room, count);
      packed_.text = clean(packed_.text);
      packed_.tokens = packed_.text.empty() ? 0 : count(packed_.text);
      excess = packed_.tokens - wanted;
    }
    answer_.packed_tokens = packed_.tokens;
    answer_.packed = packed_.packed;
    answer_.left_out = packed_.left_out;
    span.set("strata.packed", static_cast<int64_t>(packed_.packed.size()));
    span.set("strata.left_out", static_cast<int64_t>(packed_.left_out.size()));
    answer_.model = model_->info().id;
    return !packed_.best_left_out && !packed_.sources.empty();
  }

  std::vector<std::string_view> packed_texts() const {
    std::vector<std::string_view> out;
    for (size_t i = 0; i < packed_.sources.size(); ++i) out.push_back(packed_text(i));
    return out;
  }
  std::string_view packed_text(size_t i) const {
    const ground::Source& source = sources_[packed_.sources[i]];
    return std::string_view(source.text).substr(packed_.ranges[i].begin - source.begin, packed_.ranges[i].end - packed_.ranges[i].begin);
  }

  // Quote-first: the model adds what holds against the passages, sentence by sentence. Whatever goes wrong with it, the quotes stand.
  Status add_sentences() {
    answer_.additions_stopped = spent();
    if (answer_.additions_stopped || !pack(std::min(kAdditionContextTokens, room_for_context(*model_, request_)))) return {};
    model::GenerateRequest generate{
        .prompt = addition_prompt(packed_.text, answer_.standalone_question), .max_tokens = request_.max_tokens, .sampling = request_.sampling};
    generate.priority = request_.priority;
    SentenceCutter cutter;
    int added = 0, refused = 0;
    const auto goes_on = [&] {
      if (added >= kAddedMax || refused >= kRefusedMax) return false;
      answer_.additions_stopped = spent();
      return !answer_.additions_stopped;
    };
    const auto check_all = [&](const std::vector<std::string>& sentences) {
      for (const std::string& sentence : sentences) {
        if (goes_on()) add_if_verified(sentence, &added, &refused);
      }
      return goes_on();
    };
    const Result<model::Finish> finish = stream(context_, *model_, std::move(generate), [&](const std::string& text) { return check_all(cutter.feed(text)); });
    TRY(context_.check());
    if (!finish) {
      log::warning("answer.model_failed", {{"answer", answer_.id}, {"error", finish.error().message}});
      return {};
    }
    answer_.usage = finish->usage;
    // A last sentence that the token limit cut off is none.
    if (finish->reason != model::FinishReason::kLength && !answer_.additions_stopped) check_all(cutter.rest());
    return {};
  }

  void add_if_verified(const std::string& written, int* added, int* refused) {
    const std::string sentence = clean(written, true);
    ground::Claim claim = ground::verify(sentence, packed_texts());
    if (claim.supported && repeats(sentence)) claim = {.supported = false, .score = claim.score, .reason = "repeats the quotes"};
    if (!claim.supported) {
      *refused += 1;
      const uint32_t here = static_cast<uint32_t>(answer_.text.size());  // dropped: an empty range where it would have stood
      answer_.verdicts.push_back(
          {.begin = here, .end = here, .kind = SentenceKind::kGenerated, .supported = false, .score = claim.score, .reason = claim.reason});
      return;
    }
    *added += 1;
    const size_t index = static_cast<size_t>(claim.evidence);
    const uint32_t begin = packed_.ranges[index].begin;
    const document::Range at{begin + claim.at.begin, begin + claim.at.end};
    const Status released = release(add_generated(&answer_, sentence, claim, answer_.found.hits[packed_.sources[index]], at));
    if (!released) *refused = kRefusedMax;  // cancelled: the caller sees it next
  }

  // Word for word in the answer already.
  bool repeats(const std::string& sentence) const {
    const std::string plain = readable(sentence);
    std::string_view core = plain;
    while (!core.empty() && (core.back() == '.' || core.back() == ' ')) core.remove_suffix(1);
    return answer_.text.find(core) != std::string::npos;
  }

  Status classic() {
    if (model_ == nullptr) return quotes_instead();
    pack(0);
    if (packed_.sources.empty()) {
      answer_.outcome = Outcome::kPackedOut;
      return release(add_notice(&answer_, kNotAnswered));
    }
    model::GenerateRequest generate{
        .prompt = classic_prompt(packed_.text, request_.conversation), .max_tokens = request_.max_tokens, .sampling = request_.sampling};
    generate.priority = request_.priority;
    guard::MaskStream mask;
    const auto write = [&](const std::string& text) {
      if (text.empty()) return true;
      answer_.text += text;
      return static_cast<bool>(release({.text = text}));
    };
    const Result<model::Finish> finish =
        stream(context_, *model_, std::move(generate), [&](const std::string& text) { return write(request_.mask_pii ? mask.feed(text) : text); });
    if (request_.mask_pii) write(mask.rest());
    for (const auto& [kind, times] : mask.found()) answer_.pii[std::string(guard::pii_name(kind))] += times;
    TRY(context_.check());
    if (!finish) {
      log::warning("answer.model_failed", {{"answer", answer_.id}, {"error", finish.error().message}});
      return quotes_instead();
    }
    answer_.usage = finish->usage;
    if (packed_.best_left_out) answer_.outcome = Outcome::kPackedOut;
    label();
    return note_stale();
  }

  // A failing model costs its prose, not the evidence.
  Status quotes_instead() {
    if (evidence_.sufficient) TRY(release(add_quotes(&answer_, quotes(), answer_.found.hits)));
    else TRY(refuse());
    answer_.outcome = Outcome::kModelFailed;
    return {};
  }

  // Classic: the text is out already; each sentence gets its verdict, and its citation where it holds.
  void label() {
    Span span(context_, "ground verify");
    int supported = 0, checked = 0;
    const std::vector<std::string_view> texts = packed_texts();
    for (const document::Range& range : chunk::sentences(answer_.text)) {
      const ground::Claim claim = ground::verify(std::string_view(answer_.text).substr(range.begin, range.end - range.begin), texts);
      answer_.verdicts.push_back({.begin = range.begin,
                                  .end = range.end,
                                  .kind = SentenceKind::kGenerated,
                                  .supported = claim.supported,
                                  .score = claim.score,
                                  .reason = claim.supported ? "verified" : claim.reason});
      ++checked;
      if (!claim.supported) continue;
      ++supported;
      const size_t index = static_cast<size_t>(claim.evidence);
      const document::Range at{packed_.ranges[index].begin + claim.at.begin, packed_.ranges[index].begin + claim.at.end};
      const std::string quote(texts[index].substr(claim.at.begin, claim.at.end - claim.at.begin));
      Citation citation = citation_of(answer_.found.hits[packed_.sources[index]], at, quote, static_cast<int>(index) + 1);
      citation.answer_begin = range.begin;
      citation.answer_end = range.end;
      answer_.citations.push_back(std::move(citation));
    }
    span.set("strata.sentences", checked);
    span.set("strata.sentences_supported", supported);
    answer_.confidence *= checked == 0 ? 0 : static_cast<double>(supported) / checked;
  }

  Status note_stale() {
    if (!library_.superseded || answer_.outcome != Outcome::kAnswered) return {};
    for (const Citation& citation : answer_.citations) {
      const auto hit = std::find_if(answer_.found.hits.begin(), answer_.found.hits.end(),
                                    [&](const retrieve::Hit& h) { return h.chunk.document_id == citation.document_id; });
      if (hit == answer_.found.hits.end()) continue;
      TRY_ASSIGN(const bool old, library_.superseded(context_, *hit));
      if (old) answer_.outcome = Outcome::kStale;
    }
    return {};
  }

  Status release(Piece piece) {
    TRY(context_.check());
    if (request_.mask_pii) clean(&piece.citations);
    if (answer_.first_text_ms == 0) answer_.first_text_ms = elapsed_ms();
    sink_.on_text(piece.text, piece.citations);
    return {};
  }

  double elapsed_ms() const { return static_cast<double>(context_.clock().monotonic_ns() - start_ns_) / 1e6; }

  const Context& context_;
  const Request& request_;
  const Answerer::Library& library_;
  ground::Selector& selector_;
  model::LanguageModel* model_;
  Sink& sink_;
  const int64_t start_ns_;

  Answer answer_;
  ground::FollowUp follow_up_;
  std::vector<ground::Source> sources_;   // one per hit, in the hits' order
  ground::Evidence evidence_;
  ground::Packed packed_;
};

}  // namespace

Answerer::Answerer(Library library, model::Embedder& embedder, model::LanguageModel* model)
    : core_(new Core{std::move(library), model, ground::Selector(embedder)}) {}
Answerer::~Answerer() = default;

void Answerer::answer(const Context& context, Request request, std::shared_ptr<Sink> sink) {
  model::LanguageModel* const model = request.model != nullptr ? request.model : core_->model;
  Span span(context, "answer");
  span.set("gen_ai.operation.name", "invoke_workflow");
  span.set("gen_ai.workflow.name", request.mode == Mode::kClassic ? "answer.classic" : "answer.quote_first");
  const Context inside = span.in(context);
  Result<Answer> answer = Run(inside, request, core_->library, core_->selector, model, *sink)();
  span.outcome(answer);
  if (answer) describe(span, *answer);
  span.end();
  sink->on_done(std::move(answer));
}

}  // namespace strata::answer
