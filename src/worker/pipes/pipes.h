// worker/pipes: how a worker hears and speaks: its three standard pipes, by system calls that the walls allow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace strata::worker {

// All of standard input that is left, at most; one byte more says that there was more.
std::string read_rest(size_t bytes_most);
// Up to the end of the line, which is taken, or of the input. What follows stays unread: it may be meant for after the confinement.
std::string read_line(size_t bytes_most);
// False where the input ended before.
bool read_exactly(std::string* out, uint64_t bytes);
// To standard output. False: nobody reads it any more.
bool write_all(std::string_view bytes);

// To standard error, as far as it is taken.
void say(std::string_view text);
// Says "fail: MESSAGE"; gives the exit status.
int fail(int status, const std::string& message);

}  // namespace strata::worker
