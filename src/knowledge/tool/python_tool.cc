// "run_python": the script goes in and its output comes back as JSON over pipes; what comes back is read as if an enemy had written it.
#include <algorithm>

#include "base/crypto.h"
#include "base/text.h"
#include "infra/process/process.h"
#include "knowledge/tool/tool.h"

namespace strata::tool {
namespace {

constexpr uint64_t kReplyBytesMost = 24u << 20;
constexpr size_t kFileBytesMost = 8u << 20;
constexpr int kBeforePython = 125;   // strata-sandbox could not begin

// Runs inside. It shares its process with the script, so nothing that it says is believed: the walls are outside.
constexpr const char* kRunner = R"py(
import sys, io, os, json, base64, contextlib, traceback
request = json.load(sys.stdin)
real = os.dup(1)
for name, data in request["files"].items():
    with open(name, "wb") as f: f.write(base64.b64decode(data))
def state():
    return {e.name: (e.stat(follow_symlinks=False).st_mtime_ns, e.stat(follow_symlinks=False).st_size) for e in os.scandir(".") if e.is_file(follow_symlinks=False)}
before, out, error = state(), io.StringIO(), ""
with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
    try:
        exec(compile(request["code"], "script.py", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        error = "" if not end.code else "exit status " + str(end.code)
    except BaseException:
        kind, value, trace = sys.exc_info()
        error = "".join(traceback.format_exception(kind, value, trace.tb_next))[-4000:]
    plots = sys.modules.get("matplotlib.pyplot")
    for number in (plots.get_fignums() if plots else []):
        try: plots.figure(number).savefig("plot-%d.png" % number)
        except Exception as problem: error = error or str(problem)
os.chdir("/work")
files, total = [], 0
for name, mark in sorted(state().items()):
    if before.get(name) == mark or name.startswith(".") or total + mark[1] > 8388608 or len(files) == 20: continue
    total += mark[1]
    with open(name, "rb") as f: files.append({"name": name, "data": base64.b64encode(f.read()).decode()})
text = out.getvalue()
reply = {"output": text[:65536], "cut": len(text) > 65536, "error": error, "files": files}
with os.fdopen(real, "w") as f: json.dump(reply, f)
)py";

const char* const kParameters = R"({"type":"object","properties":{"code":{"type":"string","minLength":1,"maxLength":100000,
  "description":"A Python 3 script. Print what you want to see; write files to the current folder; matplotlib figures are kept"},
  "files":{"type":"object","maxProperties":20,"propertyNames":{"pattern":"^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$"},
  "additionalProperties":{"type":"string"},"description":"Name and base64 of files that the script finds in its folder"}},
  "required":["code"],"additionalProperties":false})";
const char* const kResult = R"({"type":"object","properties":{"output":{"type":"string"},"cut":{"type":"boolean"},
  "files":{"type":"array","maxItems":20,"items":{"type":"object","properties":{"name":{"type":"string","pattern":"^[A-Za-z0-9_][A-Za-z0-9 ._-]{0,99}$"},
  "data":{"type":"string","contentEncoding":"base64"}},"required":["name","data"],"additionalProperties":false}}},
  "required":["output","cut","files"],"additionalProperties":false})";

std::string last_line(std::string_view text) {
  text = trim(text);
  const size_t line = text.rfind('\n');
  return utf8_repaired(text.substr(line == text.npos ? 0 : line + 1).substr(0, 300));
}

Answer unavailable_sandbox(const std::string& why) {
  return Answer::failed("sandbox_unavailable", "Python is not run here, because its walls cannot be had on this machine: " + why +
                                                   ". bubblewrap and unprivileged user namespaces are needed; see docs/api.md");
}

Result<Answer> ended(const Context& context, const process::Outcome& outcome, const PythonOptions& options) {
  const std::string errors = utf8_repaired(outcome.errors);
  switch (outcome.ending) {
    case process::Ending::kCancelled: {
      TRY(context.check());
      return cancelled();
    }
    case process::Ending::kTimedOut: return Answer::failed("timeout", "the script ran over its " + std::to_string(options.time_ms / 1000) + " s");
    case process::Ending::kFlooded: return Answer::failed("too_large", "the script wrote too much");
    default: break;
  }
  // bubblewrap's and our own words come before Python's.
  const bool begun = outcome.exit_code != kBeforePython && errors.find("bwrap: ") == errors.npos;
  if (outcome.ending == process::Ending::kExited && !begun) return unavailable_sandbox(last_line(errors));
  if (outcome.ending == process::Ending::kExited && outcome.exit_code == 0) return Answer::failed("no_answer", "the script ended its own process");
  const std::string memory =
      errors.find("MemoryError") != errors.npos ? "it used more memory than it may" : "its process was ended (" + last_line(errors) + ")";
  return Answer::failed("script_ended", "the script did not end as it should: " + memory);
}

Result<Answer> run_script(const Context& context, const PythonOptions& options, const Json& arguments) {
  Json files = arguments["files"].is_object() ? arguments["files"] : Json::object();
  size_t bytes = 0;
  for (const auto& [name, data] : *files.as_object()) {
    bytes += data.as_string()->size();
    if (!base64_decode(*data.as_string()))
      return Answer::failed("invalid_arguments", "files: '" + name + "' is not base64",
                            {{"/files/" + name, "contentEncoding", "base64", "something else", ""}});
  }
  if (bytes > kFileBytesMost * 4 / 3 + 100) return Answer::failed("too_large", "the files have more than 8 MiB");
  process::Command command{.arguments = {options.worker, kRunner}};
  command.limits.wall_ms = options.time_ms;
  command.limits.memory_bytes = options.memory_bytes;
  command.limits.cpu_seconds = options.time_ms / 1000 + 1;
  command.limits.output_bytes = kReplyBytesMost;
  command.limits.file_bytes = 64u << 20;
  command.limits.open_files = 128;
  const Json request = Json::object({{"code", arguments["code"]}, {"files", std::move(files)}});
  TRY_ASSIGN(const process::Outcome outcome, process::run(context, command, request.dump()));
  auto reply = Json::parse(outcome.output, {.bytes = kReplyBytesMost, .depth = 8});
  if (outcome.ending != process::Ending::kExited || outcome.exit_code != 0 || !reply || !reply->is_object()) return ended(context, outcome, options);
  const Json error = (*reply)["error"];
  reply->erase("error");
  if (error.as_string() && !error.as_string()->empty()) {
    const std::string text = *error.as_string();
    const std::string shown = (*reply)["output"].as_string() ? *(*reply)["output"].as_string() : "";
    return Answer::failed("script_error", text + (shown.empty() ? "" : "\nIt printed before: " + shown.substr(0, 2'000)),
                          {{"/code", "script_error", "a script that ends without an exception", last_line(text), ""}});
  }
  return Answer::of(std::move(*reply));
}

}  // namespace

std::unique_ptr<Tool> make_python(const PythonOptions& options) {
  Description about;
  about.name = "run_python";
  about.description =
      "Runs a Python 3 script behind walls (no network, no files but its own) and gives back what it printed, the files it wrote and its plots.";
  about.parameters = *Json::parse(kParameters);
  about.result = *Json::parse(kResult);
  about.risk = Risk::kMedium;
  about.untrusted_result = true;
  about.limits.time_ms = options.time_ms + 5'000;
  about.limits.calls_per_minute = 30;
  about.limits.at_once = 2;
  about.limits.argument_bytes = 12u << 20;
  about.limits.result_bytes = kReplyBytesMost;
  return make_tool(std::move(about), [options](const Context& context, const Invocation& call) { return run_script(context, options, call.arguments); });
}

}  // namespace strata::tool
