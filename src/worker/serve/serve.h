// worker/serve: a worker's life. Reads the request (which our own server wrote), lets the program get ready, confines itself, and
// only then reads the document; parses it, writes the answer, ends.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "knowledge/document/document.h"
#include "worker/confine/confine.h"

namespace strata::worker {

struct Program {
  Opening opening = Opening::kKill;
  // Loads what will be needed once no file can be opened. Runs before confinement, without the document.
  std::function<Status(const document::wire::Request&)> prepare;
  std::function<Result<document::Document>(const document::wire::Request&, std::string_view bytes)> parse;
};

// The exit status for main(). "--confinement" as the only argument says how this machine confines, instead.
int serve(int argc, char** argv, const Program& program);

// Where the parser is, for the words of an error should it die there: note_place("page 7"). COST: one write.
void note_place(std::string_view place);

}  // namespace strata::worker
