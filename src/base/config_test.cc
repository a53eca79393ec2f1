#include "base/config.h"

#include <gtest/gtest.h>

namespace strata::config {
namespace {

std::vector<Field> fields() {
  return {{"server.port", int64_t{8080}, "Port to listen on.", 0, 65535},
          {"server.hosts", std::vector<std::string>{}, "Names that this server answers to."},
          {"answer.mode", std::string("quote"), "How answers are made.", -1e18, 1e18, {"quote", "classic"}},
          {"answer.threshold", 0.5, "Evidence needed.", 0, 1}};
}

TEST(Config, FileThenEnvironmentThenCommandLine) {
  auto file = "[server]\nport = 1\nhosts = [\"a\", \"b\"]\n[answer]\nthreshold = 1\n";
  auto config = load(fields(), file, "strata.toml", {{"STRATA_SERVER_PORT", "2"}}, {{"answer.mode", "classic"}});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->integer("server.port"), 2);
  EXPECT_EQ(config->origin("server.port"), "environment");
  EXPECT_EQ(config->list("server.hosts").size(), 2u);
  EXPECT_EQ(config->origin("server.hosts"), "strata.toml:3");
  EXPECT_EQ(config->text("answer.mode"), "classic");
  EXPECT_EQ(config->number("answer.threshold"), 1.0);
}

TEST(Config, UnknownKeyNamesTheNearestAndItsLine) {
  auto config = load(fields(), "[server]\nprot = 1\n", "strata.toml", {}, {});
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().message, "strata.toml:2: unknown key 'server.prot'; did you mean 'server.port'?");
}

TEST(Config, OutOfRangeAndWrongTypesSayWhatWasExpected) {
  EXPECT_NE(load(fields(), "[server]\nport = 70000\n", "f", {}, {}).error().message.find("expected 0 to 65535, got 70000"), std::string::npos);
  EXPECT_NE(load(fields(), "[server]\nport = \"x\"\n", "f", {}, {}).error().message.find("expected a whole number"), std::string::npos);
  EXPECT_NE(load(fields(), "", "f", {}, {{"answer.mode", "quot"}}).error().message.find("one of quote, classic"), std::string::npos);
  EXPECT_NE(load(fields(), "[server\n", "f", {}, {}).error().message.find("f:1: not valid TOML at column 8: expected ']'"), std::string::npos);
}

TEST(Config, ADottedKeyIsItsSectionsKeyAndAQuotedDotIsNone) {
  EXPECT_EQ(load(fields(), "server.port = 7\n", "f", {}, {})->integer("server.port"), 7);
  auto config = load(fields(), "\"server.port\" = 7\n", "f", {}, {});
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find("did you mean 'server.port'?"), std::string::npos);
}

TEST(Config, TheDescriptionIsAFileThatLoads) {
  auto config = load(fields(), "", "", {}, {{"server.port", "99"}});
  auto again = load(fields(), describe(fields(), *config), "again", {}, {});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->integer("server.port"), 99);
}

}  // namespace
}  // namespace strata::config
