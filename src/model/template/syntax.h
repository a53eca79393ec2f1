// The syntax tree of a template, and the parser's door.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "model/template/value.h"

namespace strata::templates {

// Nested deeper than any published template, and shallow enough to evaluate and destroy by recursion.
inline constexpr int kSyntaxDepthMax = 150;

enum class Op {
  kLiteral,
  kName,
  kList,
  kTuple,
  kDict,              // dict: key, value, key, value, …
  kAttribute,
  kItem,
  kSlice,                          // name | object, index | object, begin, end, step (nullptr where left out)
  kCall,
  kFilter,
  kTest,                              // operands: callee or input, then arguments
  kNot,
  kNegate,
  kPlus,
  kAnd,
  kOr,
  kCondition,        // condition: test, then, else (nullptr)
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kConcat,
  kCompare,                                           // operands a b c …, and their operators in `names`: "==", "in", "not in", …
};

struct Node;
using NodePtr = std::unique_ptr<Node>;

struct Node {
  Op op;
  int line = 0;
  int depth = 1;
  std::string name;                                   // of a name, attribute, filter or test
  Value value;                                        // of a literal
  std::vector<NodePtr> operands;
  std::vector<std::string> names;                     // compare: operators
  std::vector<std::pair<std::string, NodePtr>> keywords;
};

enum class StatementKind { kText, kOutput, kIf, kFor, kSet, kSetBlock, kMacro, kFilterBlock, kBody, kBreak, kContinue };

struct Statement;
using Body = std::vector<std::unique_ptr<Statement>>;

struct MacroNode {
  std::string name;
  std::vector<std::pair<std::string, NodePtr>> parameters;  // default nullptr where there is none
  Body body;
};

struct Statement {
  StatementKind kind;
  int line = 0;
  std::string text;                                   // kText
  NodePtr expression;                                 // output, for: the iterable, set: the value, filter blocks: the filter over kName ""
  NodePtr condition;                                  // for … if
  std::vector<std::string> targets;                   // set, for: names; a namespace member is "ns.member"
  std::vector<std::pair<NodePtr, Body>> branches;     // if: condition (nullptr for else) and body
  Body body, otherwise;                               // for, blocks; otherwise: for … else
  MacroNode macro;
};

// Error: kInvalidArgument with the line.
Result<Body> parse_template(std::string_view source);

}  // namespace strata::templates
