// One pull, step by step: what does the hub say about the file, is it here already, is there room, download with resume, hash, lock.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "model/hub/manifest.h"
#include "model/hub/names.h"

namespace strata::hub {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kFileBytesMax = 1ull << 40;      // a terabyte: larger than any model that this program could load
constexpr uint64_t kDiskSpareBytes = 64ull << 20;   // left free beside the file
constexpr int kAttemptsMax = 5;                     // in one pull, each of which must have brought something
constexpr int kRenamesMax = 3;                      // a repository that moved answers with a redirect on its own host

// What the hub says about a file before it is fetched. SOURCE: Hugging Face's resolve endpoint: X-Linked-Etag is the SHA-256 of a file in
// large file storage, X-Linked-Size its size, X-Repo-Commit the commit that the revision stands for.
struct Announced {
  std::string sha256;      // empty: not told
  uint64_t bytes = 0;      // 0: not told
  std::string commit;
};

std::string header_of(const egress::Response& response, std::string_view name) {
  for (auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

uint64_t number_of(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

std::string default_endpoint() {
  for (const char* name : {"STRATA_HUB", "HF_ENDPOINT"})
    if (const char* value = std::getenv(name); value && *value) return value;
  return "https://huggingface.co";
}

class Pull {
 public:
  Pull(const Context& context, egress::Client& client, PullRequest request, const std::function<void(const Progress&)>& on_progress)
      : context_(context), client_(client), request_(std::move(request)), on_progress_(on_progress) {}

  Result<Manifest> run();

 private:
  Status prepare();
  Status check_owner(const Manifest& manifest) const;
  Result<Announced> announced();
  Status check_lock() const;
  Result<bool> here_already();
  Status check_disk() const;
  Status download();
  Status attempt(int fd);
  Result<Manifest> install();
  Error failure(const Error& error) const;
  Error status_failure(int status) const;
  Error locked_failure(const std::string& other) const;
  egress::Request base_request(std::string method, std::string url) const;
  uint64_t part_bytes() const;
  void tell(Progress::Step step, uint64_t bytes) const {
    if (on_progress_) on_progress_({step, bytes, hub_.bytes});
  }

  const Context& context_;
  egress::Client& client_;
  PullRequest request_;
  const std::function<void(const Progress&)>& on_progress_;
  std::string host_, folder_, name_, url_, part_;
  std::optional<Manifest> installed_;
  const File* locked_ = nullptr;   // this file's entry in installed_
  Announced hub_;
};

Status Pull::prepare() {
  auto slash = request_.repository.find('/');
  if (!plain_path(request_.repository) || slash == std::string::npos || request_.repository.find('/', slash + 1) != std::string::npos)
    return invalid_argument("expected a repository such as \"owner/name\", got \"" + utf8_repaired(request_.repository) + "\"", "repository");
  if (!plain_path(request_.file)) return invalid_argument("expected a file of the repository, got \"" + utf8_repaired(request_.file) + "\"", "file");
  if (!plain_path(request_.revision)) return invalid_argument("expected a branch, tag or commit, got \"" + utf8_repaired(request_.revision) + "\"", "revision");
  if (request_.id.empty()) request_.id = id_of_file(request_.file);
  if (!valid_id(request_.id)) return invalid_argument("the id \"" + utf8_repaired(request_.id) + "\" is not a plain lower-case name", "id");
  std::string endpoint = request_.endpoint.empty() ? default_endpoint() : request_.endpoint;
  while (!endpoint.empty() && endpoint.back() == '/') endpoint.pop_back();
  size_t scheme = endpoint.find("://");
  if (scheme == std::string::npos) return invalid_argument("the hub's address must begin with https:// or http://", "endpoint");
  host_ = endpoint.substr(scheme + 3);
  host_ = host_.substr(0, host_.find('/'));
  request_.endpoint = endpoint.substr(0, scheme + 3) + host_;   // the origin, for redirects within it
  std::string revision;
  for (char c : request_.revision) revision += c == '/' ? "%2F" : std::string(1, c);
  url_ = endpoint + "/" + request_.repository + "/resolve/" + revision + "/" + request_.file;
  folder_ = request_.models_dir + "/" + request_.id;
  name_ = request_.file.substr(request_.file.rfind('/') + 1);
  if (name_ == "manifest.json") return invalid_argument("a file named manifest.json cannot be pulled", "file");
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return unavailable("the folder " + folder_ + " cannot be made: " + error.message());
  return {};
}

Status Pull::check_owner(const Manifest& manifest) const {
  std::string source = host_ + "/" + request_.repository;
  if (manifest.source.substr(0, manifest.source.rfind('@')) == source) return {};
  return failed_precondition("the model \"" + request_.id + "\" is already there, from " + manifest.source + "; choose another id");
}

egress::Request Pull::base_request(std::string method, std::string url) const {
  egress::Request request{.method = std::move(method), .url = std::move(url), .trust = egress::Trust::kOperator};
  if (!request_.token.empty()) request.secret_header = "Authorization: Bearer " + request_.token;
  return request;
}

Result<Announced> Pull::announced() {
  Announced out;
  for (int renames = 0; renames <= kRenamesMax; ++renames) {
    egress::Request request = base_request("HEAD", url_);
    request.redirects_max = 0;   // WHY: what the hub says stands in its redirect to the storage
    auto response = client_.fetch(context_, request);
    if (!response) return failure(response.error());
    bool moved = response->status >= 300 && response->status < 400;
    std::string etag = header_of(*response, "x-linked-etag"), size = header_of(*response, "x-linked-size");
    std::string location = header_of(*response, "location");
    if (moved && etag.empty() && size.empty() && location.size() > 1 && location[0] == '/' && location[1] != '/') {
      url_ = request_.endpoint + location;
      continue;
    }
    if (!moved && (response->status < 200 || response->status > 299)) return status_failure(response->status);
    if (etag.rfind("W/", 0) == 0) etag.erase(0, 2);
    etag.erase(std::remove(etag.begin(), etag.end(), '"'), etag.end());
    if (is_sha256(etag)) out.sha256 = etag;
    out.bytes = number_of(size.empty() && !moved ? header_of(*response, "content-length") : size);
    out.commit = header_of(*response, "x-repo-commit");
    if (!plain_name(out.commit)) out.commit.clear();
    return out;
  }
  return unavailable(host_ + " redirects in a circle");
}

Error Pull::locked_failure(const std::string& other) const {
  Error error = failed_precondition("the hub now has other bytes for " + request_.repository + "/" + request_.file + ": their SHA-256 is " + other +
                                    ", the one locked when it was first pulled is " + locked_->sha256 +
                                    ". Nothing was changed; to take the new file, remove the model " + request_.id + " and pull it again");
  error.reason = "hash_locked";
  return error;
}

Status Pull::check_lock() const {
  if (locked_ && !hub_.sha256.empty() && hub_.sha256 != locked_->sha256) return locked_failure(hub_.sha256);
  return {};
}

// The locked file is whole on disk: nothing to fetch.
Result<bool> Pull::here_already() {
  std::error_code error;
  if (!locked_ || fs::file_size(folder_ + "/" + name_, error) != locked_->bytes || error) return false;
  TRY_ASSIGN(const std::string hash, hash_file(context_, folder_ + "/" + name_, [&](uint64_t done) {
               if (on_progress_) on_progress_({Progress::Step::kVerifying, done, locked_->bytes});
             }));
  return hash == locked_->sha256;
}

uint64_t Pull::part_bytes() const {
  std::error_code error;
  uint64_t bytes = fs::file_size(part_, error);
  return error ? 0 : bytes;
}

Status Pull::check_disk() const {
  if (hub_.bytes > kFileBytesMax) return resource_exhausted(request_.file + " is said to have " + human_bytes(hub_.bytes) + ", more than any model");
  std::error_code error;
  auto space = fs::space(folder_, error);
  if (error) return {};
  uint64_t missing = hub_.bytes - std::min(hub_.bytes, part_bytes());
  if (space.available >= missing && space.available - missing >= kDiskSpareBytes) return {};
  return resource_exhausted(
      request_.file + " needs " + human_bytes(missing + kDiskSpareBytes) + " of free disk, but " + request_.models_dir + " has " + human_bytes(space.available),
      "disk_full");
}

// One request for what is missing. On success the part is whole as far as the connection tells.
Status Pull::attempt(int fd) {
  uint64_t have = part_bytes();
  if (hub_.bytes && have > hub_.bytes) have = 0;
  Status written;
  egress::Request request = base_request("GET", url_);
  request.bytes_max = hub_.bytes ? hub_.bytes : kFileBytesMax;
  if (have > 0) request.headers = {{"Range", "bytes=" + std::to_string(have) + "-"}};
  request.on_head = [&](const egress::Response& head) {
    std::string range = header_of(head, "content-range");
    if (head.status == 206 && range.rfind("bytes " + std::to_string(have) + "-", 0) != 0) {
      written = data_loss(host_ + " sent another part of the file than was asked for");
      return false;
    }
    if (head.status != 206) have = 0;   // the whole file, from its beginning
    if (::ftruncate(fd, static_cast<off_t>(have)) != 0 || ::lseek(fd, static_cast<off_t>(have), SEEK_SET) < 0)
      written = unavailable(part_ + " cannot be written");
    return written.has_value();
  };
  auto response = client_.fetch(context_, request, [&](std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t count = ::write(fd, bytes.data(), bytes.size());
      if (count <= 0) {
        written = resource_exhausted(part_ + " cannot be written: the disk is full", "disk_full");
        return false;
      }
      have += static_cast<uint64_t>(count);
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    tell(Progress::Step::kDownloading, have);
    return true;
  });
  TRY(written);
  if (!response) return response.error();
  if (response->status == 416) {   // what is here does not fit what is there
    if (::ftruncate(fd, 0) != 0) return unavailable(part_ + " cannot be written");
    return unavailable(host_ + " refused to go on with the download");
  }
  if (response->status < 200 || response->status > 299) return status_failure(response->status);
  if (hub_.bytes && have != hub_.bytes) return unavailable(host_ + " sent " + std::to_string(have) + " of " + std::to_string(hub_.bytes) + " bytes");
  return {};
}

Status Pull::download() {
  Descriptor file(::open(part_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (file.get() < 0) return unavailable(part_ + " cannot be written");
  for (int attempts = 1; !hub_.bytes || part_bytes() != hub_.bytes; ++attempts) {
    uint64_t before = part_bytes();
    auto status = attempt(file.get());
    if (status) break;
    bool got_on = part_bytes() != before;
    if (status.error().code != Code::kUnavailable || !got_on || attempts == kAttemptsMax) return failure(status.error());
    log::info("model.pull_resumed", {{"file", request_.file}, {"bytes", part_bytes()}, {"after", status.error().message}});
  }
  if (::fsync(file.get()) != 0) return unavailable(part_ + " cannot be written to disk");
  return {};
}

Result<Manifest> Pull::install() {
  uint64_t bytes = part_bytes();
  TRY_ASSIGN(const std::string hash, hash_file(context_, part_, [&](uint64_t done) { tell(Progress::Step::kVerifying, done); }));
  std::error_code error;
  if (!hub_.sha256.empty() && hash != hub_.sha256) {
    fs::remove(part_, error);
    return data_loss("the download of " + request_.file + " is damaged: its SHA-256 is " + hash + ", the hub announced " + hub_.sha256 +
                     ". It was removed; pull again");
  }
  if (locked_ && hash != locked_->sha256) {
    fs::remove(part_, error);
    return locked_failure(hash);
  }
  fs::rename(part_, folder_ + "/" + name_, error);
  if (error) return unavailable(folder_ + "/" + name_ + " cannot be put in place: " + error.message());
  std::string version = hub_.commit.empty() ? request_.revision : hub_.commit;
  Manifest manifest = installed_.value_or(Manifest{.id = request_.id,
                                                   .kind = "language",
                                                   .name = name_,
                                                   .version = version,
                                                   .source = host_ + "/" + request_.repository + "@" + version,
                                                   .license = request_.license.empty() ? "see " + host_ + "/" + request_.repository : request_.license,
                                                   .format = format_of_file(request_.file)});
  manifest.folder = folder_;
  if (!locked_) manifest.files.push_back({name_, bytes, hash});
  TRY(write_manifest(folder_, manifest));
  return manifest;
}

Error Pull::failure(const Error& error) const {
  Error out = error;
  if (error.reason == "offline" || error.reason == "timeout") {
    out.reason = "offline";
    out.message = "the model hub cannot be reached: " + error.message + ". Without a network, copy " + name_ +
                  " here by other means and serve it with --model FILE, or set STRATA_HUB to a mirror";
  }
  if (uint64_t bytes = part_.empty() ? 0 : part_bytes(); bytes > 0)
    out.message += " (" + human_bytes(bytes) + " of " + name_ + " are kept; pulling again goes on from there)";
  return out;
}

Error Pull::status_failure(int status) const {
  std::string what = request_.repository + "/" + request_.file + " at " + request_.revision;
  if (status == 401 || status == 403)
    return permission_denied(host_ + " does not give " + what +
                             (request_.token.empty() ? ": it is private, gated, or not there. Accept its licence on its page and give a token"
                                                     : ": the token is not allowed to read it"));
  if (status == 404) return not_found(host_ + " has no " + what, "file", "file_not_found");
  return unavailable(host_ + " answered " + std::to_string(status) + " for " + what);
}

Result<Manifest> Pull::run() {
  TRY(prepare());
  Descriptor lock(::open((folder_ + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.get() < 0) return unavailable("the folder " + folder_ + " cannot be written");
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return failed_precondition("another pull of " + request_.id + " runs");
  std::error_code error;
  if (fs::exists(folder_ + "/manifest.json", error)) {
    TRY_ASSIGN(installed_, read_manifest(folder_));
    TRY(check_owner(*installed_));
    for (auto& file : installed_->files)
      if (file.path == name_) locked_ = &file;
  }
  TRY_ASSIGN(const bool here, here_already());
  auto announcement = announced();
  if (!announcement && here) return *installed_;   // offline, and nothing is needed
  if (!announcement) return announcement.error();
  hub_ = std::move(*announcement);
  TRY(check_lock());
  if (here) return *installed_;
  part_ = folder_ + "/" + name_ + "." + (hub_.sha256.empty() ? "new" : hub_.sha256.substr(0, 12)) + ".part";
  TRY(check_disk());
  TRY(download());
  return install();
}

}  // namespace

Result<Manifest> pull(const Context& context, egress::Client& client, const PullRequest& request, const std::function<void(const Progress&)>& on_progress) {
  return Pull(context, client, request, on_progress).run();
}

}  // namespace strata::hub
