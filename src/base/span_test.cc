#include "base/span.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata {
namespace {

class Kept : public SpanSink {
 public:
  explicit Kept(bool content = true) : content_(content) {}
  void take(SpanData span) override { spans.push_back(std::move(span)); }
  bool keeps_content() const override { return content_; }
  const SpanData& named(std::string_view name) const {
    for (auto& span : spans)
      if (span.name == name) return span;
    ADD_FAILURE() << "no span " << name;
    return spans.front();
  }
  std::vector<SpanData> spans;

 private:
  const bool content_;
};

TEST(SpanTest, WithoutASinkNothingIsRecorded) {
  Span root = Span::root(nullptr, system_clock(), "none", SpanKind::kServer);
  EXPECT_FALSE(root.recording());
  const Context context = root.in(Context::background());
  Span child(context, "child");
  child.set("a", 1);
  child.fail(internal_error("x"));
  EXPECT_FALSE(child.recording());
  EXPECT_EQ(outgoing_traceparent(context), "");
}

TEST(SpanTest, ChildrenLieInsideTheirParentsInOneTrace) {
  ManualClock clock;
  auto sink = std::make_shared<Kept>();
  const Context background = Context::background(clock);
  {
    Span root = Span::root(sink, clock, "root", SpanKind::kServer);
    const Context context = root.in(background);
    clock.advance_ms(5);
    Span child(context, "child");
    const Context inside = child.in(context);
    const int64_t begin = clock.monotonic_ns();
    clock.advance_ms(2);
    record_span(inside, "stage", begin, clock.monotonic_ns());
    note_trace(inside, "strata.product", std::string("desk"));
    EXPECT_EQ(trace_note(context, "strata.product"), "desk");
    child.end();
    clock.advance_ms(1);
    EXPECT_EQ(root.children(), 1);
  }
  ASSERT_EQ(sink->spans.size(), 3u);
  const SpanData &root = sink->named("root"), &child = sink->named("child"), &stage = sink->named("stage");
  EXPECT_TRUE(root.root);
  EXPECT_EQ(root.parent, 0u);
  EXPECT_EQ(child.parent, root.id);
  EXPECT_EQ(stage.parent, child.id);
  EXPECT_EQ(child.trace, root.trace);
  EXPECT_EQ(child.start_ns - root.start_ns, 5'000'000);
  EXPECT_EQ(child.duration_ns, 2'000'000);
  EXPECT_EQ(stage.start_ns, child.start_ns);
  EXPECT_EQ(root.duration_ns, 8'000'000);
  ASSERT_EQ(root.attributes.size(), 1u);   // what was noted below
  EXPECT_EQ(std::get<std::string>(root.attributes[0].second), "desk");
}

TEST(SpanTest, EndsOnceHoweverItEnds) {
  auto sink = std::make_shared<Kept>();
  Span one = Span::root(sink, system_clock(), "one", SpanKind::kInternal);
  Span moved = std::move(one);
  one.end();
  moved.end();
  moved.end();
  EXPECT_EQ(sink->spans.size(), 1u);
  Span gone = Span::root(sink, system_clock(), "gone", SpanKind::kInternal);
  gone.discard();
  gone.end();
  EXPECT_EQ(sink->spans.size(), 1u);
}

TEST(SpanTest, ContentIsDroppedWhereItIsNotKept) {
  auto sink = std::make_shared<Kept>(false);
  {
    Span span = Span::root(sink, system_clock(), "span", SpanKind::kInternal);
    span.content("gen_ai.input.messages", "words");
    span.receipt("{}");
    span.fail(Error{Code::kUnavailable, "away", "", "offline"});
  }
  EXPECT_TRUE(sink->spans[0].content.empty());
  EXPECT_EQ(sink->spans[0].receipt, "");
  EXPECT_TRUE(sink->spans[0].failed);
  EXPECT_EQ(sink->spans[0].error_type, "offline");
}

TEST(SpanTest, AContinuedTraceKeepsItsIdAndParent) {
  auto sink = std::make_shared<Kept>();
  const auto from = parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  ASSERT_TRUE(from);
  Span root = Span::root(sink, system_clock(), "root", SpanKind::kServer, from);
  EXPECT_EQ(trace_hex(root.trace()), "0af7651916cd43dd8448eb211c80319c");
  root.end();
  EXPECT_EQ(span_hex(sink->spans[0].parent), "b7ad6b7169203331");
  EXPECT_TRUE(sink->spans[0].root);
}

// SOURCE: the examples and rules of W3C Trace Context, 3.2.
TEST(TraceParentTest, OnlyTheExactFormIsTaken) {
  const std::string right = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  ASSERT_TRUE(parse_traceparent(right));
  EXPECT_EQ(traceparent(*parse_traceparent(right)), right);
  EXPECT_FALSE(parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")->sampled);
  EXPECT_TRUE(parse_traceparent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));   // a later version
  for (const char* wrong : {"", "00", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                            "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
                            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01", "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01"})
    EXPECT_FALSE(parse_traceparent(wrong)) << wrong;
}

}  // namespace
}  // namespace strata
