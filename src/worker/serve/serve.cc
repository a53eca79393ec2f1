#include "worker/serve/serve.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>

#include "worker/pipes/pipes.h"

namespace strata::worker {
namespace {

namespace wire = document::wire;

[[noreturn]] void out_of_memory() { _exit(wire::kExitMemory); }

// C libraries meet a failed malloc with abort() or a null pointer; the errno that malloc left tells such a crash from others.
void on_crash(int signal) {
  if (errno == ENOMEM) _exit(wire::kExitMemory);
  ::signal(signal, SIG_DFL);
  raise(signal);
}

// Dates are read without a look at the machine's time zone files (libzip converts those of its entries).
void fix_time_zone() {
  setenv("TZ", "UTC0", 1);
  tzset();
}

void watch_memory() {
  std::set_new_handler(out_of_memory);
  static char stack[64 << 10];  // a stack of its own: the crash may be an exhausted one
  const stack_t alternative = {.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
  sigaltstack(&alternative, nullptr);
  for (int signal : {SIGSEGV, SIGBUS, SIGABRT}) {
    struct sigaction action = {};
    action.sa_handler = on_crash;
    action.sa_flags = SA_ONSTACK | SA_NODEFER;
    sigaction(signal, &action, nullptr);
  }
}

int tell_confinement(const Program& program) {
  Result<Standing> standing = confine({.opening = program.opening});
  if (!standing) return fail(wire::kExitConfine, standing.error().message);
  return write_all("seccomp landlock " + std::to_string(standing->landlock_abi) + "\n") ? 0 : wire::kExitRequest;
}

Result<document::Document> guarded(const Program& program, const wire::Request& request, std::string_view bytes) {
  try {
    return program.parse(request, bytes);
  } catch (const std::bad_alloc&) {
    out_of_memory();
  } catch (const std::exception& exception) {
    return invalid_argument(std::string("the document could not be read: ") + exception.what(), "file", "document_unreadable");
  }
}

}  // namespace

int serve(int argc, char** argv, const Program& program) {
  if (argc == 2 && std::strcmp(argv[1], "--confinement") == 0) return tell_confinement(program);
  if (argc != 1) return fail(wire::kExitRequest, "expected no arguments: the request comes on standard input (this program is started by strata)");
  std::string head;
  if (!read_exactly(&head, wire::kRequestBytes)) return fail(wire::kExitRequest, "the request is cut short");
  Result<wire::Request> request = wire::decode_request(head);
  if (!request) return fail(wire::kExitRequest, request.error().message);
  if (program.prepare) {
    if (Status ready = program.prepare(*request); !ready) return fail(wire::kExitConfine, ready.error().message);
  }
  fix_time_zone();
  watch_memory();
  const Walls walls{.memory_bytes = request->limits.memory_bytes, .cpu_seconds = request->limits.wall_ms / 1000 + 2, .opening = program.opening};
  if (Result<Standing> standing = confine(walls); !standing) return fail(wire::kExitConfine, standing.error().message);
  std::string bytes;
  if (!read_exactly(&bytes, request->bytes)) return fail(wire::kExitRequest, "the document is cut short");
  const bool wrote = write_all(wire::encode_reply(guarded(program, *request, bytes)));
  // No destructors: the kernel frees faster, and libraries' ends are not for hostile trees.
  _exit(wrote ? 0 : wire::kExitRequest);
}

void note_place(std::string_view place) { say("at: " + std::string(place) + "\n"); }

}  // namespace strata::worker
