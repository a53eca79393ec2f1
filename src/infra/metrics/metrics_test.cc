#include "infra/metrics/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

namespace strata::metrics {
namespace {

TEST(Metrics, TheTextIsPrometheusFormat) {
  auto registry = Registry::make();
  registry->counter("vllm:request_success_total", "Finished requests.", {{"finished_reason", "stop"}, {"model_name", "a\"b\\c\nd"}}).add(3);
  registry->gauge("strata_up", "Back\\slash\nline").set(1.5);
  auto& histogram = registry->histogram("ttft_seconds", "", {0.1, 1}, {{"m", "x"}});
  for (double value : {0.05, 0.1, 0.5, 2.0}) histogram.observe(value);
  EXPECT_EQ(registry->text(),
            "# HELP strata_up Back\\\\slash\\nline\n"
            "# TYPE strata_up gauge\n"
            "strata_up 1.5\n"
            "# TYPE ttft_seconds histogram\n"
            "ttft_seconds_bucket{m=\"x\",le=\"0.1\"} 2\n"
            "ttft_seconds_bucket{m=\"x\",le=\"1\"} 3\n"
            "ttft_seconds_bucket{m=\"x\",le=\"+Inf\"} 4\n"
            "ttft_seconds_sum{m=\"x\"} 2.65\n"
            "ttft_seconds_count{m=\"x\"} 4\n"
            "# HELP vllm:request_success_total Finished requests.\n"
            "# TYPE vllm:request_success_total counter\n"
            "vllm:request_success_total{finished_reason=\"stop\",model_name=\"a\\\"b\\\\c\\nd\"} 3\n");
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameSeries) {
  auto registry = Registry::make();
  auto& first = registry->counter("a_total", "x", {{"k", "1"}});
  EXPECT_EQ(&first, &registry->counter("a_total", "x", {{"k", "1"}}));
  EXPECT_NE(&first, &registry->counter("a_total", "x", {{"k", "2"}}));
}

TEST(Metrics, ACounterNeverFalls) {
  auto registry = Registry::make();
  auto& counter = registry->counter("a_total", "");
  counter.add(2);
  counter.add(-5);
  counter.add(NAN);
  EXPECT_EQ(counter.value(), 2);
}

TEST(Metrics, OddNumbersArePrintedAsTheFormatWantsThem) {
  auto registry = Registry::make();
  registry->gauge("a", "").set(INFINITY);
  registry->gauge("b", "").set(-INFINITY);
  registry->gauge("c", "").set(NAN);
  registry->gauge("d", "").set(1e300);
  EXPECT_EQ(registry->text(), "# TYPE a gauge\na +Inf\n# TYPE b gauge\nb -Inf\n# TYPE c gauge\nc NaN\n# TYPE d gauge\nd 1e+300\n");
}

TEST(Metrics, NoUpdateIsLostAmongThreads) {
  auto registry = Registry::make();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        registry->counter("n_total", "").add();
        registry->histogram("h", "", {1.0}).observe(i % 2 ? 0.5 : 1.5);
        registry->gauge("g", "").add(i % 2 ? 1 : -1);
        if (i % 5000 == 0) (void)registry->text();
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(registry->counter("n_total", "").value(), 80'000);
  EXPECT_NE(registry->text().find("h_bucket{le=\"1\"} 40000\n"), std::string::npos);
  EXPECT_EQ(registry->gauge("g", "").value(), 0);
  EXPECT_NE(registry->text().find("h_sum 80000\n"), std::string::npos);
}

TEST(MetricsDeathTest, AnInvalidNameIsADefect) {
  auto registry = Registry::make();
  EXPECT_DEATH(registry->counter("a b", ""), "valid_name");
  registry->counter("a", "");
  EXPECT_DEATH(registry->gauge("a", ""), "type");
}

}  // namespace
}  // namespace strata::metrics
