#include "app/api/output_format.h"

#include <gtest/gtest.h>

#include "model/grammar/grammar.h"

namespace strata::api {
namespace {

class Nobody : public model::LanguageModel {
 public:
  const model::ModelInfo& info() const override { return info_; }
  Result<std::shared_ptr<model::Handle>> submit(const Context&, model::GenerateRequest, std::shared_ptr<model::Sink>) override { return unavailable("nobody"); }
  Result<int> count_tokens(const model::Prompt&) const override { return 0; }
  Result<std::vector<int32_t>> tokenize(std::string_view, bool) const override { return unavailable("nobody"); }
  Result<std::string> detokenize(const std::vector<int32_t>&) const override { return unavailable("nobody"); }

 private:
  const model::ModelInfo info_{};
};

TEST(OutputFormat, CompiledFormatsAreKeptUntilTheirSizeIsTooMuchInAll) {
  const Nobody model;
  std::vector<std::weak_ptr<const grammar::Grammar>> all;
  size_t made = 0;
  std::string large(9'000, 'a');
  for (int i = 0; i < 40; ++i) {
    Json choices = Json::array();
    for (int c = 0; c < 10; ++c) choices.push(std::to_string(i * 10 + c) + large);
    auto out = parse_output_format(Json::object({{"type", "choice"}, {"choices", std::move(choices)}}), "response_format", model);
    ASSERT_TRUE(out) << out.error().message;
    made += out->grammar->nodes().size();
    all.push_back(out->grammar);
  }
  size_t kept = 0;
  for (auto& one : all)
    if (auto there = one.lock()) kept += there->nodes().size();
  EXPECT_GT(made, 3'000'000u);
  EXPECT_LE(kept, 1'000'000u);
  EXPECT_FALSE(all.back().expired());
}

}  // namespace
}  // namespace strata::api
