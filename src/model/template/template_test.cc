#include "model/template/template.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/crypto.h"

namespace strata::templates {
namespace {

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}
const Json& fixture() {
  static const Json json = Json::parse(slurp(STRATA_SOURCE_DIR "/src/model/template/testdata/template.json")).value();
  return json;
}
int64_t now_ms() { return fixture()["now_unix_ms"].to_int("now").value(); }

Result<Rendered> rendered(std::string_view source, const Json& variables, const Limits& limits = {}) {
  TRY_ASSIGN(Template made, Template::compile(source, limits));
  return made.render(variables, {}, now_ms());
}
std::string text_of(std::string_view source, const Json& variables = Json::object()) {
  auto out = rendered(source, variables);
  return out ? out->text : "error: " + out.error().message;
}
Result<Rendered> chat(std::string_view source, const std::string& name, bool tools, bool prompt) {
  TRY_ASSIGN(Template made, Template::compile(source));
  ChatOptions options{.bos_token = "<s>", .eos_token = "</s>", .add_generation_prompt = prompt, .now_unix_ms = now_ms()};
  if (tools) options.tools = fixture()["tools"];
  return render_chat(made, fixture()["chats"][name], options);
}
// The marked parts, each in brackets.
std::string content_of(const Rendered& out) {
  std::string parts;
  for (auto [begin, end] : out.content) ((parts += '[') += out.text.substr(begin, end - begin)) += ']';
  return parts;
}

// ---- Against Jinja -----------------------------------------------------------------------------------------------------------

TEST(Jinja, ExpressionsAndBlocksRenderTheSame) {
  for (const Json& row : *fixture()["cases"].as_array()) {
    const std::string& source = *(*row.as_array())[0].as_string();
    const std::string* expected = (*row.as_array())[1].as_string();
    auto out = rendered(source, fixture()["variables"]);
    if (expected == nullptr) EXPECT_FALSE(out) << source << "\n gave " << out->text;
    else if (!out) ADD_FAILURE() << source << "\n failed: " << out.error().message;
    else EXPECT_EQ(out->text, *expected) << source;
  }
}

TEST(Jinja, ChatTemplatesRenderTheSame) {
  for (const Json& row : *fixture()["chat_cases"].as_array()) {
    auto out = chat(*row["template"].as_string(), *row["chat"].as_string(), *row["tools"].as_bool(), *row["prompt"].as_bool());
    const std::string where = row["template"].as_string()->substr(0, 60) + " " + row["chat"].dump();
    if (row["text"].is_null()) EXPECT_FALSE(out) << where;
    else if (!out) ADD_FAILURE() << where << "\n failed: " << out.error().message;
    else EXPECT_EQ(out->text, *row["text"].as_string()) << where;
  }
}

TEST(Jinja, PublishedTemplatesRenderTheSame) {
  const char* set = std::getenv("STRATA_DATA");
  const std::string data = set ? set : STRATA_SOURCE_DIR "/../shared/data";
  int compared = 0;
  for (const Json& entry : *fixture()["published"].as_array()) {
    const std::string path = data + "/" + *entry["file"].as_string();
    if (!std::filesystem::exists(path)) continue;
    const std::string source = slurp(path);
    for (const Json& row : *entry["rows"].as_array()) {
      const Json::Array& parts = *row.as_array();
      auto out = chat(source, *parts[0].as_string(), *parts[1].as_bool(), *parts[2].as_bool());
      const std::string where = path + " " + row.dump();
      if (parts[3].is_null()) EXPECT_FALSE(out) << where;
      else if (!out) ADD_FAILURE() << where << "\n failed: " << out.error().message;
      else EXPECT_EQ(sha256_hex(out->text), *parts[3].as_string()) << where << "\n" << out->text;
      ++compared;
    }
  }
  if (compared == 0) GTEST_SKIP() << "no templates under " << data;
}

// ---- Marks -------------------------------------------------------------------------------------------------------------------

TEST(Marks, AUsersControlTokenStaysContent) {
  auto out = chat("{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' }}{% endfor %}", "plain", false, false).value();
  EXPECT_EQ(out.text, "<|im_start|>user\nHi <|im_end|> there<|im_end|>");
  EXPECT_EQ(content_of(out), "[user][Hi <|im_end|> there]");
}

TEST(Marks, SurviveWhateverATemplateDoesToText) {
  const Json variables = Json::object({{"x", " ab,cd "}, {"y", "Q"}, {"l", Json::array({"p", "q"})}});
  auto content = [&](std::string_view source) { return content_of(rendered(source, variables).value()); };
  EXPECT_EQ(content("<{{ x | trim }}>"), "[ab,cd]");
  EXPECT_EQ(content("<{{ x.strip() + '!' + y }}>"), "[ab,cd][Q]");
  EXPECT_EQ(content("<{{ x[1:3] }}>"), "[ab]");
  EXPECT_EQ(content("<{{ x[::-1] }}>"), "[ dc,ba ]");
  EXPECT_EQ(content("<{{ x.split(',') | join('|') }}>"), "[ ab][cd ]");
  EXPECT_EQ(content("<{{ x | replace(',', ';') }}>"), "[ ab][cd ]");
  EXPECT_EQ(content("<{{ 'a,b' | replace(',', y) }}>"), "[Q]");
  EXPECT_EQ(content("<{{ x | upper }}{{ y.lower() }}>"), "[ AB,CD q]");
  EXPECT_EQ(content("<{{ l | join(', ') }}>"), "[p][q]");
  EXPECT_EQ(content("<{{ l | tojson }}>"), "[\"p\"][\"q\"]");
  EXPECT_EQ(content("<{{ {'k': y} }}>"), "['Q']");
  EXPECT_EQ(content("{% set z %}a{{ y }}b{% endset %}{{ z | trim }}"), "[Q]");
  EXPECT_EQ(content("{% macro m(a) %}({{ a }}){% endmacro %}{{ m(y) | upper }}"), "[Q]");
  EXPECT_EQ(content("{% for c in y %}{{ loop.index ~ c }}{% endfor %}"), "[Q]");
  EXPECT_EQ(content("{{ y * 2 }}-{{ y ~ y }}{{ y | indent(2, true) }}{{ y | e }}"), "[QQ][QQ][QQ]");
  EXPECT_EQ(content("only the template's {{ 'own' }} words {{ 1 + 1 }}"), "");
}

TEST(Marks, TheTemplatesOwnTokensAreTrusted) {
  auto made = Template::compile("{{ bos_token }}{{ messages[0].content }}{{ eos_token }}").value();
  auto out = render_chat(made, fixture()["chats"]["turns"], {.bos_token = "<s>", .eos_token = "</s>"}).value();
  EXPECT_EQ(out.text, "<s>S</s>");
  EXPECT_EQ(content_of(out), "[S]");
}

// ---- Errors and bounds -------------------------------------------------------------------------------------------------------

TEST(Errors, NameTheLineAndTheConstruct) {
  EXPECT_EQ(text_of("a\n\n{{ missing.x }}"), "error: template, line 3: 'missing' is undefined");
  EXPECT_EQ(text_of("\n{% include 'x' %}"),
            "error: template, line 2: the tag include is not supported (if, for, set, macro, filter, raw, break, continue and generation are)");
  EXPECT_EQ(text_of("{{ 1 | nothing_like_it }}"), "error: template, line 1: the filter nothing_like_it is not supported");
  EXPECT_EQ(text_of("{% if true %}"), "error: template, line 1: expected {% endif %}, got the end of the template");
}

TEST(Errors, ATemplatesOwnRefusalIsMarkedAsSuch) {
  auto out = rendered("{{ raise_exception('Roles must alternate') }}", Json::object());
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().reason, "template_refused");
  EXPECT_NE(out.error().message.find("Roles must alternate"), std::string::npos);
}

TEST(Bounds, EndlessWorkIsRefused) {
  for (const char* source :
       {"{% for i in range(100000000) %}{% for j in range(100000000) %}{% endfor %}{% endfor %}", "{{ 'a' * 100000000000 }}", "{{ [1] * 100000000000 }}",
        "{{ 'a' * 9223372036854775807 }}", "{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(1000) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", "{% for i in range(100000) %}{% for j in range(100000) %}{{ i }}{% endfor %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}"}) {
    auto out = rendered(source, Json::object());
    ASSERT_FALSE(out) << source;
    EXPECT_EQ(out.error().code, Code::kResourceExhausted) << source << out.error().message;
  }
}

TEST(Bounds, DeepNestingIsRefusedAndDoesNotOverflowTheStack) {
  auto repeated = [](std::string_view open, std::string_view middle, std::string_view close) {
    std::string out;
    for (int i = 0; i < 50000; ++i) out += open;
    out += middle;
    for (int i = 0; i < 50000; ++i) out += close;
    return out;
  };
  EXPECT_FALSE(rendered("{{ " + repeated("(", "1", ")") + " }}", Json::object()));
  EXPECT_FALSE(rendered("{{ " + repeated("[", "1", "]") + " }}", Json::object()));
  EXPECT_FALSE(rendered("{{ " + repeated("-", "1", "") + " }}", Json::object()));
  EXPECT_FALSE(rendered("{{ " + repeated("not ", "1", "") + " }}", Json::object()));
  EXPECT_FALSE(rendered("{{ " + repeated("1+", "1", "") + " }}", Json::object()));
  EXPECT_FALSE(rendered("{{ 1" + repeated("|abs", "", "") + " }}", Json::object()));
  EXPECT_FALSE(rendered("{{ a" + repeated(".a", "", "") + " }}", Json::object()));
  EXPECT_FALSE(rendered(repeated("{% if 1 %}", "x", "{% endif %}"), Json::object()));
  EXPECT_FALSE(Template::compile(std::string((1 << 20) + 1, 'x')));
}

TEST(Bounds, ANamespaceThatHoldsItselfIsFreed) {  // AddressSanitizer would report the leak
  EXPECT_EQ(text_of("{% set ns = namespace() %}{% set ns.me = ns %}{{ ns.me.me.me is defined }}"), "True");
}

}  // namespace
}  // namespace strata::templates
