#include "infra/process/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

namespace strata::process {
namespace {

Command shell(const std::string& script) { return {.arguments = {"/bin/sh", "-c", script}}; }
Outcome must_run(const Command& command, std::string_view input = "") {
  Result<Outcome> outcome = run(Context::background(), command, input);
  EXPECT_TRUE(outcome.has_value()) << outcome.error().message;
  return outcome ? *outcome : Outcome{};
}
size_t open_files() {
  size_t count = 0;
  DIR* dir = opendir("/proc/self/fd");
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

TEST(Process, PassesBytesInAndOutAndTheExitCode) {
  const Outcome outcome = must_run(shell("cat; echo bad >&2; exit 7"), "hello");
  EXPECT_EQ(outcome.ending, Ending::kExited);
  EXPECT_EQ(outcome.exit_code, 7);
  EXPECT_EQ(outcome.output, "hello");
  EXPECT_EQ(outcome.errors, "bad\n");
}

TEST(Process, LargeInputAndOutputDoNotDeadlock) {
  const std::string input(20 << 20, 'x');
  EXPECT_EQ(must_run({.arguments = {"/bin/cat"}}, input).output, input);
}

TEST(Process, AChildThatDoesNotReadItsInputIsFine) {
  const std::string input(20 << 20, 'x');
  const Outcome outcome = must_run(shell("exit 3"), input);
  EXPECT_EQ(outcome.exit_code, 3);
}

TEST(Companion, TalksLineByLineAndOutlivesTheThreadThatStartedIt) {
  std::unique_ptr<Companion> cat;
  std::thread([&] { cat = std::move(*Companion::start({.arguments = {"/bin/cat"}})); }).join();
  const Context context = Context::background();
  for (const std::string line : {"one", "", "three"}) {
    ASSERT_TRUE(cat->write_line(context, line));
    EXPECT_EQ(cat->read_line(context, 100).value(), line);
  }
  EXPECT_FALSE(cat->ended());
}

TEST(Companion, SaysWhatItSaidWhenItEnds) {
  auto child = std::move(*Companion::start(shell("echo first; echo no such option >&2; exit 2")));
  const Context context = Context::background();
  EXPECT_EQ(child->read_line(context, 100).value(), "first");
  const auto gone = child->read_line(context, 100);
  EXPECT_EQ(gone.error().code, Code::kUnavailable);
  EXPECT_THAT(gone.error().message, testing::HasSubstr("no such option"));
  EXPECT_TRUE(child->ended());
}

TEST(Companion, AnEndlessLineAndAFloodOfErrorsAreBounded) {
  auto child = std::move(*Companion::start(shell("yes errors >&2 & tr '\\0' x </dev/zero")));
  EXPECT_EQ(child->read_line(Context::background(), 1 << 20).error().code, Code::kResourceExhausted);
  EXPECT_LE(child->errors().size(), Limits{}.error_bytes);
}

TEST(Companion, ASilentChildCostsItsCallersTimeOnly) {
  auto child = std::move(*Companion::start(shell("sleep 100")));
  EXPECT_EQ(child->read_line(Context::background().with_timeout_ms(50), 100).error().code, Code::kDeadlineExceeded);
}

TEST(Companion, AChildThatReadsNothingDoesNotHoldItsWriter) {
  auto child = std::move(*Companion::start(shell("sleep 100")));
  const std::string line(1 << 20, 'x');   // more than a pipe holds
  EXPECT_EQ(child->write_line(Context::background().with_timeout_ms(50), line).error().code, Code::kDeadlineExceeded);
}

TEST(Companion, LeavesNoChildAndNoFileBehind) {
  const size_t before = open_files();
  { auto child = std::move(*Companion::start(shell("sleep 100"))); }
  EXPECT_EQ(open_files(), before);
  EXPECT_FALSE(Companion::start({.arguments = {"/no/such/program"}}));
  EXPECT_EQ(open_files(), before);
}

TEST(Process, ReportsTheSignalThatEndedIt) {
  const Outcome outcome = must_run(shell("kill -SEGV $$"));
  EXPECT_EQ(outcome.ending, Ending::kSignalled);
  EXPECT_EQ(outcome.signal, SIGSEGV);
  EXPECT_EQ(signal_name(outcome.signal), "SIGSEGV");
}

TEST(Process, AMissingProgramIsNotFoundAndAFolderIsDenied) {
  EXPECT_EQ(run(Context::background(), {.arguments = {"/no/such/program"}}, "").error().code, Code::kNotFound);
  EXPECT_EQ(run(Context::background(), {.arguments = {"/tmp"}}, "").error().code, Code::kPermissionDenied);
  EXPECT_EQ(run(Context::background(), {}, "").error().code, Code::kInvalidArgument);
}

TEST(Process, TimeOutKillsTheWholeGroup) {
  Command command = shell("sleep 1000 & echo $!; wait");
  command.limits.wall_ms = 200;
  const Outcome outcome = must_run(command);
  EXPECT_EQ(outcome.ending, Ending::kTimedOut);
  const pid_t grandchild = std::stoi(outcome.output);
  // It may be a zombie of init's for a moment; it must not be running.
  for (int i = 0; i < 500 && kill(grandchild, 0) == 0; ++i) {
    std::ifstream stat("/proc/" + std::to_string(grandchild) + "/stat");
    std::stringstream text;
    text << stat.rdbuf();
    if (text.str().empty() || text.str().find(") Z ") != std::string::npos) return;
    usleep(10'000);
  }
  EXPECT_NE(kill(grandchild, 0), 0);
}

TEST(Process, AGrandchildThatHoldsThePipeDoesNotHoldUs) {
  const Outcome outcome = must_run(shell("sleep 1000 & echo done"));
  EXPECT_EQ(outcome.ending, Ending::kExited);
  EXPECT_EQ(outcome.output, "done\n");
}

TEST(Process, AFloodIsCutAndKilled) {
  Command command = shell("yes");
  command.limits.output_bytes = 100'000;
  const Outcome outcome = must_run(command);
  EXPECT_EQ(outcome.ending, Ending::kFlooded);
  EXPECT_EQ(outcome.output.size(), 100'000u);
}

TEST(Process, AFloodOfErrorsDoesNotStopTheClock) {
  Command command = shell("yes >&2");
  command.limits.wall_ms = 300;
  EXPECT_EQ(must_run(command).ending, Ending::kTimedOut);
}

TEST(Process, OfStandardErrorTheEndIsKept) {
  Command command = shell("yes | head -c 1000000 >&2; echo last >&2");
  command.limits.error_bytes = 100;
  const Outcome outcome = must_run(command);
  EXPECT_EQ(outcome.errors.size(), 100u);
  EXPECT_THAT(outcome.errors, testing::EndsWith("last\n"));
}

TEST(Process, CancellationStopsIt) {
  const Context context = Context::background();
  std::thread canceller([&] {
    usleep(100'000);
    context.cancel();
  });
  Result<Outcome> outcome = run(context, shell("sleep 1000"), "");
  canceller.join();
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->ending, Ending::kCancelled);
  EXPECT_EQ(run(context, shell("true"), "").error().code, Code::kCancelled);
}

TEST(Process, TheChildGetsNothingOfOursButThreePipes) {
  const int leak = open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  setenv("STRATA_SECRET", "x", 1);
  // The folder listing itself is the fourth.
  EXPECT_EQ(must_run({.arguments = {"/bin/ls", "/proc/self/fd"}}).output, "0\n1\n2\n3\n");
  EXPECT_EQ(must_run({.arguments = {"/usr/bin/env"}}).output, "LANG=C.UTF-8\n");
  close(leak);
}

TEST(Process, LimitsReachTheChild) {
  Command command = shell("ulimit -v; ulimit -t; ulimit -n; ulimit -c");
  command.limits.memory_bytes = 512u << 20;
  command.limits.cpu_seconds = 9;
  command.limits.open_files = 20;
  EXPECT_EQ(must_run(command).output, "524288\n9\n20\n0\n");
  Command spin = shell("while :; do :; done");
  spin.limits.cpu_seconds = 1;
  const Outcome outcome = must_run(spin);
  EXPECT_EQ(outcome.ending, Ending::kSignalled);
  EXPECT_TRUE(outcome.signal == SIGXCPU || outcome.signal == SIGKILL);
}

TEST(Process, BlockedSignalsAndHandlersAreNotInherited) {
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, &before);
  struct sigaction ignore = {}, old;
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGTERM, &ignore, &old);
  const Outcome outcome = must_run(shell("kill -TERM $$; echo alive"));
  sigaction(SIGTERM, &old, nullptr);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(outcome.signal, SIGTERM);
}

TEST(Process, NoFileDescriptorsLeakAndManyThreadsMayRun) {
  must_run(shell("true"));
  const size_t before = open_files();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 20; ++i) EXPECT_EQ(must_run({.arguments = {"/bin/cat"}}, std::to_string(t * 100 + i)).output, std::to_string(t * 100 + i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 5; ++i) (void)run(Context::background(), {.arguments = {"/no/such"}}, "");
  EXPECT_EQ(open_files(), before);
}

}  // namespace
}  // namespace strata::process
