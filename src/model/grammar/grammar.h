// model/grammar: what an output may look like, and which tokens may come next.
//
//   JSON Schema | regular expression | choices | context-free grammar ──compile──▶ Grammar: one pushdown automaton over bytes
//   Grammar + TokenTrie ──Matcher, one per sequence──▶ mask of the tokens that keep the output possible, after each token
//
// What is compiled is enforced: every output that the matcher lets end is in the language, and from every state that it lets be reached an
// end can be reached. What cannot be enforced is an error that names the keyword and where it stands, never a silent gap.
// A subset is written where the schema allows more: object properties come in the schema's order, numbers have at most 15 digits on either
// side, white space is at most one blank after a comma or a colon, lengths and counts stop at kRepeatMost.
// SOURCE: JSON Schema 2020-12; Willard and Louf, "Efficient Guided Generation for Large Language Models", 2023.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace strata::grammar {

inline constexpr int kRepeatMost = 4096;         // of characters, items and repetitions: a longer bound is cut to it, which stays inside the schema
inline constexpr size_t kNodesMost = 400'000;    // of an automaton: about 40 MB
inline constexpr size_t kSchemaBytesMost = 256u << 10;  // of a schema, about as it is written

struct ByteEdge {
  uint8_t low = 0, high = 0;
  uint32_t to = 0;
};
struct CallEdge {
  uint32_t rule = 0;
  uint32_t back = 0;                             // where it goes on after the rule
  bool last = false;                             // there only the caller's own end comes
};
struct Node {
  std::vector<ByteEdge> bytes;
  std::vector<uint32_t> empty;                   // steps that read nothing
  std::vector<CallEdge> calls;
  bool ends = false;                             // the end of its rule
  // Shortcuts, so that a mask inside a string need not try every word. `plain`: any plain byte (is_plain) read here ends this node's rule.
  // `plain_run`: from here so many plain bytes may follow at least, each by a rule that begins with a plain node.
  bool plain = false;
  uint32_t plain_run = 0;
};
// Bytes that stand for themselves in a JSON string.
constexpr bool is_plain(uint8_t byte) { return byte >= 0x20 && byte <= 0x7e && byte != '"' && byte != '\\'; }

// Immutable; shared by all sequences that use it. THREADS: safe.
class Grammar {
 public:
  const std::vector<Node>& nodes() const { return nodes_; }
  uint32_t rule_start(uint32_t rule) const { return rules_[rule]; }
  uint32_t start() const { return rules_[0]; }

 private:
  friend class Builder;
  std::vector<Node> nodes_;
  std::vector<uint32_t> rules_;                  // rule 0 is the whole
};

// kInvalidArgument with `where` in front of the path of what is wrong or cannot be enforced.
Result<std::shared_ptr<const Grammar>> compile_json_schema(const Json& schema, const std::string& where);
Result<std::shared_ptr<const Grammar>> compile_json_object();                        // any JSON object
// The whole output matches. The syntax of ECMA 262 without look-around and back references.
Result<std::shared_ptr<const Grammar>> compile_regex(std::string_view pattern, const std::string& where);
// A part of the output matches: what JSON Schema's `pattern` means.
Result<std::shared_ptr<const Grammar>> compile_search(std::string_view pattern, const std::string& where);
Result<std::shared_ptr<const Grammar>> compile_choices(const std::vector<std::string>& choices, const std::string& where);
// A context-free grammar in GBNF (drawn in gbnf.cc), whose rule `root` is the whole. Errors name line and column. A rule may begin with
// itself directly; one that does so by way of others is refused by its name.
Result<std::shared_ptr<const Grammar>> compile_gbnf(std::string_view text, const std::string& where);

// Calls of functions: kCallOpen {"name": "NAME", "arguments": {…}} kCallClose, one after another with a line break between; arguments are
// valid for the schema. SOURCE: the format that the Hermes and Qwen model families are trained on.
inline constexpr std::string_view kCallOpen = "<tool_call>\n", kCallClose = "\n</tool_call>";
inline constexpr int kCallsMost = 16;
struct Function {
  std::string name;
  Json parameters;
  std::string where;                             // names the schema in errors
};
// `text`: any text instead of calls, or before them, that does not hold "<tool_call>".
Result<std::shared_ptr<const Grammar>> compile_calls(const std::vector<Function>& functions, bool text, int calls_most);

// Whether the text is in the language. False too where it is at too many places of the grammar at once to be followed in time.
// COST: linear in the text, but for the first time that a state is reached; bounded in all.
// `work`: where to add what it cost, in places looked at.
bool reads(const std::shared_ptr<const Grammar>& grammar, std::string_view text, size_t* work = nullptr);

// The vocabulary as a tree of bytes. Immutable; one for each model. THREADS: safe.
class TokenTrie {
 public:
  // `pieces`: each token's bytes by id; empty for tokens that no text may hold (special ones). `ends`: tokens that end an output.
  TokenTrie(const std::vector<std::string>& pieces, std::vector<int32_t> ends);

  struct Branch {
    uint8_t byte = 0;
    uint32_t first_child = 0, next_sibling = 0;  // 0: none (0 is the root, which is nobody's child)
    uint32_t first_token = 0, tokens = 0;        // among token_ids()
    uint32_t end_token = 0;                      // the tokens of this branch and all below it are [first_token, end_token)
    uint32_t height = 0;                         // bytes below it, at most
    bool plain = false;                          // its byte and all below it are plain
  };
  const std::vector<Branch>& branches() const { return branches_; }
  const std::vector<int32_t>& token_ids() const { return token_ids_; }
  const std::vector<int32_t>& ends() const { return ends_; }
  std::string_view piece(int32_t id) const { return pieces_[static_cast<size_t>(id)]; }
  size_t vocabulary() const { return pieces_.size(); }

 private:
  std::vector<std::string> pieces_;
  std::vector<Branch> branches_;
  std::vector<int32_t> token_ids_, ends_;
};

// One sequence's place in a grammar. States are made as they are reached and remembered, each with its mask.
// THREADS: one at a time.
class Matcher {
 public:
  Matcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie);
  // One bit for each token, set where it may come next; the tokens that end an output where it may end here. SHAPE: [(vocabulary + 63) / 64]
  // Valid until the next call.
  const std::vector<uint64_t>& mask();
  // False where the token may not come next, or overflowed(); then the place has not changed.
  bool accept(int32_t token);
  // Tokens that spell what alone may come next, at most `most`: often none. After the first of them the model may still prefer to spell
  // the same text in other tokens, so they are guesses, to be checked. COST: some steps of the automaton; a mask is not made.
  std::vector<int32_t> forced(int most);
  bool may_end() const;
  bool must_end() const;                          // nothing but an end may come next
  // The text may be at too many places of the grammar at once to be followed in time; masks are empty from here on.
  bool overflowed() const { return overflowed_; }

  // A step of the engine may ask for several masks, to check guesses. Once its work is `tired`, it checks no more of them: what was not
  // checked is chosen in the next step, from a mask that has its own allowance.
  void begin_step() { step_work_ = 0; }
  bool tired() const { return step_work_ > kStepWorkMost; }
  // COST, countable: places looked at so far (what a long output may cost grows with its tokens; past that it has overflowed), and
  // entries held in memory now.
  size_t work() const { return all_work_; }
  size_t held() const { return stacks_.size() + places_ + states_.size(); }
  static constexpr size_t kWorkMost = 1'000'000;        // for one mask: about a tenth of a second. Real schemas need a few thousand
  static constexpr size_t kStepWorkMost = 300'000;      // of one step's guesses
  static constexpr size_t kOutputWorkMost = 10'000'000, kTokenWorkMost = 50'000;   // of one output: so much, and so much more a token
  static constexpr size_t kStacksMost = 250'000;        // at once: 20 MB

 private:
  using Config = uint64_t;                        // node << 32 | stack
  struct State {
    std::vector<Config> configs;                  // those that read a byte, ascending
    bool accepts = false;
    std::vector<int32_t> next;                    // [256]: a state, kDead, or kUnknown; made when first asked
    std::vector<uint64_t> mask;
    uint32_t plain_run = 0;                       // so many plain bytes may come next at least
  };
  static constexpr int32_t kDead = -1, kUnknown = -2;
  static constexpr size_t kStatesMost = 1024;     // remembered; past it the rest is forgotten
  static constexpr size_t kTextStatesMost = 16 * kStatesMost;      // the same where no mask is made of them
  static constexpr size_t kPlacesKept = 500'000, kStacksKept = 100'000;

  uint32_t push(uint32_t node, uint32_t below);
  void close(Config config, std::vector<Config>& reading, std::unordered_set<Config>& seen, bool* accepts);
  int32_t intern(std::vector<Config> configs, bool accepts);
  int32_t step(int32_t state, uint8_t byte);
  int only_byte(int32_t state) const;
  std::vector<int32_t> spelled(std::string_view text, int most) const;
  void walk(uint32_t branch, int32_t state, std::vector<uint64_t>& bits);
  void allow(uint32_t first, uint32_t end, std::vector<uint64_t>& bits) const;
  uint32_t plain_run(const std::vector<Config>& configs) const;
  void forget_all_but_current();
  void keep_small(size_t states_most);
  bool spend(size_t work);

  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const TokenTrie> trie_;
  const std::vector<uint64_t> nothing_;            // an empty mask
  std::vector<std::pair<uint32_t, uint32_t>> stacks_;              // (where to go on, the stack below); 0 is the empty one
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> stack_ids_;
  std::vector<State> states_;
  std::map<std::pair<std::vector<Config>, bool>, int32_t> state_ids_;
  int32_t current_ = 0;
  bool overflowed_ = false;
  size_t places_ = 0;                             // in states_
  size_t stacks_kept_ = kStacksKept;              // past so many, those that the current state does not need are forgotten
  size_t work_ = 0, step_work_ = 0, all_work_ = 0;   // places looked at: for this mask, in this step, for this output
  size_t accepted_ = 0;                           // tokens
};

}  // namespace strata::grammar
