// catalogue.json, embedded: STRATA_CATALOGUE is its path (src/CMakeLists.txt).
#include "product/landscape/landscape.h"

asm(".section .rodata\n"
    ".global strata_landscape_catalogue\n"
    "strata_landscape_catalogue:\n"
    ".incbin \"" STRATA_CATALOGUE
    "\"\n"
    ".global strata_landscape_catalogue_end\n"
    "strata_landscape_catalogue_end:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" {
extern const char strata_landscape_catalogue[], strata_landscape_catalogue_end[];
}

namespace strata::landscape {

std::string_view built_in_text() { return {strata_landscape_catalogue, static_cast<size_t>(strata_landscape_catalogue_end - strata_landscape_catalogue)}; }

}  // namespace strata::landscape
