#include "model/engine/pace.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace strata::engine {
namespace {

// A machine whose steps cost what they hold, and at least the reading of the weights: seconds = fixed + max(weights, each row).
struct Machine {
  double fixed = 0.003, row = 0.0007, weights = 0;
  double step(int decode, int prefill) const { return fixed + std::max(weights, row * (decode + prefill)); }
};

double read_prompt(Pace& pace, const Machine& machine, int streams, int tokens, double* longest) {
  double total = 0;
  *longest = 0;
  while (tokens > 0) {
    const int rows = std::min(tokens, pace.prefill_rows(streams, 256));
    EXPECT_GE(rows, std::min(tokens, Pace::kLeastRows));
    const double seconds = machine.step(streams, rows);
    pace.add(seconds, streams, rows);
    *longest = std::max(*longest, seconds);
    total += seconds;
    tokens -= rows;
  }
  return total;
}

TEST(PaceTest, WithoutDecodersAPromptGetsTheWholeChunk) { EXPECT_EQ(Pace().prefill_rows(0, 256), 256); }

// The plan's own time, of a prompt beside streams, and what it does to each side.
struct Slowdown {
  double streams = 0, prompt = 0;
};
Slowdown beside(const Machine& machine, int streams) {
  Pace pace;
  double longest = 0;
  const double alone = read_prompt(pace, machine, 0, 2048, &longest);
  for (int i = 0; i < 20; ++i) pace.add(machine.step(streams, 0), streams, 0);
  const double together = read_prompt(pace, machine, streams, 2048, &longest);
  return {longest / machine.step(streams, 0), together / alone};
}

TEST(PaceTest, BesideStreamsNeitherSideSlowsMoreThanTwofold) {
  for (const int streams : {1, 4, 8, 16}) {
    for (const Machine machine : {Machine{}, Machine{0.010, 0.0001}, Machine{0.0005, 0.004}}) {
      const Slowdown slowdown = beside(machine, streams);
      // At least kLeastRows move on, whatever they cost.
      const double least = machine.step(streams, Pace::kLeastRows) / machine.step(streams, 0);
      EXPECT_LE(slowdown.streams, std::max(2.1, least * 1.05)) << streams << " streams";
      EXPECT_LE(slowdown.prompt, 2.1) << streams << " streams";
    }
  }
}

TEST(PaceTest, WhereADecodeStepWaitsForItsWeightsBothSidesKeepAMargin) {
  for (const int streams : {1, 2, 4, 8}) {
    for (const Machine machine : {Machine{0.001, 0.0006, 0.008}, Machine{0.0005, 0.0003, 0.006}, Machine{0.002, 0.0007, 0.010}}) {
      const Slowdown slowdown = beside(machine, streams);
      EXPECT_LE(slowdown.streams, 1.8) << streams << " streams";
      EXPECT_LE(slowdown.prompt, 1.8) << streams << " streams";
    }
  }
}

TEST(PaceTest, ANewNumberOfStreamsIsGuessedFromItsNeighbours) {
  const Machine machine;
  Pace pace;
  for (int i = 0; i < 20; ++i) pace.add(machine.step(0, 256), 0, 256);
  for (int i = 0; i < 20; ++i) pace.add(machine.step(4, 0), 4, 0);
  const int four = pace.prefill_rows(4, 256), six = pace.prefill_rows(6, 256), two = pace.prefill_rows(2, 256);
  EXPECT_LE(two, four);
  EXPECT_GE(six, four);
  EXPECT_LE(machine.step(6, six), 2.2 * machine.step(6, 0));
}

TEST(PaceTest, AMachineThatSlowsDownIsNoticed) {
  Pace pace;
  const Machine before{0.02, 0.0007};
  for (int i = 0; i < 20; ++i) pace.add(before.step(4, 0), 4, 0), pace.add(before.step(4, 10), 4, 10);
  const int rows = pace.prefill_rows(4, 256);
  const Machine after{before.fixed, before.row * 4};
  for (int i = 0; i < 40; ++i) pace.add(after.step(4, 10), 4, 10);
  EXPECT_LT(pace.prefill_rows(4, 256), rows);
}

}  // namespace
}  // namespace strata::engine
