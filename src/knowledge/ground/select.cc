// Selector: candidates → features → scores → quotes and confidence.
#include <algorithm>
#include <cmath>
#include <list>
#include <mutex>
#include <numeric>
#include <unordered_map>

#include "knowledge/ground/candidates.h"
#include "knowledge/ground/ground.h"
#include "knowledge/ground/words.h"

namespace strata::ground {
namespace {

#include "knowledge/ground/fitted.inc"

static_assert(std::size(kSentenceWeights) == SentenceFeatures::kCount);
static_assert(std::size(kTopicWeights) == QuestionFeatures::kCount && std::size(kAnswerWeights) == QuestionFeatures::kCount);

constexpr size_t kVectorsMax = 4096;      // cached sentence vectors: 384 floats each
constexpr uint32_t kQuoteBytesMax = 480;  // a lead-in ("The steps are:") takes along what follows, up to so much
constexpr double kProbabilityLeast = 0.03;  // a second or third quote that is less likely only distracts

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin(), 0.0);
}

// The question's words and how much each one tells.
struct Asked {
  std::vector<Word> content;
  std::set<std::string> stems;
  double weight_sum = 0;
  Asks kind = Asks::kThing;
  bool negated = false;
};

bool is_negation(const std::string& lower) {
  static const std::set<std::string> kWords = {"not",    "never", "no",     "without", "except", "least",    "cannot", "isn't",    "wasn't", "doesn't",
                                               "didn't", "don't", "aren't", "weren't", "can't",  "couldn't", "won't",  "wouldn't", "hasn't", "haven't"};
  return kWords.count(lower) != 0;
}

Asked read_question(const std::string& question) {
  Asked out{.content = content_words(question), .stems = stems(question), .kind = asks(question)};
  for (const Word& word : out.content) out.weight_sum += weight(word.lower);
  for (const Word& word : words(question)) out.negated = out.negated || is_negation(word.lower);
  return out;
}

double covered(const Asked& asked, const std::set<std::string>& stems) {
  if (asked.weight_sum == 0) return 0;
  double sum = 0;
  for (const Word& word : asked.content) sum += stems.count(word.stem) != 0 ? weight(word.lower) : 0;
  return sum / asked.weight_sum;
}

double score_of(const SentenceFeatures& features) {
  double score = 0;
  for (size_t i = 0; i < SentenceFeatures::kCount; ++i) score += kSentenceWeights[i] * features.value[i];
  return score;
}

double logistic(const QuestionFeatures& features, const double* weights, double bias) {
  double logit = bias;
  for (size_t i = 0; i < QuestionFeatures::kCount; ++i) logit += weights[i] * features.value[i];
  return 1 / (1 + std::exp(-logit));
}

// What is embedded of a candidate: where a heading or the names of columns say what it is about, they go in front.
std::string embedded_text(const Candidate& candidate, const Source& source) {
  const size_t last = source.heading.rfind(" > ");
  const std::string tail = last == std::string::npos ? source.heading : source.heading.substr(last + 3);
  const std::string text = candidate.header_text.empty() ? candidate.text : candidate.header_text + "\n" + candidate.text;
  return tail.empty() ? text : tail + ": " + text;
}

// Indexes of the quotable candidates, thinned out to `most` by the share of the question's words in and around them.
std::vector<size_t> thinned(const std::vector<Candidate>& all, const std::vector<Source>& sources, const Asked& asked, size_t most) {
  std::vector<std::pair<double, size_t>> cheap;
  for (size_t i = 0; i < all.size(); ++i) {
    if (!all[i].quotable) continue;
    const double rank = 1.0 / (1.0 + static_cast<double>(all[i].source));
    cheap.emplace_back(-(covered(asked, all[i].stems) + covered(asked, nearby_stems(all, i, sources[all[i].source])) + rank), i);
  }
  std::sort(cheap.begin(), cheap.end());
  if (cheap.size() > most) cheap.resize(most);
  std::vector<size_t> out;
  for (const auto& [score, index] : cheap) out.push_back(index);
  return out;
}

SentenceFeatures features_of(const std::vector<Candidate>& all, size_t at, const Source& source, const Asked& asked, double cosine) {
  using F = SentenceFeatures;
  const Candidate& candidate = all[at];
  F out;
  out.value[F::kCosine] = cosine;
  out.value[F::kCovered] = covered(asked, candidate.stems);
  out.value[F::kCoveredNearby] = covered(asked, nearby_stems(all, at, source));
  out.value[F::kHoldsKind] = holds_kind(asked.kind, candidate.words, asked.stems) ? 1 : 0;
  out.value[F::kRank] = 1.0 / (1.0 + static_cast<double>(candidate.source));
  out.value[F::kSelfContained] = out.value[F::kCovered] >= out.value[F::kCoveredNearby] - 1e-9 ? 1 : 0;
  out.value[F::kLength] = std::min<double>(static_cast<double>(candidate.text.size()), 400) / 400;
  return out;
}

// Counts what the best sentence and its surroundings leave unsaid of the question.
void measure_missing(const Asked& asked, const std::set<std::string>& sentence, const std::set<std::string>& nearby, QuestionFeatures* out) {
  using F = QuestionFeatures;
  for (const Word& word : asked.content) {
    const bool name = word.capital && !word.opens;
    out->value[F::kNames] += name ? 1 : 0;
    if (sentence.count(word.stem) == 0 && name) out->value[F::kNamesMissing] += 1;
    if (nearby.count(word.stem) != 0) continue;
    if (name) out->value[F::kNamesMissingNearby] += 1;
    if (word.number) out->value[F::kNumbersMissing] += 1;
    out->value[F::kRarestMissing] = std::max(out->value[F::kRarestMissing], weight(word.lower));
  }
}

QuestionFeatures question_features(const Asked& asked, const std::vector<Candidate>& all, size_t best_candidate, const std::vector<Quote>& ranked,
                                   const std::vector<Source>& sources) {
  using F = QuestionFeatures;
  using S = SentenceFeatures;
  F out;
  const Quote& best = ranked.front();
  double covered_max = 0;
  for (const Quote& quote : ranked) {
    out.value[F::kCosineMax] = std::max(out.value[F::kCosineMax], quote.cosine);
    covered_max = std::max(covered_max, quote.features.value[S::kCovered]);
  }
  out.value[F::kCosineBest] = best.cosine;
  out.value[F::kNegated] = asked.negated ? 1 : 0;
  out.value[F::kWords] = static_cast<double>(asked.content.size()) / 10;
  out.value[F::kHoldsKind] = best.features.value[S::kHoldsKind];
  out.value[F::kAsksReason] = asked.kind == Asks::kReason ? 1 : 0;
  out.value[F::kAsksManner] = asked.kind == Asks::kManner ? 1 : 0;
  out.value[F::kAgreement] = (best.cosine >= out.value[F::kCosineMax] ? 1 : 0) + (best.features.value[S::kCovered] >= covered_max ? 1 : 0);
  out.value[F::kCoveredNearby] = best.features.value[S::kCoveredNearby];
  measure_missing(asked, all[best_candidate].stems, nearby_stems(all, best_candidate, sources[best.source]), &out);
  return out;
}

// A sentence that ends with a colon takes along what it introduces.
void extend(Quote* quote, const std::vector<Candidate>& all, size_t at, const Source& source) {
  if (quote->text.empty() || quote->text.back() != ':') return;
  document::Range range = quote->at;
  for (int next = all[at].after; next >= 0; next = all[static_cast<size_t>(next)].after) {
    const Candidate& candidate = all[static_cast<size_t>(next)];
    if (candidate.at.end - range.begin > kQuoteBytesMax || candidate.text.front() == '#') break;
    range.end = candidate.at.end;
  }
  quote->at = range;
  quote->text = source.text.substr(range.begin - source.begin, range.end - range.begin);
}

void set_probabilities(std::vector<Quote>* ranked) {
  double sum = 0;
  for (Quote& quote : *ranked) sum += quote.probability = std::exp(quote.score - ranked->front().score);
  for (Quote& quote : *ranked) quote.probability /= sum;
}

// Joins `quote` to one of `quotes` where they touch in the same passage. Returns whether it did.
bool joined(std::vector<Quote>* quotes, const Quote& quote, const std::vector<Source>& sources) {
  for (Quote& other : *quotes) {
    if (other.source != quote.source) continue;
    const Source& source = sources[other.source];
    const document::Range range{std::min(other.at.begin, quote.at.begin), std::max(other.at.end, quote.at.end)};
    const uint32_t gap = std::max(other.at.begin, quote.at.begin) - std::min(std::max(other.at.begin, quote.at.begin), std::min(other.at.end, quote.at.end));
    const std::string between = source.text.substr(std::min(other.at.end, quote.at.end) - source.begin, gap);
    if (gap > 3 || between.find("\n\n") != std::string::npos) continue;
    other.at = range;
    other.text = source.text.substr(range.begin - source.begin, range.end - range.begin);
    other.probability += quote.probability;
    return true;
  }
  return false;
}

std::vector<Quote> chosen(const std::vector<Quote>& ranked, const std::vector<Source>& sources, const SelectOptions& options) {
  std::vector<Quote> out;
  double sum = 0;
  for (int i = 0; i < options.quotes_max && i < static_cast<int>(ranked.size()); ++i) {
    const Quote& quote = ranked[static_cast<size_t>(i)];
    if (i > 0 && (sum >= options.enough || quote.probability < kProbabilityLeast)) break;
    sum += quote.probability;
    if (!joined(&out, quote, sources)) out.push_back(quote);
  }
  return out;
}

}  // namespace

// The vectors of sentences seen last, by their text.
class Selector::Vectors {
 public:
  explicit Vectors(model::Embedder& embedder) : embedder_(embedder) {}

  // One vector per text, in order; those not at hand are embedded in one batch.
  Result<std::vector<std::vector<float>>> get(const Context& context, const std::vector<std::string>& texts) {
    std::vector<std::vector<float>> out(texts.size());
    std::vector<size_t> missing;
    {
      std::lock_guard lock(mutex_);
      for (size_t i = 0; i < texts.size(); ++i) {
        const auto found = by_text_.find(texts[i]);
        if (found == by_text_.end()) missing.push_back(i);
        else out[i] = touch(found->second);
      }
    }
    if (missing.empty()) return out;
    model::EmbedRequest request{.query = true};
    for (size_t i : missing) request.texts.push_back(texts[i]);
    TRY_ASSIGN(std::vector<model::Embedding> embedded, embedder_.embed(context, std::move(request)));
    if (embedded.size() != missing.size()) return internal_error("the embedder gave another number of vectors than texts");
    std::lock_guard lock(mutex_);
    for (size_t k = 0; k < missing.size(); ++k) {
      out[missing[k]] = embedded[k].vector;
      keep(texts[missing[k]], std::move(embedded[k].vector));
    }
    return out;
  }

 private:
  using Entry = std::pair<std::string, std::vector<float>>;
  const std::vector<float>& touch(std::list<Entry>::iterator at) {
    entries_.splice(entries_.begin(), entries_, at);
    return at->second;
  }
  void keep(const std::string& text, std::vector<float> vector) {
    if (by_text_.count(text) != 0) return;
    entries_.emplace_front(text, std::move(vector));
    by_text_[text] = entries_.begin();
    if (entries_.size() <= kVectorsMax) return;
    by_text_.erase(entries_.back().first);
    entries_.pop_back();
  }

  model::Embedder& embedder_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_text_;
};

Selector::Selector(model::Embedder& embedder) : vectors_(std::make_unique<Vectors>(embedder)) {}
Selector::~Selector() = default;

Result<Evidence> Selector::select(const Context& context, const std::string& question, const std::vector<Source>& sources, const SelectOptions& options) {
  TRY(context.check());
  const Asked asked = read_question(question);
  const std::vector<Candidate> all = candidates_of(sources, static_cast<size_t>(std::max(0, options.sources_max)));
  const std::vector<size_t> picked = thinned(all, sources, asked, static_cast<size_t>(std::max(1, options.candidates_max)));
  Evidence out;
  if (picked.empty()) return out;

  std::vector<std::string> texts = {question};
  for (size_t i : picked) texts.push_back(embedded_text(all[i], sources[all[i].source]));
  TRY_ASSIGN(auto vectors, vectors_->get(context, texts));
  std::vector<std::pair<Quote, size_t>> scored;
  for (size_t k = 0; k < picked.size(); ++k) {
    const Candidate& candidate = all[picked[k]];
    Quote quote{.source = candidate.source,
                .at = candidate.at,
                .text = candidate.text,
                .header = candidate.header,
                .header_text = candidate.header_text,
                .cosine = dot(vectors[0], vectors[k + 1])};
    quote.features = features_of(all, picked[k], sources[candidate.source], asked, quote.cosine);
    quote.score = score_of(quote.features);
    extend(&quote, all, picked[k], sources[candidate.source]);
    scored.emplace_back(std::move(quote), picked[k]);
  }
  std::stable_sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) { return a.first.score > b.first.score; });
  const size_t best = scored.front().second;
  for (auto& [quote, index] : scored) out.ranked.push_back(std::move(quote));
  set_probabilities(&out.ranked);
  out.features = question_features(asked, all, best, out.ranked, sources);
  out.on_topic = logistic(out.features, kTopicWeights, kTopicBias);
  out.confidence = out.on_topic * logistic(out.features, kAnswerWeights, kAnswerBias);
  out.sufficient = options.threshold < 0 ? out.on_topic >= kTopicThreshold && out.confidence >= kConfidenceThreshold : out.confidence >= options.threshold;
  out.quotes = chosen(out.ranked, sources, options);
  return out;
}

std::vector<Source> sources_of(const std::vector<retrieve::Hit>& hits) {
  std::vector<Source> out;
  for (const retrieve::Hit& hit : hits) {
    out.push_back({.chunk_id = hit.chunk.id,
                   .document_id = hit.chunk.document_id,
                   .title = hit.title,
                   .heading = hit.heading,
                   .text = hit.chunk.text,
                   .begin = hit.chunk.chunk.at.begin});
  }
  return out;
}

}  // namespace strata::ground
