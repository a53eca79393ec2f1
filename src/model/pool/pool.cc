#include "model/pool/pool.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "model/pool/rooms.h"

namespace strata::pool {
namespace {

constexpr size_t kNone = SIZE_MAX;

Error taken(const std::string& name) { return invalid_argument("two models are called " + name + ": give each a name or version of its own", "models.serve"); }

// "name@version" → "name"; empty where there is no version.
std::string bare_name(const std::string& id) {
  const size_t at = id.rfind('@');
  return at == std::string::npos ? "" : id.substr(0, at);
}

}  // namespace

std::string_view state_name(State state) {
  switch (state) {
    case State::kOnDisk: return "on_disk";
    case State::kLoading: return "loading";
    case State::kLoaded: return "loaded";
    case State::kLeaving: return "leaving";
  }
  return "";
}

Lease::Lease(std::shared_ptr<Pool::Impl> pool, size_t slot, model::LanguageModel* model) : pool_(std::move(pool)), slot_(slot), model_(model) {}
Lease::~Lease() { pool_->released(slot_); }

LeasePtr Pool::Impl::lease(size_t index) {
  Slot& slot = slots[index];
  if (slot.state != State::kLoaded || slot.draining || stopping) return nullptr;
  ++slot.leases;
  slot.last_used = ++uses;
  return std::make_shared<Lease>(shared_from_this(), index, slot.loaded);
}

void Pool::Impl::released(size_t index) {
  {
    const std::lock_guard lock(mutex);
    --slots[index].leases;
    slots[index].last_used = ++uses;
  }
  changed.notify_all();
}

Status Pool::Impl::check_fits(size_t index) const {
  const Model& model = slots[index].model;
  if (model.need_bytes <= options.budget_bytes) return {};
  Error error = failed_precondition("the model " + model.info.id + " needs " + human_bytes(model.need_bytes) +
                                    " for its weights and the shortest KV cache, but all models together may take " + human_bytes(options.budget_bytes) +
                                    " (engine.memory_budget_mib); use a smaller or more quantized one, or raise the budget");
  error.param = "model";
  error.reason = "insufficient_memory";
  return error;
}

Status Pool::Impl::wait(size_t index, Waiter waiter) {
  LeasePtr now;
  {
    const std::lock_guard lock(mutex);
    TRY(check_fits(index));
    if (stopping) return cancelled("the server is shutting down");
    now = lease(index);
    if (!now) {
      Slot& slot = slots[index];
      if (waiting >= options.waiting_max || (waiter.blocks && blocking >= options.blocking_max)) {
        Error error =
            unavailable("the model " + slot.info->id + " is being loaded, and " + std::to_string(waiting) + " requests wait already; try again shortly");
        error.reason = "model_loading";
        return error;
      }
      ++waiting;
      blocking += waiter.blocks;
      slot.waiting.push_back(std::move(waiter));
      if (slot.state == State::kOnDisk && std::find(wanted.begin(), wanted.end(), index) == wanted.end()) wanted.push_back(index);
    }
  }
  if (now) waiter.ready(std::move(now));
  else changed.notify_all();
  return {};
}

// Answers those who wait for the slot: each with a lease of its own, or with the error. The lock is given up meanwhile.
void Pool::Impl::serve(std::unique_lock<std::mutex>& lock, size_t index, const Error* error) {
  std::deque<Waiter> waiters;
  waiters.swap(slots[index].waiting);
  std::vector<Result<LeasePtr>> answers;
  for (const Waiter& waiter : waiters) {
    --waiting;
    blocking -= waiter.blocks;
    LeasePtr given = error ? nullptr : lease(index);
    if (given) answers.push_back(std::move(given));
    else answers.push_back(error ? *error : cancelled("the server is shutting down"));
  }
  lock.unlock();
  for (size_t i = 0; i < waiters.size(); ++i) waiters[i].ready(std::move(answers[i]));
  waiters.clear();
  answers.clear();
  lock.lock();
}

size_t Pool::Impl::least_recent(bool idle) const {
  size_t found = kNone;
  for (size_t i = 0; i < slots.size(); ++i) {
    const Slot& slot = slots[i];
    if (slot.state != State::kLoaded || (idle ? slot.leases > 0 : slot.draining)) continue;
    if (found == kNone || slot.last_used < slots[found].last_used) found = i;
  }
  return found;
}

void Pool::Impl::unload(std::unique_lock<std::mutex>& lock, size_t index) {
  Slot& slot = slots[index];
  slot.state = State::kLeaving;
  slot.loaded = nullptr;
  lock.unlock();
  slot.model.unload();
  lock.lock();
  slot.state = State::kOnDisk;
  slot.draining = false;
  used -= slot.model.need_bytes;
  log::info("model.unloaded", {{"id", slot.info->id}});
  if (!slot.waiting.empty()) wanted.push_back(index);
}

// Until `need` more fits. False where the pool stops meanwhile.
bool Pool::Impl::make_room(std::unique_lock<std::mutex>& lock, uint64_t need) {
  while (used + need > options.budget_bytes && !stopping) {
    if (const size_t idle = least_recent(true); idle != kNone) {
      unload(lock, idle);
      continue;
    }
    // Everyone is busy: as many drain as it takes.
    uint64_t left = used;
    for (const Slot& slot : slots)
      if (slot.draining) left -= slot.model.need_bytes;
    for (size_t next = least_recent(false); left + need > options.budget_bytes && next != kNone; next = least_recent(false)) {
      slots[next].draining = true;
      left -= slots[next].model.need_bytes;
    }
    changed.wait(lock);
  }
  // Who drained and was not needed after all goes on.
  for (size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].state != State::kLoaded || !slots[i].draining) continue;
    slots[i].draining = false;
    serve(lock, i, nullptr);
  }
  return !stopping;
}

void Pool::Impl::bring(std::unique_lock<std::mutex>& lock, size_t index) {
  Slot& slot = slots[index];
  slot.state = State::kLoading;
  if (!make_room(lock, slot.model.need_bytes)) {
    slot.state = State::kOnDisk;
    return;
  }
  used += slot.model.need_bytes;
  lock.unlock();
  const int64_t begin = options.clock->monotonic_ns();
  const auto loaded = slot.model.load();
  const int64_t ms = (options.clock->monotonic_ns() - begin) / 1'000'000;
  lock.lock();
  if (!loaded) {
    used -= slot.model.need_bytes;
    slot.state = State::kOnDisk;
    slot.problem = loaded.error().message;
    log::warning("model.not_loaded", {{"id", slot.info->id}, {"message", slot.problem}});
    return serve(lock, index, &loaded.error());
  }
  slot.loaded = *loaded;
  slot.state = State::kLoaded;
  slot.problem.clear();
  slot.last_used = ++uses;
  auto info = std::make_shared<model::ModelInfo>(slot.loaded->info());
  slot.info = std::move(info);
  log::info("model.loaded", {{"id", slot.info->id}, {"ms", ms}});
  serve(lock, index, nullptr);
}

void Pool::Impl::run() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return stopping || !wanted.empty(); });
    if (stopping) break;
    const size_t next = wanted.front();
    wanted.pop_front();
    bring(lock, next);
  }
  const Error error = cancelled("the server is shutting down");
  for (size_t i = 0; i < slots.size(); ++i) serve(lock, i, &error);
  for (size_t i = 0; i < slots.size(); ++i)
    if (slots[i].state == State::kLoaded) unload(lock, i);
}

Result<std::unique_ptr<Pool>> Pool::make(const Options& options, std::vector<Model> models, const std::vector<Alias>& aliases) {
  auto impl = std::make_shared<Impl>();
  impl->options = options;
  if (impl->options.clock == nullptr) impl->options.clock = &system_clock();
  for (Model& model : models) {
    if (!impl->names.emplace(model.info.id, impl->slots.size()).second) return taken(model.info.id);
    Slot slot;
    slot.info = std::make_shared<model::ModelInfo>(model.info);
    slot.model = std::move(model);
    impl->slots.push_back(std::move(slot));
    if (Status fits = impl->check_fits(impl->slots.size() - 1); !fits) impl->slots.back().problem = fits.error().message;
  }
  auto also = [&](const std::string& name, size_t slot) {
    const bool is_new = impl->names.emplace(name, slot).second;
    if (is_new) impl->slots[slot].aliases.push_back(name);
    return is_new;
  };
  for (const Alias& alias : aliases) {
    const auto target = impl->names.find(alias.target);
    if (target == impl->names.end()) return invalid_argument("models.aliases: " + alias.name + ": there is no model " + alias.target, "models.aliases");
    if (!also(alias.name, target->second)) return taken(alias.name);
  }
  // What is implied gives way to what was said.
  for (size_t i = 0; i < impl->slots.size(); ++i) {
    const model::ModelInfo& info = *impl->slots[i].info;
    if (const std::string name = bare_name(info.id); !name.empty()) also(name, i);
    else if (const std::string& version = impl->slots[i].model.version; !version.empty()) also(info.id + "@" + version, i);
  }
  impl->thread = std::thread([raw = impl.get()] { raw->run(); });
  return std::unique_ptr<Pool>(new Pool(std::move(impl)));
}

Pool::Pool(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Pool::~Pool() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->changed.notify_all();
  impl_->thread.join();
}

Result<std::shared_ptr<model::LanguageModel>> Pool::find(const std::string& name) {
  const auto found = impl_->names.find(name);
  if (found == impl_->names.end()) {
    std::string there;
    for (const Listed& listed : list()) there += (there.empty() ? "" : ", ") + listed.info.id;
    return not_found("the model '" + name + "' does not exist; there " + (there.empty() ? "are none" : "is: " + there), "model", "model_not_found");
  }
  TRY(impl_->check_fits(found->second));
  const std::lock_guard lock(impl_->mutex);
  return make_session(impl_, found->second, impl_->slots[found->second].info);
}

Status Pool::load(const std::string& name) {
  TRY_ASSIGN(const auto model, find(name));
  TRY(model->tokenize("", false));   // waits until there is something to tokenize with
  return {};
}

std::vector<Listed> Pool::list() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<Listed> out;
  for (const Slot& slot : impl_->slots)
    out.push_back(
        {*slot.info, slot.model.version, slot.aliases, slot.state, slot.model.need_bytes, slot.leases, static_cast<int>(slot.waiting.size()), slot.problem});
  return out;
}

uint64_t Pool::budget_bytes() const { return impl_->options.budget_bytes; }
uint64_t Pool::used_bytes() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->used;
}

}  // namespace strata::pool
