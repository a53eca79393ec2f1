// Steps that only think: each gives the events that it adds. And what a person is asked: approvals, deadlines, unknown outcomes.
#include <algorithm>
#include <ctime>

#include "base/random.h"
#include "orchestration/flow/walker.h"

namespace strata::flow {

// Nobody knows whether it happened: a person says.
News Walker::unclear(const Work& work, const std::string& why) {
  News news;
  news.add(event("outcome_unknown", work.path,
                 Json::object({{"tool", work.tool}, {"arguments", work.input}, {"why", why}, {"key", work.key}, {"decided", work.decided}}), true));
  Approval row;
  row.id = make_id("appr");
  row.run_id = id_;
  row.flow = machine_.flow_name();
  row.step = work.path;
  row.kind = "outcome";
  row.message = "Did '" + work.tool + "' happen? " + why;
  row.tool = work.tool;
  row.key = work.key;
  row.who = Json::array();
  row.arguments = work.input;
  row.allow = Json::array({"happened", "not_happened", "fail"});
  row.created_ms = now();
  news.also.push_back([this, row](store::Transaction& transaction) -> Status {
    TRY(insert_approval(transaction, row));
    return core_.announce(transaction, "outcome_unknown", id_, Json::object({{"approval_id", row.id}, {"step", row.step}, {"tool", row.tool}}));
  });
  return news;
}

News Walker::lost_effect(const Frame& frame) {
  Work work;
  work.frame = frame.id;
  work.path = frame.step_path();
  work.step = &frame.step();
  work.scope = frame.scope;
  work.input = frame.data["input"];
  work.decided = frame.data["decided"];
  work.tool = frame.data["tool"].as_string() ? *frame.data["tool"].as_string() : "";
  work.key = frame.data["key"].as_string() ? *frame.data["key"].as_string() : "";
  auto* why = frame.data["why"].as_string();   // where it is asked anew
  return unclear(work, why ? *why : "the program ended while it ran");
}

News Walker::finished(const Frame& frame, Json output, Json more) const {
  News news;
  more.set("output", std::move(output));
  more.set("attempt", frame.attempt);
  news.add(event("step_finished", frame.step_path(), std::move(more)));
  return news;
}

Result<News> Walker::pure(const Due& due) {
  const Frame& frame = *machine_.frame(due.frame);
  switch (due.what) {
    case Due::kUnknown: return lost_effect(frame);
    case Due::kDeadline: return deadline(frame);
    case Due::kFinish: return end_step(frame);
    case Due::kDrive: return drive(frame);
    case Due::kRun: return begin_step(frame);
  }
  return internal_error("unknown kind of due");
}

Result<News> Walker::begin_step(const Frame& frame) {
  switch (frame.step().kind) {
    case StepKind::kCondition: return condition(frame);
    case StepKind::kSet: return set(frame);
    case StepKind::kRecord: return record_step(frame);
    case StepKind::kMap:
    case StepKind::kParallel:
    case StepKind::kSubflow:
    case StepKind::kDriven: return open(frame);
    case StepKind::kWait: return begin_wait(frame);
    case StepKind::kTool: return decided(frame);   // a person kept it from running
    case StepKind::kApproval: return frame.data["decision"].is_string() ? Result<News>(decided(frame)) : ask(frame);
    case StepKind::kRespond: {
      TRY_ASSIGN(Json result, frame.scope->flow->value_of(frame.step().spec["result"], machine_.variables_of_step(frame)));
      return finished(frame, std::move(result), Json::object({{"next", "end"}}));
    }
    default: return internal_error("a step with an effect was taken for a pure one");
  }
}

Result<News> Walker::condition(const Frame& frame) {
  const Json& spec = frame.step().spec;
  const Definition& flow = *frame.scope->flow;
  Json variables = machine_.variables_of_step(frame);
  std::string to = spec["else"].as_string() ? *spec["else"].as_string() : "", when;
  Json reason = spec["reason"];
  for (auto& one : *spec["cases"].as_array()) {
    TRY_ASSIGN(bool holds, flow.truth_of(*one["when"].as_string(), variables));
    if (!holds) continue;
    to = *one["next"].as_string();
    when = *one["when"].as_string();
    if (!one["reason"].is_null()) reason = one["reason"];
    break;
  }
  TRY_ASSIGN(Json told, flow.value_of(reason, variables));
  std::string why = told.is_string() ? *told.as_string() : when.empty() ? "no case holds" : when + " holds";
  News news;
  news.add(event("routed", frame.step_path(), Json::object({{"to", to.empty() ? "the next step" : to}, {"when", when}, {"reason", why}}), true));
  Json more = Json::object();
  if (!to.empty()) more.set("next", to);
  news.join(finished(frame, Json::object({{"to", to}, {"when", when}, {"reason", why}}), std::move(more)));
  return news;
}

Result<News> Walker::set(const Frame& frame) {
  const Definition& flow = *frame.scope->flow;
  const Json& spec = frame.step().spec;
  Json variables = machine_.variables_of_step(frame);
  if (spec["values"].is_null()) {
    TRY_ASSIGN(Json value, flow.value_of(spec["value"], variables));
    if (!frame.step().save.empty()) TRY(flow.check_state(frame.step().save, value));
    return finished(frame, std::move(value));
  }
  TRY_ASSIGN(Json values, flow.value_of(spec["values"], variables));
  for (auto& [name, value] : *values.as_object()) TRY(flow.check_state(name, value));
  Json output = values;
  return finished(frame, std::move(output), Json::object({{"values", std::move(values)}}));
}

Result<News> Walker::record_step(const Frame& frame) {
  TRY_ASSIGN(Json data, fill(frame.step(), *frame.scope->flow, frame.step().spec["data"], machine_.variables_of_step(frame)));
  std::string type = *frame.step().spec["type"].as_string();
  News news;
  news.add(event("recorded", frame.step_path(), Json::object({{"type", type}, {"data", data}}), true));
  news.also.push_back([this, type, data](store::Transaction& transaction) { return core_.announce(transaction, type, id_, data); });
  news.join(finished(frame, std::move(data)));
  return news;
}

Result<News> Walker::open(const Frame& frame) {
  const Step& step = frame.step();
  const Definition& flow = *frame.scope->flow;
  Json variables = machine_.variables_of_step(frame);
  News news;
  if (step.kind == StepKind::kMap) {
    TRY_ASSIGN(Json items, flow.value_of(step.spec["over"], variables));
    if (!items.is_array()) return invalid_argument("over: expected a list, got " + std::string(items.type_name()), "over");
    if (items.size() > kItemsMost)
      return invalid_argument("over: a map takes at most " + std::to_string(kItemsMost) + " items, got " + std::to_string(items.size()), "over");
    if (items.size() == 0) return finished(frame, Json::array());
    TRY(room_for(items.size()));
    news.add(event("opened", frame.step_path(), Json::object({{"items", std::move(items)}})));
  } else if (step.kind == StepKind::kParallel) {
    TRY(room_for(step.blocks.size()));
    Json names = Json::array();
    for (auto& block : step.blocks) names.push(block.name);
    news.add(event("opened", frame.step_path(), Json::object({{"branches", std::move(names)}})));
  } else if (step.kind == StepKind::kDriven) {
    return begin_driven(frame);
  } else {
    if (machine_.depth_of(frame) >= kDepthMost)
      return failed_precondition("flows may be nested at most " + std::to_string(kDepthMost) + " deep: does a flow call itself?");
    TRY(room_for(1));
    int version = step.spec["version"].is_int() ? static_cast<int>(*step.spec["version"].to_int("version")) : 0;
    TRY_ASSIGN(auto inner, core_.definition(job_.context(), *step.spec["flow"].as_string(), &version));
    TRY_ASSIGN(Json given, fill(step, flow, step.spec["input"], variables));
    TRY_ASSIGN(Json input, inner->check_input(given));
    news.add(event("opened", frame.step_path(), Json::object({{"flow", inner->name}, {"version", version}, {"input", std::move(input)}})));
  }
  return news;
}

Status Walker::room_for(size_t frames) {
  size_t all = machine_.frames() + opening_ + frames;
  if (all > kFramesMost)
    return resource_exhausted("maps in maps: a run may have at most " + std::to_string(kFramesMost) + " items and branches at the same time, this would be " +
                              std::to_string(all));
  opening_ += frames;
  return {};
}

Result<Driver*> Walker::driver_of(const Frame& frame) const {
  const std::string& name = *frame.step().spec["driver"].as_string();
  auto found = core_.options.effects.drivers.find(name);
  if (found == core_.options.effects.drivers.end() || !found->second) return failed_precondition("nothing here drives steps of '" + name + "'");
  return found->second;
}

Result<News> Walker::begin_driven(const Frame& frame) {
  if (machine_.depth_of(frame) >= kDepthMost) return failed_precondition("flows may be nested at most " + std::to_string(kDepthMost) + " deep");
  const Step& step = frame.step();
  TRY_ASSIGN(Driver * driver, driver_of(frame));
  TRY_ASSIGN(Json input, fill(step, *frame.scope->flow, step.spec["input"].is_null() ? Json::object() : step.spec["input"], machine_.variables_of_step(frame)));
  TRY(room_for(1));
  const bool untrusted = machine_.untrusted(frame);
  TRY_ASSIGN(Json setup, driver->prepare(job_.context(), step.spec["spec"], input));
  News news;
  news.add(event(
      "opened", frame.step_path(),
      Json::object({{"driver", step.spec["driver"]}, {"input", std::move(input)}, {"setup", std::move(setup)}, {"untrusted", untrusted}, {"at_ms", now()}})));
  return news;
}

// The driver says what is next, or that it is over: either is an event before anything is done.
Result<News> Walker::drive(const Frame& frame) {
  const Frame& inner = *machine_.frame(frame.inside.at(0));
  TRY_ASSIGN(Driver * driver, driver_of(frame));
  const Driver::Seen seen{.spec = frame.step().spec["spec"],
                          .input = frame.data["input"],
                          .setup = frame.data["setup"],
                          .history = inner.history,
                          .run = id_,
                          .untrusted = frame.data["untrusted"] == Json(true),
                          .begun_ms = *frame.data["at_ms"].to_int("at_ms"),
                          .now_ms = now()};
  TRY_ASSIGN(auto next, driver->next(seen));
  if (next.step.is_null()) {
    if (!frame.step().save.empty()) TRY(frame.scope->flow->check_state(frame.step().save, next.result));
    return finished(frame, std::move(next.result));
  }
  TRY_ASSIGN(auto planned, parse_planned(next.step));   // a mistake of the driver's is told here, and not when the log is read
  const std::string& id = planned->steps[0].id;
  auto visit = inner.visits.find(id);
  const int count = visit == inner.visits.end() ? 1 : visit->second + 1;
  News news;
  news.add(event("planned", inner.path + id + (count > 1 ? "#" + std::to_string(count) : ""),
                 Json::object({{"at", inner.path}, {"step", std::move(next.step)}, {"reason", next.reason}, {"untrusted", next.untrusted}}), true));
  return news;
}

// "2026-11-22T12:00:00Z" → milliseconds. A fraction of a second is read over.
static Result<int64_t> moment_of(std::string text) {
  if (size_t dot = text.find('.'); dot == 19 && text.back() == 'Z' && text.find_first_not_of("0123456789", dot + 1) == text.size() - 1)
    text.erase(dot, text.size() - dot - 1);
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:ddZ";
  bool ok = text.size() == kForm.size();
  for (size_t i = 0; ok && i < text.size(); ++i) ok = kForm[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == kForm[i];
  auto number = [&](size_t at, int digits) {
    int value = 0;
    for (size_t i = at; i < at + static_cast<size_t>(digits); ++i) value = value * 10 + (text[i] - '0');
    return value;
  };
  std::tm when{};
  if (ok) {
    when.tm_year = number(0, 4) - 1900, when.tm_mon = number(5, 2) - 1, when.tm_mday = number(8, 2);
    when.tm_hour = number(11, 2), when.tm_min = number(14, 2), when.tm_sec = number(17, 2);
    std::tm same = when;
    const int64_t seconds = timegm(&same);   // which turns the 31st of February into a day of March
    if (same.tm_mon == when.tm_mon && same.tm_mday == when.tm_mday && same.tm_hour == when.tm_hour && same.tm_min == when.tm_min && same.tm_sec == when.tm_sec)
      return seconds * 1000;
  }
  return invalid_argument("until: expected a time such as 2026-11-22T12:00:00Z, got '" + text.substr(0, 40) + "'", "until");
}

// A wait step's `until`: such a time, or seconds since 1970.
static Result<int64_t> until_of(const Json& value, int64_t now_ms) {
  constexpr double kMostMs = 100 * 365.25 * 86'400'000;
  double ms = 0;
  if (value.is_string()) {
    TRY_ASSIGN(ms, moment_of(*value.as_string()));
  } else {
    TRY_ASSIGN(ms, value.to_double("until"));
    ms *= 1000;
  }
  if (!(ms >= static_cast<double>(now_ms) - kMostMs && ms <= static_cast<double>(now_ms) + kMostMs))
    return invalid_argument("until: expected a time within 100 years, got " + value.dump(), "until");
  return static_cast<int64_t>(ms);
}

Result<News> Walker::begin_wait(const Frame& frame) {
  const Json& spec = frame.step().spec;
  const Definition& flow = *frame.scope->flow;
  Json variables = machine_.variables_of_step(frame);
  Json until;
  if (!spec["for_s"].is_null()) {
    TRY_ASSIGN(Json value, fill(frame.step(), flow, spec["for_s"], variables));
    TRY_ASSIGN(double seconds, value.to_double("for_s"));
    if (!(seconds >= 0 && seconds <= kWaitSecondsMost)) return invalid_argument("for_s: expected 0 to 31536000 seconds, got " + value.dump(), "for_s");
    until = now() + static_cast<int64_t>(seconds * 1000);
  } else if (!spec["until"].is_null()) {
    TRY_ASSIGN(Json value, fill(frame.step(), flow, spec["until"], variables));
    TRY_ASSIGN(until, until_of(value, now()));
  } else if (frame.step().timeout_ms > 0) {
    until = now() + frame.step().timeout_ms;
  }
  News news;
  news.add(event("waiting", frame.step_path(), Json::object({{"until_ms", until}, {"signal", spec["signal"]}})));
  return news;
}

Result<News> Walker::ask(const Frame& frame) {
  const Step& step = frame.step();
  const Definition& flow = *frame.scope->flow;
  Json variables = machine_.variables_of_step(frame);
  TRY_ASSIGN(Json message, fill(step, flow, step.spec["message"], variables));
  Approval row;
  TRY_ASSIGN(row.arguments, fill(step, flow, step.spec["args"].is_null() ? Json::object() : step.spec["args"], variables));
  TRY_ASSIGN(row.who, fill(step, flow, step.spec["who"].is_null() ? Json::array() : step.spec["who"], variables));
  row.step = frame.step_path();
  row.message = message.is_string() ? *message.as_string() : message.dump();
  if (auto* tool = step.spec["tool"].as_string()) row.tool = *tool;
  row.allow = step.spec["allow"];
  if (!step.spec["deadline_s"].is_null()) {
    TRY_ASSIGN(double seconds, step.spec["deadline_s"].to_double("deadline_s"));
    row.deadline_ms = now() + static_cast<int64_t>(std::clamp(seconds, 0.0, kWaitSecondsMost) * 1000);
  }
  return asking(std::move(row));
}

// A tool step whose tool wants a person's word first.
News Walker::ask_first(const Work& work, const std::string& why) {
  Approval row;
  row.step = work.path;
  row.message = "May '" + work.tool + "' run with these arguments? " + why;
  if (work.about.is_string() && !work.about.as_string()->empty()) row.message += "\n\n" + *work.about.as_string();
  row.tool = work.tool;
  row.arguments = work.input;
  const Json& spec = work.step->spec;
  row.who = spec["who"].is_null() ? Json::array() : spec["who"];
  if (!spec["deadline_s"].is_null())
    row.deadline_ms = now() + static_cast<int64_t>(std::clamp(*spec["deadline_s"].to_double(""), 0.0, kWaitSecondsMost) * 1000);
  return asking(std::move(row));
}

News Walker::asking(Approval row) {
  row.id = make_id("appr");
  row.run_id = id_;
  row.flow = machine_.flow_name();
  row.kind = "approval";
  row.key = idempotency_key(id_, row.step);
  if (row.allow.is_null()) row.allow = Json::array({"accept", "edit", "respond", "ignore"});
  row.created_ms = now();
  News news;
  news.add(event("approval_asked", row.step,
                 Json::object({{"approval_id", row.id},
                               {"message", row.message},
                               {"who", row.who},
                               {"tool", row.tool},
                               {"arguments", row.arguments},
                               {"allow", row.allow},
                               {"deadline_ms", row.deadline_ms ? Json(row.deadline_ms) : Json()}}),
                 true));
  news.also.push_back([this, row](store::Transaction& transaction) -> Status {
    TRY(insert_approval(transaction, row));
    return core_.announce(transaction, "approval_asked", id_,
                          Json::object({{"approval_id", row.id}, {"step", row.step}, {"message", row.message}, {"tool", row.tool}}));
  });
  return news;
}

// Decided, and nothing is to be done: respond, ignore, or an approval without a tool.
News Walker::decided(const Frame& frame) { return finished(frame, frame.data); }

Result<News> Walker::deadline(const Frame& frame) {
  const Json& spec = frame.step().spec;
  const std::string path = frame.step_path();
  auto* asked = frame.data["approval_id"].as_string();
  std::string id = asked ? *asked : "";
  News news;
  if (!spec["escalate_to"].is_null() && frame.data["escalated"].is_null()) {
    int64_t until = now() + static_cast<int64_t>(std::clamp(*spec["deadline_s"].to_double("deadline_s"), 0.0, kWaitSecondsMost) * 1000);
    TRY_ASSIGN(Json who, fill(frame.step(), *frame.scope->flow, spec["escalate_to"], machine_.variables_of_step(frame)));
    news.add(event("escalated", path, Json::object({{"who", who}, {"deadline_ms", until}, {"reason", "nobody decided in time"}}), true));
    news.also.push_back([id, who, until](store::Transaction& transaction) -> Status {
      TRY_ASSIGN(auto rows, find_approvals(transaction, id, "pending", "", 1));
      if (rows.empty()) return {};
      rows[0].who = who;
      rows[0].deadline_ms = until;
      rows[0].escalated = true;
      return move_approval(transaction, rows[0]);
    });
    return news;
  }
  auto* what = spec["on_deadline"].as_string();
  if (what && *what == "ignore") {
    news.add(event("approval_decided", path, Json::object({{"decision", "ignore"}, {"by", "deadline"}, {"reason", "nobody decided in time"}}), true));
  } else {
    news = final_failure(frame, Error{Code::kDeadlineExceeded, "nobody decided in time", "", ""});
  }
  news.also.push_back([this, path](store::Transaction& transaction) { return close_approvals(transaction, id_, path); });
  return news;
}

// A wait that is over, or blocks that are done.
Result<News> Walker::end_step(const Frame& frame) {
  const Step& step = frame.step();
  const Definition& flow = *frame.scope->flow;
  Json output;
  switch (step.kind) {
    case StepKind::kWait: {
      auto* signal = step.spec["signal"].as_string();
      if (!signal) return finished(frame, Json());
      bool came = machine_.has_signal(*signal);
      output = Json::object({{"timed_out", !came}, {"data", came ? machine_.first_signal(*signal) : Json()}});
      return finished(frame, std::move(output), came ? Json::object({{"signal", *signal}}) : Json::object());
    }
    case StepKind::kMap:
      output = Json::array();
      for (int64_t id : frame.inside) {
        const Frame& item = *machine_.frame(id);
        Json one = item.last_output;
        if (!step.spec["result"].is_null()) {
          TRY_ASSIGN(one, flow.value_of(step.spec["result"], machine_.variables(item)));
        }
        output.push(std::move(one));
      }
      break;
    case StepKind::kParallel:
      output = Json::object();
      for (size_t i = 0; i < frame.inside.size(); ++i) output.set(frame.inside_names[i], machine_.frame(frame.inside[i])->last_output);
      break;
    default: output = machine_.frame(frame.inside.at(0))->last_output;
  }
  if (!step.save.empty()) TRY(flow.check_state(step.save, output));
  return finished(frame, std::move(output));
}

}  // namespace strata::flow
