#include "product/confidence/confidence.h"

namespace strata::confidence {

Label label_of(double confidence) { return confidence >= kHighLeast ? Label::kHigh : confidence >= kMediumLeast ? Label::kMedium : Label::kLow; }

std::string_view label_name(Label label) {
  switch (label) {
    case Label::kHigh: return "high_confidence";
    case Label::kMedium: return "medium_confidence";
    case Label::kLow: return "low_confidence";
  }
  return "low_confidence";
}

Treatment treatment_of(Label label) {
  switch (label) {
    case Label::kHigh: return {"#27ae60", "check_circle", std::nullopt};
    case Label::kMedium: return {"#f39c12", "info", "This response may need verification."};
    case Label::kLow: break;
  }
  return {"#e94560", "warning", "Low confidence. Please verify before using."};
}

std::string python_dict(const Treatment& treatment) {
  // None of these texts holds a quote or a backslash, so Python prints them in single quotes as they are.
  const auto quoted = [](std::string_view text) { return "'" + std::string(text) + "'"; };
  return "{'border_color': " + quoted(treatment.border_color) + ", 'icon': " + quoted(treatment.icon) +
         ", 'disclaimer': " + (treatment.disclaimer ? quoted(*treatment.disclaimer) : "None") + "}";
}

}  // namespace strata::confidence
