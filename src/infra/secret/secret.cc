#include "infra/secret/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/crypto.h"
#include "base/file.h"

namespace strata::secret {
namespace {

using store::Row;

Error key_error(const std::string& doing, const std::string& path) {
  int number = errno;
  std::string message = doing + " the key of the secrets, " + path + ": " + std::strerror(number);
  if (number == ENOSPC || number == EDQUOT || number == EFBIG) return resource_exhausted(message, "disk_full");
  return failed_precondition(message);
}

void wipe(std::string& bytes) { explicit_bzero(bytes.data(), bytes.size()); }

// nullopt where there is no key yet.
Result<std::optional<std::string>> read_key(const std::string& path) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0 && errno == ENOENT) return std::optional<std::string>();
  struct stat info{};
  if (file.get() < 0 || fstat(file.get(), &info) != 0) return key_error("reading", path);
  if ((info.st_mode & 077) != 0)
    return failed_precondition("other users may read " + path + ", the key of the secrets: take their rights off it (chmod 600), and change the secrets");
  std::string key(kSealKeyBytes + 1, '\0');
  ssize_t size = read(file.get(), key.data(), key.size());
  if (size < 0) return key_error("reading", path);
  if (static_cast<size_t>(size) != kSealKeyBytes)
    return data_loss("the key of the secrets, " + path + ", has another length than 32 bytes: restore it from a backup");
  key.resize(kSealKeyBytes);
  return std::optional<std::string>(std::move(key));
}

// Written beside, synced, then linked into place: a crash leaves no half key, and an existing key is never overwritten.
Status write_key(const std::string& folder, const std::string& path, const std::string& key) {
  std::string temporary = path + ".new";
  unlink(temporary.c_str());
  {
    Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() < 0) return key_error("making", path);
    if (write(file.get(), key.data(), key.size()) != static_cast<ssize_t>(key.size()) || fsync(file.get()) != 0) return key_error("writing", path);
  }
  if (link(temporary.c_str(), path.c_str()) != 0) return key_error("placing", path);
  unlink(temporary.c_str());
  if (!sync_folder(folder)) return key_error("syncing", path);
  return {};
}

Status check_name(const std::string& name) {
  bool good = !name.empty() && name.size() <= Secrets::kNameBytesMax && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c < 128 && std::isalnum(c)) || std::string_view("-_./:").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (good) return {};
  return invalid_argument("a secret's name has 1 to 128 letters, digits and - _ . / :", "name");
}

// The name is sealed with the value, so that rows cannot be exchanged in the database.
std::string bound(const std::string& name, std::string_view value) { return name + std::string(1, '\0') + std::string(value); }

Error unknown(const std::string& name) { return not_found("no secret has the name '" + name + "'", "name"); }

}  // namespace

std::vector<store::Migration> Secrets::migrations() {
  return {{"secret", 1, "CREATE TABLE secrets(name TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL, updated_ms INTEGER NOT NULL)"}};
}

Result<std::unique_ptr<Secrets>> Secrets::open(const Context& context, store::Store& store, const Clock& clock) {
  std::string path = store.folder() + "/secret.key";
  TRY_ASSIGN(auto key, read_key(path));
  if (!key) {
    bool stored = false;
    TRY(store.read(context,
                   [&](store::Reader& reader) { return reader.query("SELECT 1 FROM secrets LIMIT 1", {}, [&](const Row&) { return stored = true, false; }); }));
    if (stored)
      return failed_precondition("the key of the secrets, " + path +
                                 ", is missing, though secrets are stored: restore it from a backup, or "
                                 "delete the rows of the table 'secrets' and set them anew");
    key = random_bytes(kSealKeyBytes);
    TRY(write_key(store.folder(), path, *key));
  }
  return std::unique_ptr<Secrets>(new Secrets(store, clock, std::move(*key)));
}

Secrets::~Secrets() { wipe(key_); }

Status Secrets::set(const Context& context, const std::string& name, std::string_view value) {
  TRY(check_name(name));
  if (value.empty() || value.size() > kValueBytesMax) return invalid_argument("a secret has 1 to 65,536 bytes, got " + std::to_string(value.size()), "value");
  std::string plain = bound(name, value);
  std::string sealed = seal(plain, key_);
  wipe(plain);
  return store_.write(context, [&](store::Transaction& transaction) -> Status {
    TRY(
        transaction.execute("INSERT INTO secrets(name, sealed, updated_ms) VALUES(?, ?, ?) ON CONFLICT(name) DO UPDATE SET "
                            "sealed = excluded.sealed, updated_ms = excluded.updated_ms",
                            {name, store::Blob{sealed}, clock_.unix_ms()}));
    return {};
  });
}

Result<std::string> Secrets::get(const Context& context, const std::string& name) {
  std::optional<std::string> sealed;
  TRY(store_.read(context, [&](store::Reader& reader) {
    return reader.query("SELECT sealed FROM secrets WHERE name = ?", {name}, [&](const Row& row) { return sealed = std::string(row.blob(0)), false; });
  }));
  if (!sealed) return unknown(name);
  auto plain = unseal(*sealed, key_);
  std::string prefix = bound(name, "");
  if (!plain || plain->compare(0, prefix.size(), prefix) != 0)
    return data_loss("the secret '" + name + "' cannot be opened with this data folder's key: set it anew");
  return plain->substr(prefix.size());
}

Status Secrets::remove(const Context& context, const std::string& name) {
  return store_.write(context, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(int64_t removed, transaction.execute("DELETE FROM secrets WHERE name = ?", {name}));
    if (removed == 0) return unknown(name);
    return {};
  });
}

Result<std::vector<Entry>> Secrets::list(const Context& context) {
  std::vector<Entry> entries;
  TRY(store_.read(context, [&](store::Reader& reader) {
    return reader.query("SELECT name, updated_ms FROM secrets ORDER BY name", {},
                        [&](const Row& row) { return entries.push_back({row.text(0), row.integer(1)}), true; });
  }));
  return entries;
}

}  // namespace strata::secret
