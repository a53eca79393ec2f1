#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "base/text.h"

namespace strata {
namespace {

// The lines were printed by Python (tools/fixtures/python_format.py).
TEST(PythonFormat, PrintsWhatPythonPrintsAlsoOneUlpBesideABoundary) {
  std::ifstream file(std::string(STRATA_SOURCE_DIR) + "/src/base/testdata/python_format.tsv");
  std::string line;
  int rows = 0;
  while (std::getline(file, line)) {
    auto parts = split(line, '\t');
    ASSERT_EQ(parts.size(), 5u) << line;
    double value = std::strtod(std::string(parts[0]).c_str(), nullptr);
    EXPECT_EQ(python_format(value), parts[1]);
    EXPECT_EQ(python_format(value, ".0%"), parts[2]) << line;
    EXPECT_EQ(python_format(value, ".1%"), parts[3]) << line;
    EXPECT_EQ(python_format(value, ".2f"), parts[4]) << line;
    ++rows;
  }
  EXPECT_GT(rows, 1000);
}

TEST(PythonFormat, TheRequirementsOwnNumbers) {
  EXPECT_EQ(python_format(4.20), "4.2");
  EXPECT_EQ(python_format(4), "4.0");
  EXPECT_EQ(python_format(0.92, ".0%"), "92%");
  EXPECT_EQ(python_format(0.285, ".0%"), "28%");  // 28.499999999999996
  EXPECT_EQ(python_format(0.125, ".0%"), "12%");  // a tie, to even
  EXPECT_EQ(python_format(0.03, ".1%"), "3.0%");
  EXPECT_EQ(python_format(4.20, ".2f"), "4.20");
}

TEST(PythonFormat, WhatIsNotFiniteReadsAsInPython) {
  double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(python_format(infinity, ".0%"), "inf%");
  EXPECT_EQ(python_format(-infinity), "-inf");
  EXPECT_EQ(python_format(std::nan(""), ".2f"), "nan");
}

}  // namespace
}  // namespace strata
