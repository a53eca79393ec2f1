// "analyze_data": run_python with files by id instead of by content.
#include "base/crypto.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/tool/parts.h"
#include "knowledge/tool/tool.h"

namespace strata::tool {
namespace {

constexpr char kPurpose[] = "assistants_output";
constexpr int64_t kFileBytesMost = 6 << 20;

const char* const kParameters = R"({"type":"object","properties":{"code":{"type":"string","minLength":1,"maxLength":100000,
  "description":"A Python 3 script. Print what you want to see. To plot: import plot; plot.bars(labels, values, title) or plot.lines(labels, values, title). Plots and written files are kept for the person"},
  "files":{"type":"array","maxItems":10,"items":{"type":"string","minLength":1,"maxLength":100},"description":"file_ids: the script finds them in its folder, by their names"}},
  "required":["code"],"additionalProperties":false})";
const char* const kResult = R"({"type":"object","properties":{"output":{"type":"string"},"cut":{"type":"boolean"},
  "files":{"type":"array","items":{"type":"object","properties":{"filename":{"type":"string"},"file_id":{"type":"string"},"bytes":{"type":"integer"}},
  "required":["filename","file_id","bytes"],"additionalProperties":false}}},"required":["output","cut","files"],"additionalProperties":false})";

// A module that every script finds, so that a plot needs nothing that may not be installed: it writes SVG.
constexpr const char* kPlotModule =
    R"py("""Plots without matplotlib: plot.bars(labels, values, title) and plot.lines(labels, values, title) write plot-1.svg, plot-2.svg, …"""
import html, math
_count = [0]
def _draw(labels, values, title, name, shape):
    values = [float(v) for v in values]; labels = [str(l) for l in labels]
    if not values or len(values) != len(labels): raise ValueError("expected as many values as labels, and at least one; got %d labels, %d values" % (len(labels), len(values)))
    if not all(math.isfinite(v) for v in values): raise ValueError("every value must be a finite number")
    top, low = max(values + [0.0]), min(values + [0.0]); span = (top - low) or 1.0
    W, H, left, base, high = 720, 400, 80, 340, 60
    y = lambda v: base - (v - low) / span * (base - high)
    step = (W - left - 20) / len(values); mid = [left + step * (i + .5) for i in range(len(values))]
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">' % (W, H),
           '<rect width="100%" height="100%" fill="white"/>', '<text x="%d" y="30" font-size="16">%s</text>' % (left, html.escape(title))]
    for i in range(5):
        v = low + span * i / 4
        out.append('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>' % (left, W - 20, y(v), y(v), left - 6, y(v) + 4, "%.6g" % v))
    if shape == "bars":
        for m, v in zip(mid, values): out.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#3366aa"/>' % (m - step * .35, min(y(v), y(0)), step * .7, abs(y(v) - y(0))))
    else:
        out.append('<polyline fill="none" stroke="#3366aa" stroke-width="2" points="%s"/>' % " ".join("%.1f,%.1f" % (m, y(v)) for m, v in zip(mid, values)))
    for m, l in zip(mid, labels): out.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>' % (m, base + 20, html.escape(l)))
    _count[0] += 1
    with open(name or "plot-%d.svg" % _count[0], "w") as f: f.write("\n".join(out + ["</svg>"]))
def bars(labels, values, title="", name=""): _draw(labels, values, title, name, "bars")
def lines(labels, values, title="", name=""): _draw(labels, values, title, name, "lines")
)py";

// The name that the script finds a file under: what run_python takes.
std::string plain_name(const std::string& filename) {
  std::string out;
  for (char c : filename.substr(0, 100)) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (!out.empty() && (c == '.' || c == '-'));
    out += ok ? c : '_';
  }
  return out.empty() ? "file" : out;
}

Answer wrong_file(size_t index, const std::string& message) {
  return Answer::failed("invalid_arguments", message, {{"/files/" + std::to_string(index), "exists", "the id of a file of at most 6 MiB", message, ""}});
}

class Analysis : public Tool {
 public:
  Analysis(std::unique_ptr<Tool> python, catalog::Catalog& catalog) : python_(std::move(python)), catalog_(catalog) {
    about_ = python_->description();
    about_.name = "analyze_data";
    about_.description =
        "Runs a Python 3 script behind walls (no network): to calculate, analyse and plot. Gives what it printed, and the ids of the plots and files that a "
        "person can open.";
    about_.parameters = *Json::parse(kParameters);
    about_.result = *Json::parse(kResult);
    about_.limits.argument_bytes = 256u << 10;
    about_.limits.result_bytes = 256u << 10;
  }
  const Description& description() const override { return about_; }

  Result<Answer> run(const Context& context, const Invocation& call) override {
    Json arguments = Json::object({{"code", "import sys; sys.path.insert(0, '/work')\n" + text_of(call.arguments["code"])}});
    Json files = Json::object({{"plot.py", base64_encode(kPlotModule)}});
    if (const auto* ids = call.arguments["files"].as_array()) {
      for (size_t i = 0; i < ids->size(); ++i) {
        auto file = catalog_.file(context, text_of((*ids)[i]));
        if (!file && file.error().code == Code::kNotFound) return wrong_file(i, file.error().message);
        if (!file) return file.error();
        if (file->bytes > kFileBytesMost) return wrong_file(i, "'" + file->filename + "' has more than 6 MiB");
        TRY_ASSIGN(const std::string bytes, catalog_.file_bytes(context, file->id));
        files.set(plain_name(file->filename), base64_encode(bytes));
      }
    }
    arguments.set("files", std::move(files));
    TRY_ASSIGN(Answer answer, python_->run(context, {arguments, call.idempotency_key, call.dry_run}));
    if (answer.failure) return answer;
    return keep_files(context, std::move(answer));
  }

 private:
  // What the sandbox says is not believed: the shapes are checked here, since the registry sees only what we make of them.
  Result<Answer> keep_files(const Context& context, Answer answer) {
    Json kept = Json::array();
    if (const auto* files = answer.result["files"].as_array()) {
      for (const Json& one : *files) {
        const std::string name = plain_name(text_of(one["name"]));
        const auto bytes = base64_decode(text_of(one["data"]));
        if (!bytes) return Answer::failed("script_ended", "the script's files could not be read");
        TRY_ASSIGN(auto file, catalog_.same_file(context, name, kPurpose, sha256_hex(*bytes)));
        if (!file) {
          TRY_ASSIGN(file, catalog_.add_file(context, name, kPurpose, *bytes));
        }
        kept.push(Json::object({{"filename", file->filename}, {"file_id", file->id}, {"bytes", file->bytes}}));
      }
    }
    return Answer::of(Json::object({{"output", answer.result["output"]}, {"cut", answer.result["cut"]}, {"files", std::move(kept)}}));
  }

  std::unique_ptr<Tool> python_;
  catalog::Catalog& catalog_;
  Description about_;
};

}  // namespace

std::unique_ptr<Tool> make_analysis(std::unique_ptr<Tool> python, catalog::Catalog& catalog) { return std::make_unique<Analysis>(std::move(python), catalog); }

}  // namespace strata::tool
