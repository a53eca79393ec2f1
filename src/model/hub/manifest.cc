#include "model/hub/manifest.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "model/hub/names.h"

namespace strata::hub {
namespace {

namespace fs = std::filesystem;

constexpr size_t kManifestBytesMax = 1u << 20;
constexpr size_t kHashPieceBytes = 1u << 20;

Result<std::string> read_small_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return not_found(path + " cannot be read");
  std::string text(kManifestBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kManifestBytesMax) return invalid_argument(path + " is over " + human_bytes(kManifestBytesMax));
  return text;
}

Result<std::string> text_field(const Json& json, std::string_view name, bool required) {
  if (!json.find(name) && !required) return std::string();
  return json[name].to_string(name);
}

Result<File> read_file(const Json& json) {
  File file;
  TRY_ASSIGN(file.path, text_field(json, "path", true));
  TRY_ASSIGN(const int64_t bytes, json["bytes"].to_int("bytes"));
  TRY_ASSIGN(file.sha256, text_field(json, "sha256", true));
  if (!plain_path(file.path)) return invalid_argument("files: \"" + file.path + "\" is not a plain relative path");
  if (bytes < 0) return invalid_argument("files: bytes is negative");
  if (!is_sha256(file.sha256)) return invalid_argument("files: sha256 is not 64 lower-case hex digits");
  file.bytes = static_cast<uint64_t>(bytes);
  return file;
}

Result<Manifest> parse_manifest(const std::string& text) {
  TRY_ASSIGN(const Json json, Json::parse(text));
  Manifest out;
  TRY_ASSIGN(out.id, text_field(json, "id", true));
  TRY_ASSIGN(out.kind, text_field(json, "kind", true));
  TRY_ASSIGN(out.name, text_field(json, "name", false));
  TRY_ASSIGN(out.version, text_field(json, "version", false));
  TRY_ASSIGN(out.source, text_field(json, "source", false));
  TRY_ASSIGN(out.license, text_field(json, "license", false));
  TRY_ASSIGN(out.format, text_field(json, "format", false));
  if (json.find("demo")) {
    TRY_ASSIGN(out.demo, json["demo"].to_bool("demo"));
  }
  if (!valid_id(out.id)) return invalid_argument("id \"" + out.id + "\" is not a plain lower-case name");
  if (out.kind != "language" && out.kind != "embedding") return invalid_argument("kind is neither \"language\" nor \"embedding\"");
  auto* files = json["files"].as_array();
  if (!files || files->empty()) return invalid_argument("files is not a list with at least one file");
  for (auto& entry : *files) {
    TRY_ASSIGN(File file, read_file(entry));
    out.files.push_back(std::move(file));
  }
  return out;
}

// Missing or of another size; the hash is verify()'s work.
std::string find_problem(const Manifest& manifest) {
  for (auto& file : manifest.files) {
    std::error_code error;
    uint64_t bytes = fs::file_size(manifest.folder + "/" + file.path, error);
    if (error) return file.path + " is missing";
    if (bytes != file.bytes) return file.path + " has " + std::to_string(bytes) + " bytes instead of " + std::to_string(file.bytes);
  }
  return "";
}

}  // namespace

Result<Manifest> read_manifest(const std::string& folder) {
  TRY_ASSIGN(const std::string text, read_small_file(folder + "/manifest.json"));
  auto manifest = parse_manifest(text);
  if (!manifest) return annotate(std::move(manifest.error()), folder + "/manifest.json");
  manifest->folder = folder;
  return manifest;
}

Status write_manifest(const std::string& folder, const Manifest& manifest) {
  Json files = Json::array();
  for (auto& file : manifest.files) files.push(Json::object({{"path", file.path}, {"bytes", file.bytes}, {"sha256", file.sha256}}));
  Json json = Json::object({{"id", manifest.id},
                            {"kind", manifest.kind},
                            {"name", manifest.name},
                            {"version", manifest.version},
                            {"source", manifest.source},
                            {"license", manifest.license},
                            {"format", manifest.format},
                            {"demo", manifest.demo},
                            {"files", files}});
  return replace_file(folder + "/manifest.json", json.dump(2) + "\n", 0644);   // models may be shared
}

Result<std::string> hash_file(const Context& context, const std::string& path, const std::function<void(uint64_t)>& on_bytes) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return not_found(path + " cannot be read");
  Sha256 hash;
  std::string piece(kHashPieceBytes, '\0');
  uint64_t done = 0;
  while (in) {
    TRY(context.check());
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    auto count = static_cast<size_t>(in.gcount());
    hash.update(std::string_view(piece).substr(0, count));
    done += count;
    if (on_bytes) on_bytes(done);
  }
  if (in.bad()) return data_loss(path + " cannot be read to its end");
  return hash.finish_hex();
}

Result<std::vector<Manifest>> list(const std::string& dir) {
  std::vector<Manifest> out;
  std::error_code error;
  for (auto at = fs::directory_iterator(dir, error); !error && at != fs::directory_iterator(); at.increment(error)) {
    std::error_code missing;
    if (!fs::exists(at->path() / "manifest.json", missing)) continue;
    auto manifest = read_manifest(at->path().string());
    if (!manifest) manifest = Manifest{.id = at->path().filename().string(), .folder = at->path().string(), .problem = manifest.error().message};
    else manifest->problem = find_problem(*manifest);
    out.push_back(std::move(*manifest));
  }
  if (error && error != std::errc::no_such_file_or_directory) return unavailable("the models folder " + dir + " cannot be read: " + error.message());
  std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.id < b.id; });
  return out;
}

Result<Manifest> find(const std::string& dir, const std::string& id) {
  TRY_ASSIGN(auto models, list(dir));
  std::string there;
  for (auto& model : models) {
    if (model.id == id) {
      if (!model.problem.empty()) return failed_precondition("model " + id + ": " + model.problem + "; pull or copy it again");
      return std::move(model);
    }
    there += (there.empty() ? "" : ", ") + model.id;
  }
  return not_found("there is no model \"" + id + "\" in " + dir + "; there is " + (there.empty() ? "none" : there), "model", "model_not_found");
}

Status verify(const Context& context, const Manifest& manifest) {
  for (auto& file : manifest.files) {
    TRY_ASSIGN(const std::string hash, hash_file(context, manifest.folder + "/" + file.path, nullptr));
    if (hash != file.sha256)
      return data_loss(manifest.id + "/" + file.path + " is not the file that was installed: its SHA-256 is " + hash + ", the manifest says " + file.sha256);
  }
  return {};
}

}  // namespace strata::hub
