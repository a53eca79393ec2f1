#include <gtest/gtest.h>

#include "knowledge/ground/ground.h"

namespace strata::ground {
namespace {

constexpr std::string_view kLeave =
    "Parental leave lasts 12 weeks and must be requested at least 30 days before it begins. Dana Hill approved 1,000 requests in March 2021. "
    "Contractors may not take it. About five percent of the staff asked for more than two hundred hours. The policy did not increase costs.";

Claim check(std::string_view sentence, std::string_view evidence = kLeave) { return verify(sentence, {evidence}); }
bool passes(std::string_view sentence) { return check(sentence).supported; }

TEST(Verify, WordForWordPasses) {
  EXPECT_TRUE(passes("Parental leave lasts 12 weeks and must be requested at least 30 days before it begins."));
  EXPECT_TRUE(passes("Dana Hill approved 1,000 requests in March 2021."));
  EXPECT_TRUE(passes("Contractors may not take it."));
}

TEST(Verify, OtherFormsOfANumberPass) {
  EXPECT_TRUE(passes("Parental leave lasts twelve weeks."));
  EXPECT_TRUE(passes("In March 2021, Dana Hill approved 1000 requests."));
  EXPECT_TRUE(passes("About 5% of the staff asked for more than 200 hours."));
}

TEST(Verify, AChangedNumberFailsAndIsNamed) {
  EXPECT_EQ(check("Parental leave lasts 14 weeks.").reason, "number 14 is not in the cited text");
  EXPECT_FALSE(passes("Parental leave lasts 30 weeks."));  // a number from elsewhere in the sentence
  EXPECT_FALSE(passes("Dana Hill approved 1,000 requests in March 2022."));
  EXPECT_FALSE(passes("About five of the staff asked for more than two hundred percent hours."));
}

TEST(Verify, AChangedNameOrMonthFails) {
  EXPECT_EQ(check("Dana Fox approved 1,000 requests in March 2021.").reason, "name Fox is not in the cited text");
  EXPECT_FALSE(passes("Dana Hill approved 1,000 requests in April 2021."));
  EXPECT_FALSE(passes("Dana Dana approved 1,000 requests in March 2021."));
}

TEST(Verify, ANegationPutInOrTakenOutFails) {
  EXPECT_FALSE(passes("Contractors may take it."));
  EXPECT_FALSE(passes("Parental leave does not last 12 weeks."));
  EXPECT_FALSE(passes("The policy did increase costs."));
  EXPECT_FALSE(passes("Dana Hill never approved 1,000 requests in March 2021."));
}

TEST(Verify, OppositesAndLimitsFail) {
  EXPECT_FALSE(passes("The policy did not decrease costs."));
  EXPECT_FALSE(passes("Parental leave may be requested at least 30 days before it begins."));
  EXPECT_FALSE(passes("Parental leave must be requested at least 30 days after it begins."));
  EXPECT_FALSE(passes("Parental leave must be requested at most 30 days before it begins."));
  EXPECT_FALSE(passes("Only Dana Hill approved requests in March 2021."));
}

TEST(Verify, WhatTheTextDoesNotSayFails) {
  EXPECT_FALSE(passes("Employees enjoy generous benefits and a friendly culture."));
  EXPECT_FALSE(passes("Yes."));
  EXPECT_FALSE(passes(""));
  EXPECT_FALSE(verify("Anything at all.", {}).supported);
}

TEST(Verify, CitationMarksAreNoNumbers) { EXPECT_TRUE(passes("Parental leave lasts 12 weeks [7].")); }

TEST(Verify, ItSaysWhichTextAndWhereSupports) {
  const std::string_view other = "Travel is booked by the travel desk.";
  const Claim claim = verify("Contractors may not take it.", {other, kLeave});
  EXPECT_EQ(claim.evidence, 1);
  EXPECT_EQ(kLeave.substr(claim.at.begin, claim.at.end - claim.at.begin), "Contractors may not take it.");
}

}  // namespace
}  // namespace strata::ground
