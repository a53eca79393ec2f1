// Behind bench/trace: what a span costs. Trees as a chat makes them (a root, four children, one of them a model call with thirteen attributes)
// go through the real observer into a telemetry.db. Prints one JSON object a line.
//
//   request_path  CPU of the thread that makes and ends the spans, a span: what a request pays
//   whole         CPU of the whole process, a span, redaction and storing in batches included: the bar of 50 µs
//   stored        spans a second that reach the database
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>

#include "base/json.h"
#include "base/random.h"
#include "infra/observe/observe.h"
#include "orchestration/guard/guard.h"

namespace strata {
namespace {

double cpu_us(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

void model_call(const Context& context, bool content) {
  Span span(context, "chat smollm2-135m-instruct");
  span.set("gen_ai.operation.name", "chat");
  span.set("gen_ai.provider.name", "strata");
  span.set("gen_ai.request.model", "smollm2-135m-instruct");
  span.set("gen_ai.request.max_tokens", 256);
  span.set("gen_ai.request.temperature", 0.7);
  span.set("gen_ai.request.top_p", 0.95);
  span.set("gen_ai.request.seed", int64_t{12345678901});
  span.set("gen_ai.output.type", "text");
  span.set("gen_ai.response.finish_reasons", std::vector<std::string>{"stop"});
  span.set("gen_ai.response.time_to_first_chunk", 0.12);
  span.set("gen_ai.usage.input_tokens", 812);
  span.set("gen_ai.usage.cache_read.input_tokens", 512);
  span.set("gen_ai.usage.output_tokens", 96);
  if (!content) return;
  const std::string prompt(2'000, 'p'), answer(400, 'a');
  span.content("gen_ai.input.messages", Json::array({Json::object({{"role", "user"}, {"content", prompt}})}).dump());
  span.content("gen_ai.output.messages", Json::array({Json::object({{"role", "assistant"}, {"content", answer}})}).dump());
}

void one_request(const std::shared_ptr<SpanSink>& sink, const Context& background, bool content) {
  Span root = Span::root(sink, system_clock(), "POST /v1/chat/completions", SpanKind::kServer);
  root.set("http.request.method", "POST");
  root.set("http.route", "/v1/chat/completions");
  root.set("http.response.status_code", 200);
  const Context context = root.in(background);
  for (const char* name : {"guard input", "retrieval", "ground select"}) {
    Span span(context, name);
    span.set("strata.candidates", 100);
  }
  model_call(context, content);
}

int measure(const char* name, int requests, bool content) {
  const auto folder = std::filesystem::temp_directory_path() / make_id("trace-bench");
  auto store = store::Store::open(folder.string(), observe::Observer::migrations());
  if (!store) return std::fprintf(stderr, "%s\n", store.error().message.c_str()), 1;
  observe::Observer::Parts parts;
  parts.store = store->get();
  parts.clock = &system_clock();
  parts.path = (folder / "telemetry.db").string();
  parts.redact = [](std::string_view text) { return guard::mask_pii(text).text; };
  parts.settings.content = content;
  auto observer = observe::Observer::open(std::move(parts));
  if (!observer) return std::fprintf(stderr, "%s\n", observer.error().message.c_str()), 1;
  const Context background = Context::background();
  constexpr int kSpansEach = 5, kBurst = 200;
  double path = 0;
  const double begin_all = cpu_us(CLOCK_PROCESS_CPUTIME_ID), begin_wall = cpu_us(CLOCK_MONOTONIC);
  for (int done = 0; done < requests; done += kBurst) {
    const double begin = cpu_us(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < kBurst; ++i) one_request((*observer)->sink(), background, content);
    path += cpu_us(CLOCK_THREAD_CPUTIME_ID) - begin;
    (*observer)->flush();
  }
  const double spans = static_cast<double>(requests) * kSpansEach;
  const double whole = (cpu_us(CLOCK_PROCESS_CPUTIME_ID) - begin_all) / spans, wall_s = (cpu_us(CLOCK_MONOTONIC) - begin_wall) / 1e6;
  const auto row = [&](const std::string& what, double ours, const char* unit, Json bar, Json met) {
    std::printf("%s\n", Json::object({{"name", "trace/" + std::string(name) + "/" + what},
                                      {"ours", ours},
                                      {"peer", nullptr},
                                      {"peer_name", "none"},
                                      {"unit", unit},
                                      {"ratio", nullptr},
                                      {"limit_share", nullptr},
                                      {"bar", std::move(bar)},
                                      {"met", std::move(met)}})
                            .dump()
                            .c_str());
  };
  row("request_path", path / spans, "us CPU a span", 50, path / spans <= 50);
  row("whole", whole, "us CPU a span", 50, whole <= 50);
  row("stored", static_cast<double>((*observer)->stats().stored) / wall_s, "spans/s", nullptr, nullptr);
  row("dropped", static_cast<double>((*observer)->stats().dropped), "spans", 0, (*observer)->stats().dropped == 0);
  observer->reset();
  store->reset();
  std::filesystem::remove_all(folder);
  return whole <= 50 ? 0 : 1;
}

}  // namespace
}  // namespace strata

int main(int argc, char** argv) {
  const int requests = argc > 1 ? std::atoi(argv[1]) : 20'000;
  const int plain = strata::measure("spans", requests, false), content = strata::measure("with_content", requests, true);
  return plain || content;
}
