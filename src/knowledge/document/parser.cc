#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "infra/process/process.h"
#include "knowledge/document/document.h"

namespace strata::document {
namespace {

constexpr std::string_view kMain = "strata-parse", kPdf = "strata-parse-pdf";

struct Workers {
  std::string main, pdf;
};

Status check_program(const std::string& program) {
  if (access(program.c_str(), X_OK) == 0) return {};
  return failed_precondition("expected a document parser at " + program + ", but there is no such program: build or install it beside strata");
}

Result<Workers> find_workers(std::string path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) path += "/" + std::string(kMain);
  const size_t slash = path.rfind('/');
  Workers workers{path, (slash == path.npos ? "" : path.substr(0, slash + 1)) + std::string(kPdf)};
  TRY(check_program(workers.main));
  return workers;
}

// The worker's own last words of one kind ("at: page 7"), harmless to show.
std::string last_word(std::string_view errors, std::string_view tag) {
  const size_t at = errors.rfind(tag);
  if (at == errors.npos) return "";
  std::string_view line = errors.substr(at + tag.size());
  line = line.substr(0, std::min<size_t>(line.find('\n'), 200));
  std::string out;
  for (char c : trim(line)) {
    if (c >= ' ' && c < 0x7f) out += c;
  }
  return out;
}

// Says how a run without an answer ended, in the words of parse()'s promise.
Error ending_error(const process::Outcome& outcome, const std::string& who, const Limits& limits) {
  const std::string place = last_word(outcome.errors, "at: ");
  const std::string where = place.empty() ? "" : " on " + place;
  const auto fault = [&](const std::string& what, const char* reason) { return invalid_argument("the " + who + " " + what + where, "file", reason); };
  const std::string memory = "ran over its memory limit of " + human_bytes(limits.memory_bytes);
  const std::string time = "ran over its time limit of " + std::to_string(limits.wall_ms / 1000) + " s";
  switch (outcome.ending) {
    case process::Ending::kCancelled: return cancelled();
    case process::Ending::kTimedOut: return fault(time, "parser_timeout");
    case process::Ending::kFlooded: return fault("wrote more than its limit", "parser_output");
    case process::Ending::kSignalled:
      if (outcome.signal == SIGSYS) return fault("tried what it may not (" + process::signal_name(outcome.signal) + ") and was stopped", "parser_forbidden");
      if (outcome.signal == SIGXCPU) return fault(time, "parser_timeout");
      // The kernel ends a process in this way when the machine's memory is used up.
      if (outcome.signal == SIGKILL) return fault(memory + " or was killed by the system", "parser_memory");
      return fault("crashed (" + process::signal_name(outcome.signal) + ")", "parser_crashed");
    case process::Ending::kExited: break;
  }
  if (outcome.exit_code == wire::kExitMemory) return fault(memory, "parser_memory");
  if (outcome.exit_code == wire::kExitConfine) {
    return failed_precondition("the " + who + " cannot confine itself on this machine: " + last_word(outcome.errors, "fail: ") +
                               ". Documents are not parsed without that; see `strata doctor`");
  }
  return fault("ended without an answer (exit status " + std::to_string(outcome.exit_code) + ")", "parser_crashed");
}

std::string name_without_folders(std::string_view filename) {
  const size_t slash = filename.find_last_of("/\\");
  return utf8_repaired(slash == filename.npos ? filename : filename.substr(slash + 1));
}

class WorkerParser : public Parser {
 public:
  WorkerParser(Workers workers, Limits limits) : workers_(std::move(workers)), limits_(limits) {}

  Result<Document> parse(const Context& context, std::string_view filename, std::string_view bytes) override {
    if (bytes.size() > limits_.input_bytes) {
      return invalid_argument("the document has " + human_bytes(bytes.size()) + ", at most " + human_bytes(limits_.input_bytes) + " are taken", "file",
                              "document_too_large");
    }
    wire::Request request{.limits = limits_, .bytes = bytes.size()};
    TRY_ASSIGN(request.kind, detect(filename, bytes));
    request.limits.wall_ms = std::min(limits_.wall_ms, context.remaining_ms());
    TRY_ASSIGN(Document document, ask(context, request, bytes));
    if (document.title.empty() && !document.headings.empty()) document.title = document.headings.front().title;
    if (document.title.empty()) document.title = name_without_folders(filename);
    return document;
  }

 private:
  Result<Document> ask(const Context& context, const wire::Request& request, std::string_view bytes) {
    const bool pdf = request.kind == Kind::kPdf;
    process::Command command{.arguments = {pdf ? workers_.pdf : workers_.main}};
    TRY(check_program(command.arguments[0]));
    command.environment.push_back("OMP_THREAD_LIMIT=1");  // OCR may start no thread
    command.limits.wall_ms = limits_.wall_ms;  // the Context's own deadline is process::run's to watch
    // Text, and for each of its bytes at most one row; in practice a tenth of that.
    command.limits.output_bytes = 4 * limits_.text_bytes + (4u << 20);
    const std::string input = wire::encode_request(request) + std::string(bytes);
    TRY_ASSIGN(const process::Outcome outcome, process::run(context, command, input));
    const std::string who = std::string(pdf ? "PDF" : kind_label(request.kind)) + " parser";
    if (outcome.ending == process::Ending::kCancelled) {
      TRY(context.check());
    }
    if (outcome.ending == process::Ending::kExited && outcome.exit_code == 0) return wire::decode_reply(outcome.output, request);
    return ending_error(outcome, who, request.limits);
  }

  static std::string_view kind_label(Kind kind) {
    switch (kind) {
      case Kind::kText: return "text";
      case Kind::kMarkdown: return "Markdown";
      case Kind::kHtml: return "HTML";
      case Kind::kPdf: return "PDF";
      case Kind::kDocx: return "DOCX";
      case Kind::kImage: return "image";
    }
    return "document";
  }

  const Workers workers_;
  const Limits limits_;
};

}  // namespace

Result<std::unique_ptr<Parser>> Parser::make(std::string worker, Limits limits) {
  TRY_ASSIGN(Workers workers, find_workers(std::move(worker)));
  return std::unique_ptr<Parser>(std::make_unique<WorkerParser>(std::move(workers), limits));
}

Result<Confinement> confinement(std::string worker) {
  TRY_ASSIGN(const Workers workers, find_workers(std::move(worker)));
  process::Command command{.arguments = {workers.main, "--confinement"}};
  command.limits.wall_ms = 10'000;
  TRY_ASSIGN(const process::Outcome outcome, process::run(Context::background(), command, ""));
  if (outcome.ending != process::Ending::kExited || outcome.exit_code != 0) return ending_error(outcome, "document parser", Limits{});
  Confinement found;
  if (sscanf(outcome.output.c_str(), "seccomp landlock %d", &found.landlock_abi) != 1)
    return internal_error("the document parser said nothing about its confinement");
  found.seccomp = true;
  return found;
}

}  // namespace strata::document
