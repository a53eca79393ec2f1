// A worker that does what a parser that was taken over would do: the document's text says what. For tests only; never installed.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "worker/serve/serve.h"

using namespace strata;  // NOLINT: a main program

namespace {

std::string attempt(const std::string& what) {
  const auto told = [&](long result) { return what + ": " + (result < 0 ? std::strerror(errno) : "SUCCEEDED"); };
  if (what == "open") return told(open("/etc/passwd", O_RDONLY));
  if (what == "create") return told(open("/tmp/strata-hostile", O_CREAT | O_WRONLY, 0600));
  if (what == "socket") return told(socket(AF_INET, SOCK_STREAM, 0));
  if (what == "fork") return told(fork());
  if (what == "exec") return told(execl("/bin/true", "true", nullptr));
  if (what == "kill") return told(kill(getppid(), 0));
  if (what == "ptrace") return told(ptrace(PTRACE_ATTACH, getppid(), nullptr, nullptr));
  if (what == "executable") return told(mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
  if (what == "thread") std::thread([] {}).join();
  if (what == "malloc") {
    worker::note_place("page 7");
    std::vector<std::string> hoard;
    for (int i = 0; i < 64; ++i) hoard.emplace_back(64u << 20, 'x');
  }
  if (what == "c-malloc") {
    for (int i = 0; i < 64; ++i) std::memset(std::malloc(64u << 20), 1, 64u << 20);  // a library that does not look at the result
  }
  if (what == "spin") {
    worker::note_place("page 3");
    for (volatile unsigned i = 0;; i = i + 1) {}
  }
  if (what == "crash") *static_cast<volatile int*>(nullptr) = 1;
  if (what == "recurse") return attempt(what) + attempt(what);
  if (what == "throw") throw std::string("not even an exception");
  if (what == "user") return what + ": " + std::to_string(getuid());
  return what + ": ?";
}

}  // namespace

int main(int argc, char** argv) {
  worker::Program program;
  if (argc > 0 && std::string(argv[0]).ends_with("-pdf")) program.opening = worker::Opening::kRefuse;
  program.parse = [](const document::wire::Request& request, std::string_view bytes) -> Result<document::Document> {
    std::string_view what = bytes;
    if (what.starts_with("%PDF-")) what.remove_prefix(5);
    document::Document out;
    out.kind = request.kind;
    out.text = attempt(std::string(what));
    return out;
  };
  return worker::serve(argc, argv, program);
}
