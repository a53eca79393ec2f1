// Our side of bench/grounding: grounded answers over SQuAD's paragraphs with the default models. Reads the cases that
// tools/fixtures/ground_cases.py makes and prints one JSON object a line.
//   strata_grounding_bench CASES.json [--models DIR] [--quick] [--dump FILE] [--generate N] [--rerank]
//     [--only claims|answers|dialogues|latency|generation|calibration] [--calibration FILE]
// --dump writes the features of every question and candidate: the input of tools/fixtures/ground_fit.py.
// --calibration writes raw confidence and whether the answer was right, of every question: the input of answer_calibration.py there.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "knowledge/chunk/chunk.h"
#include "knowledge/ground/ground.h"
#include "knowledge/index/index.h"
#include "knowledge/retrieve/retrieve.h"
#include "model/engine/engine.h"
#include "orchestration/answer/answer.h"

namespace strata {
namespace {

const Context kContext = Context::background();

template <class T>
T must(Result<T> result, const char* what) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s: %s\n", what, result.error().message.c_str());
  std::exit(1);
}
void must(Status status, const char* what) {
  if (status) return;
  std::fprintf(stderr, "%s: %s\n", what, status.error().message.c_str());
  std::exit(1);
}

std::string text_of(const Json& json, std::string_view key) { return must(json[key].to_string(key), "cases"); }
std::vector<std::string> texts_of(const Json& json, std::string_view key) {
  std::vector<std::string> out;
  if (const Json::Array* array = json[key].as_array()) {
    for (const Json& item : *array) out.push_back(must(item.to_string(key), "cases"));
  }
  return out;
}
int64_t int_of(const Json& json, std::string_view key) { return must(json[key].to_int(key), "cases"); }

std::string folded(std::string_view text) {
  std::string out;
  for (char c : ascii_lower(text)) {
    if (c != ' ' && c != '\n') out += c;
    else if (!out.empty() && out.back() != ' ') out += ' ';
  }
  return out;
}
bool holds_any(std::string_view text, const std::vector<std::string>& answers) {
  const std::string plain = folded(text);
  return std::any_of(answers.begin(), answers.end(), [&](const std::string& answer) { return plain.find(folded(answer)) != std::string::npos; });
}

// Area under the ROC curve: how often a positive outranks a negative.
double auc(const std::vector<double>& positive, const std::vector<double>& negative) {
  double wins = 0;
  for (double p : positive) {
    for (double n : negative) wins += p > n ? 1 : p == n ? 0.5 : 0;
  }
  return wins / (static_cast<double>(positive.size()) * static_cast<double>(negative.size()));
}
double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(q * static_cast<double>(values.size())))];
}
double share_below(const std::vector<double>& values, double limit) {
  return static_cast<double>(std::count_if(values.begin(), values.end(), [&](double v) { return v < limit; })) /
         static_cast<double>(std::max<size_t>(1, values.size()));
}

void row(const std::string& name, double ours, double peer, const std::string& peer_name, const std::string& unit, double bar = -1,
         bool less_is_better = false) {
  Json out = Json::object({{"name", "grounding/" + name}, {"ours", ours}, {"peer", peer}, {"peer_name", peer_name}, {"unit", unit}});
  out.set("ratio", peer == 0 || ours == 0 ? Json(nullptr) : Json(less_is_better ? peer / ours : ours / peer));
  if (bar >= 0) {
    out.set("bar", bar);
    out.set("met", less_is_better ? ours <= bar : ours >= bar);
  }
  std::printf("%s\n", out.dump().c_str());
  std::fflush(stdout);
}

// Every paragraph is a document without headings, cut as ingestion cuts it.
class Corpus {
 public:
  Corpus(const Json& cases, model::Embedder& embedder) {
    const Json::Array& paragraphs = *cases["paragraphs"].as_array();
    std::vector<index::Entry> entries;
    for (size_t p = 0; p < paragraphs.size(); ++p) {
      document::Document document;
      document.text = text_of(paragraphs[p], "text");
      document.title = text_of(paragraphs[p], "title");
      document.blocks = {{.at = {0, static_cast<uint32_t>(document.text.size())}}};
      for (const chunk::Chunk& chunk : chunk::split(document, {}, [&](std::string_view t) { return must(embedder.count_tokens(t), "count"); })) {
        catalog::ChunkRow row;
        row.id = static_cast<int64_t>(rows_.size()) + 1;
        row.document_id = "doc_" + std::to_string(p);
        row.base_id = "base";
        row.title = row.filename = document.title;
        row.chunk = chunk;
        row.text = document.text.substr(chunk.at.begin, chunk.at.end - chunk.at.begin);
        indexed_.push_back(chunk::indexed_text(document, chunk));
        rows_.push_back(std::move(row));
        article_.push_back(int_of(paragraphs[p], "article"));
      }
    }
    embed(embedder);
    for (const auto& row : rows_) {
      entries.push_back({.id = row.id, .base_id = row.base_id, .document_id = row.document_id, .title = row.title, .text = row.text, .vector = row.vector});
    }
    must(index_.add(std::move(entries)), "index");
  }

  index::Index& index() { return index_; }
  int64_t article(const retrieve::Hit& hit) const { return article_[static_cast<size_t>(hit.chunk.id - 1)]; }
  retrieve::Library library() {
    return {.chunks = [this](const Context&, const std::vector<int64_t>& ids) -> Result<std::vector<catalog::ChunkRow>> {
              std::vector<catalog::ChunkRow> out;
              for (int64_t id : ids) out.push_back(rows_[static_cast<size_t>(id - 1)]);
              return out;
            },
            .document = [](const Context&, const std::string& id) -> Result<catalog::DocumentRow> { return not_found("no document " + id); }};
  }

 private:
  void embed(model::Embedder& embedder) {
    constexpr size_t kBatch = 32;
    for (size_t from = 0; from < rows_.size(); from += kBatch) {
      model::EmbedRequest request;
      for (size_t i = from; i < std::min(rows_.size(), from + kBatch); ++i) request.texts.push_back(indexed_[i]);
      auto vectors = must(embedder.embed(kContext, std::move(request)), "embed");
      for (size_t k = 0; k < vectors.size(); ++k) rows_[from + k].vector = std::move(vectors[k].vector);
    }
  }
  std::vector<catalog::ChunkRow> rows_;
  std::vector<std::string> indexed_;
  std::vector<int64_t> article_;
  index::Index index_;
};

class Recorder : public answer::Sink {
 public:
  void on_text(const std::string&, const std::vector<answer::Citation>&) override {}
  void on_done(Result<answer::Answer> result) override { answer_ = must(std::move(result), "answer"); }
  answer::Answer answer_;
};

struct Bench {
  model::Embedder& embedder;
  model::LanguageModel* language;
  Corpus& corpus;
  retrieve::Retriever retriever{corpus.library(), corpus.index(), embedder, {}};
  ground::Selector selector{embedder};
  std::ofstream dump;
  bool rerank = false;

  answer::Answerer::Library library() {
    return {.search = [this](const Context& context, const auto& queries, const auto& bases, const auto& options) {
      return retriever.search(context, queries, bases, options);
    }};
  }
  retrieve::Found search(const std::string& question, int results) {
    return must(retriever.search(kContext, {question}, {"base"}, {.results = results, .rerank = rerank}), "search");
  }
  answer::Answer ask(answer::Answerer& answerer, std::vector<model::Message> conversation, answer::Mode mode, bool generate) {
    auto recorder = std::make_shared<Recorder>();
    answer::Request request{.conversation = std::move(conversation), .base_ids = {"base"}, .mode = mode, .generate = generate, .max_tokens = 64};
    request.sampling.temperature = 0;
    request.retrieval.rerank = rerank;
    answerer.answer(kContext, std::move(request), recorder);
    return std::move(recorder->answer_);
  }
};

double cosine_max(const ground::Evidence& evidence) {
  double out = 0;
  for (const ground::Quote& quote : evidence.ranked) out = std::max(out, quote.cosine);
  return out;
}
// The trivial answer: the sentence nearest by cosine.
const ground::Quote* nearest(const ground::Evidence& evidence) {
  const ground::Quote* best = nullptr;
  for (const ground::Quote& quote : evidence.ranked) {
    if (best == nullptr || quote.cosine > best->cosine) best = &quote;
  }
  return best;
}

template <size_t N>
Json array_of(const std::array<double, N>& values) {
  Json out = Json::array();
  for (double value : values) out.push(value);
  return out;
}

void write_dump(Bench& bench, const std::string& kind, const Json* question, const ground::Evidence& evidence, const std::vector<retrieve::Hit>& hits) {
  if (!bench.dump.is_open()) return;
  const std::vector<std::string> answers = question != nullptr ? texts_of(*question, "answers") : std::vector<std::string>{};
  Json candidates = Json::array();
  for (const ground::Quote& quote : evidence.ranked) {
    const bool right_place = question != nullptr && hits[quote.source].chunk.document_id == "doc_" + std::to_string(int_of(*question, "paragraph"));
    candidates.push(Json::object(
        {{"f", array_of(quote.features.value)}, {"gold", right_place && holds_any(quote.text, answers)}, {"any", holds_any(quote.text, answers)}}));
  }
  Json line = Json::object({{"kind", kind}, {"article", question != nullptr ? (*question)["article"] : Json(-1)}, {"f", array_of(evidence.features.value)}});
  line.set("candidates", std::move(candidates));
  bench.dump << line.dump() << "\n";
}

struct Confidences {
  std::vector<double> ours, cosine;
  int refused = 0;
  double refused_share() const { return static_cast<double>(refused) / static_cast<double>(std::max<size_t>(1, ours.size())); }
  void add(const ground::Evidence& evidence) {
    refused += evidence.sufficient ? 0 : 1;
    ours.push_back(evidence.confidence);
    cosine.push_back(cosine_max(evidence));
  }
};

// Answers, refusals and the AUC, on all questions.
void measure_answers(Bench& bench, const Json& cases, size_t step) {
  const Json::Array& questions = *cases["questions"].as_array();
  Confidences answerable, adversarial, elsewhere, held_out;
  int right = 0, right_nearest = 0, answered = 0, asked = 0, quotes = 0;
  for (size_t i = 0; i < questions.size(); i += step) {
    const std::vector<std::string> answers = texts_of(questions[i], "answers");
    const std::string question = text_of(questions[i], "q");
    const retrieve::Found found = bench.search(question, 10);
    const ground::Evidence evidence = must(bench.selector.select(kContext, question, ground::sources_of(found.hits)), "select");
    write_dump(bench, answers.empty() ? "adversarial" : "answerable", &questions[i], evidence, found.hits);
    (answers.empty() ? adversarial : answerable).add(evidence);
    if (!answers.empty()) {
      ++asked;
      std::string text;
      for (const ground::Quote& quote : evidence.quotes) text += quote.text + "\n";
      right += evidence.sufficient && holds_any(text, answers) ? 1 : 0;
      if (evidence.sufficient) ++answered, quotes += static_cast<int>(evidence.quotes.size());
      const ground::Quote* best = nearest(evidence);
      right_nearest += best != nullptr && holds_any(best->text, answers) ? 1 : 0;
    }
    if (i % 3 == 0) {  // the same question when its whole article is missing: near in style, foreign in subject
      retrieve::Found rest = bench.search(question, 40);
      const int64_t article = int_of(questions[i], "article");
      std::erase_if(rest.hits, [&](const retrieve::Hit& hit) { return bench.corpus.article(hit) == article; });
      const ground::Evidence without = must(bench.selector.select(kContext, question, ground::sources_of(rest.hits)), "select");
      write_dump(bench, "held_out", &questions[i], without, rest.hits);
      held_out.add(without);
    }
  }
  for (const Json& other : *cases["other"].as_array()) {
    const std::string question = must(other.to_string("other"), "cases");
    const retrieve::Found found = bench.search(question, 10);
    const ground::Evidence evidence = must(bench.selector.select(kContext, question, ground::sources_of(found.hits)), "select");
    write_dump(bench, "other", nullptr, evidence, found.hits);
    elsewhere.add(evidence);
  }
  const double cosine_limit = quantile(answerable.cosine, answerable.refused_share());
  row("answers/contain_gold", static_cast<double>(right) / asked, static_cast<double>(right_nearest) / asked, "sentence of the best cosine", "share", 0.85);
  row("answers/quotes", static_cast<double>(quotes) / std::max(1, answered), 1, "sentence of the best cosine", "quotes an answer");
  row("refusal/other_domains", elsewhere.refused_share(), share_below(elsewhere.cosine, cosine_limit), "best cosine, same false refusals", "share", 0.90);
  row("refusal/article_missing", held_out.refused_share(), share_below(held_out.cosine, cosine_limit), "best cosine, same false refusals", "share");
  row("refusal/false", answerable.refused_share(), share_below(answerable.cosine, cosine_limit), "best cosine", "share", 0.05, true);
  row("refusal/adversarial", adversarial.refused_share(), share_below(adversarial.cosine, cosine_limit), "best cosine, same false refusals", "share");
  row("confidence/auc_adversarial", auc(answerable.ours, adversarial.ours), auc(answerable.cosine, adversarial.cosine), "best cosine", "AUC", 0.70);
}

// Every question through the pipeline as it is served: what its raw confidence was, and whether the quotes hold a gold answer.
void measure_calibration(Bench& bench, const Json& cases, size_t step, const std::string& path) {
  answer::Answerer answerer(bench.library(), bench.embedder, nullptr);
  std::ofstream file(path);
  const Json::Array& questions = *cases["questions"].as_array();
  int answered = 0, right = 0, asked = 0;
  for (size_t i = 0; i < questions.size(); i += step) {
    const answer::Answer given = bench.ask(answerer, {{.role = "user", .content = text_of(questions[i], "q")}}, answer::Mode::kQuoteFirst, false);
    std::string quotes;
    for (const answer::Citation& citation : given.citations) quotes += citation.quote + "\n";
    const bool holds = holds_any(quotes, texts_of(questions[i], "answers"));
    ++asked;
    answered += given.outcome == answer::Outcome::kAnswered ? 1 : 0;
    right += holds ? 1 : 0;
    file << Json::object({{"article", questions[i]["article"]},
                          {"paragraph", questions[i]["paragraph"]},
                          {"answerable", !texts_of(questions[i], "answers").empty()},
                          {"answered", given.outcome == answer::Outcome::kAnswered},
                          {"raw", given.raw_confidence},
                          {"right", holds}})
                .dump()
         << "\n";
  }
  row("calibration/answered", static_cast<double>(answered) / asked, 0, "none", "share");
  row("calibration/right_of_answered", static_cast<double>(right) / std::max(1, answered), 0, "none", "share");
}

void measure_claims(const Json& cases) {
  std::map<std::string, std::pair<int, int>> passed;  // kind → passed, all
  int false_passed = 0, false_all = 0, true_passed = 0, true_all = 0, peer_false = 0, peer_true = 0;
  for (const Json& claim : *cases["claims"].as_array()) {
    const std::string sentence = text_of(claim, "sentence"), evidence = text_of(claim, "evidence"), kind = text_of(claim, "kind");
    const ground::Claim verdict = ground::verify(sentence, {evidence});
    const bool is_true = *claim["true"].as_bool();
    const bool covered = verdict.score >= 0.9;  // the trivial check: nine tenths of its words are there
    passed[kind].first += verdict.supported ? 1 : 0;
    passed[kind].second += 1;
    (is_true ? true_passed : false_passed) += verdict.supported ? 1 : 0;
    (is_true ? peer_true : peer_false) += covered ? 1 : 0;
    ++(is_true ? true_all : false_all);
    if (std::getenv("STRATA_BENCH_VERBOSE") != nullptr && verdict.supported != is_true) {
      std::fprintf(stderr, "%s %s: %s (%s)\n", is_true ? "dropped" : "PASSED", kind.c_str(), sentence.c_str(), verdict.reason.c_str());
    }
  }
  row("verify/changed_pass", static_cast<double>(false_passed) / std::max(1, false_all), static_cast<double>(peer_false) / std::max(1, false_all),
      "word coverage", "share", 0.05, true);
  row("verify/true_pass", static_cast<double>(true_passed) / std::max(1, true_all), static_cast<double>(peer_true) / std::max(1, true_all), "word coverage",
      "share", 0.90);
  for (const auto& [kind, count] : passed) {
    row("verify/pass/" + kind, static_cast<double>(count.first) / count.second, 0, "", "share");
  }
}

void measure_dialogues(Bench& bench, const Json& cases) {
  answer::Answerer answerer(bench.library(), bench.embedder, nullptr);
  int carried = 0, alone = 0, raw = 0, all = 0;
  for (const Json& dialogue : *cases["dialogues"].as_array()) {
    const std::vector<std::string> answers = texts_of(dialogue, "answers");
    const model::Message second{.role = "user", .content = text_of(dialogue, "second")};
    const answer::Answer first = bench.ask(answerer, {{.role = "user", .content = text_of(dialogue, "first")}}, answer::Mode::kQuoteFirst, false);
    const answer::Answer followed =
        bench.ask(answerer, {{.role = "user", .content = text_of(dialogue, "first")}, {.role = "assistant", .content = first.text}, second},
                  answer::Mode::kQuoteFirst, false);
    const answer::Answer whole = bench.ask(answerer, {{.role = "user", .content = text_of(dialogue, "standalone")}}, answer::Mode::kQuoteFirst, false);
    const answer::Answer bare = bench.ask(answerer, {second}, answer::Mode::kQuoteFirst, false);
    carried += holds_any(followed.text, answers) ? 1 : 0;
    alone += holds_any(whole.text, answers) ? 1 : 0;
    raw += holds_any(bare.text, answers) ? 1 : 0;
    ++all;
    if (std::getenv("STRATA_BENCH_VERBOSE") != nullptr && holds_any(whole.text, answers) && !holds_any(followed.text, answers)) {
      std::fprintf(stderr, "follow-up lost: %s | %s -> %s\n", text_of(dialogue, "first").c_str(), second.content.c_str(), followed.standalone_question.c_str());
    }
  }
  row("dialogue/second_answer_right", static_cast<double>(carried) / all, static_cast<double>(alone) / all, "the stand-alone question", "share",
      static_cast<double>(alone) / all - 0.05);
  row("dialogue/without_carry_over", static_cast<double>(raw) / all, static_cast<double>(alone) / all, "the stand-alone question", "share");
}

// A fresh Answerer and Retriever per question: nothing is cached, as for the first question about a passage.
void measure_latency(Bench& bench, const Json& cases, size_t count) {
  const Json::Array& questions = *cases["questions"].as_array();
  std::vector<double> cold, warm;
  for (size_t i = 0; i < count; ++i) {
    const std::string question = text_of(questions[i * 37 % questions.size()], "q");
    retrieve::Retriever retriever(bench.corpus.library(), bench.corpus.index(), bench.embedder, {});
    answer::Answerer answerer({.search = [&](const Context& c, const auto& q, const auto& b, const auto& o) { return retriever.search(c, q, b, o); }},
                              bench.embedder, nullptr);
    cold.push_back(bench.ask(answerer, {{.role = "user", .content = question}}, answer::Mode::kQuoteFirst, false).first_text_ms);
    warm.push_back(bench.ask(answerer, {{.role = "user", .content = question}}, answer::Mode::kQuoteFirst, false).first_text_ms);
  }
  row("latency/first_quote_cold_p50", quantile(cold, 0.5), 300, "bar", "ms", 300, true);
  row("latency/first_quote_cold_p95", quantile(cold, 0.95), 300, "bar", "ms", -1, true);
  row("latency/first_quote_warm_p50", quantile(warm, 0.5), 300, "bar", "ms", 300, true);
}

// The same columns for free generation by the default model: the classic loop, no threshold, no check.
void measure_generation(Bench& bench, const Json& cases, size_t count) {
  if (bench.language == nullptr || count == 0) return;
  answer::Answerer answerer(bench.library(), bench.embedder, bench.language);
  const Json::Array& questions = *cases["questions"].as_array();
  const Json::Array& others = *cases["other"].as_array();
  int right = 0, asked = 0, refused = 0, foreign = 0, sentences = 0, false_sentences = 0, added = 0, added_right = 0;
  std::vector<double> first_ms, total_ms;
  const auto says_no = [](const std::string& text) {
    return holds_any(text, {"do not say", "does not say", "don't say", "do not answer", "not provide", "no information", "not mention", "cannot answer"});
  };
  for (size_t i = 0; i < questions.size() && asked < static_cast<int>(count); i += 23) {
    const std::vector<std::string> answers = texts_of(questions[i], "answers");
    if (answers.empty()) continue;
    ++asked;
    const std::vector<model::Message> conversation = {{.role = "user", .content = text_of(questions[i], "q")}};
    const answer::Answer classic = bench.ask(answerer, conversation, answer::Mode::kClassic, true);
    right += holds_any(classic.text, answers) ? 1 : 0;
    first_ms.push_back(classic.first_text_ms);
    total_ms.push_back(classic.total_ms);
    for (const answer::Verdict& verdict : classic.verdicts) ++sentences, false_sentences += verdict.supported ? 0 : 1;
    const answer::Answer quoted = bench.ask(answerer, conversation, answer::Mode::kQuoteFirst, true);
    for (const answer::Verdict& verdict : quoted.verdicts) {
      if (verdict.kind == answer::SentenceKind::kGenerated && verdict.supported) ++added, added_right += holds_any(quoted.text, answers) ? 1 : 0;
    }
  }
  for (size_t i = 0; i < others.size() && foreign < static_cast<int>(count); i += std::max<size_t>(1, others.size() / count)) {
    ++foreign;
    refused +=
        says_no(bench.ask(answerer, {{.role = "user", .content = must(others[i].to_string("other"), "cases")}}, answer::Mode::kClassic, true).text) ? 1 : 0;
  }
  const std::string peer = "none";
  row("generation/contain_gold", static_cast<double>(right) / asked, 0, peer, "share");
  row("generation/refusal_other_domains", static_cast<double>(refused) / foreign, 0, peer, "share");
  row("generation/unsupported_sentences", static_cast<double>(false_sentences) / std::max(1, sentences), 0, peer, "share");
  row("generation/verified_sentences_added", static_cast<double>(added) / asked, 0, peer, "sentences an answer");
  row("generation/latency_first_p50", quantile(first_ms, 0.5), 0, peer, "ms");
  row("generation/latency_total_p50", quantile(total_ms, 0.5), 0, peer, "ms");
}

int run(int argc, char** argv) {
  std::string path, models = std::string(std::getenv("HOME") != nullptr ? std::getenv("HOME") : ".") + "/.cache/strata/models", dump, calibration;
  if (const char* set = std::getenv("STRATA_MODELS")) models = set;
  bool quick = false, rerank = false;
  size_t generate = 40;
  std::string only;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg == "--models" && i + 1 < argc) models = argv[++i];
    else if (arg == "--dump" && i + 1 < argc) dump = argv[++i];
    else if (arg == "--calibration" && i + 1 < argc) calibration = argv[++i];
    else if (arg == "--generate" && i + 1 < argc) generate = static_cast<size_t>(std::atoi(argv[++i]));
    else if (arg == "--only" && i + 1 < argc) only = argv[++i];
    else if (arg == "--quick") quick = true;
    else if (arg == "--rerank") rerank = true;
    else path = arg;
  }
  log::set_level(log::Level::kWarning);
  std::ifstream file(path);
  const Json cases = must(Json::parse(std::string(std::istreambuf_iterator<char>(file), {})), "cases");
  if (only.empty() || only == "claims") measure_claims(cases);
  if (only == "claims") return 0;

  auto engine = must(engine::Engine::make({}), "engine");
  model::Embedder* embedder = must(engine->load_embedder(models + "/all-minilm-l6-v2", "all-minilm-l6-v2"), "embedder");
  const bool with_language = generate > 0 && (only.empty() || only == "generation");
  model::LanguageModel* language =
      with_language ? must(engine->load_language_model(models + "/smollm2-135m-instruct/model.gguf", "smollm2-135m-instruct"), "model") : nullptr;
  Corpus corpus(cases, *embedder);
  Bench bench{.embedder = *embedder, .language = language, .corpus = corpus, .rerank = rerank};
  if (!dump.empty()) bench.dump.open(dump);
  if (only.empty() || only == "answers") measure_answers(bench, cases, quick ? 6 : 1);
  if (!calibration.empty()) measure_calibration(bench, cases, quick ? 6 : 1, calibration);
  if (only.empty() || only == "dialogues") measure_dialogues(bench, cases);
  if (only.empty() || only == "latency") measure_latency(bench, cases, quick ? 20 : 60);
  if (with_language) measure_generation(bench, cases, quick ? std::min<size_t>(6, generate) : generate);
  return 0;
}

}  // namespace
}  // namespace strata

int main(int argc, char** argv) { return strata::run(argc, argv); }
