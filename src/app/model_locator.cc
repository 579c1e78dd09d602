#include "app/model_locator.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <system_error>

#include "app/settings/names.h"
#include "base/ascii.h"

namespace hearth::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultModel = "ember";
constexpr const char* kDefaultVariant = "int4";

/// A model folder below a root.
struct FoundFolder {
  std::string base;     ///< the name of the model
  std::string variant;  ///< the rest of the path; empty when the model's folder is the variant
  fs::path folder;
  fs::path home;
  std::size_t root = 0;  ///< the first one's models count first
};

/// Whether one of an earlier root takes `later`'s place: the same variant, or one of the two is all
/// that there is of the model.
bool hides(const FoundFolder& earlier, const FoundFolder& later) {
  return earlier.root < later.root && ascii_lowered(earlier.base) == ascii_lowered(later.base) &&
         (earlier.variant.empty() || later.variant.empty() ||
          ascii_lowered(earlier.variant) == ascii_lowered(later.variant));
}

std::vector<FoundFolder> find_folders(const std::vector<fs::path>& roots) {
  std::vector<FoundFolder> found;
  for (std::size_t root = 0; root < roots.size(); ++root) {
    for (const fs::path& home : sub_folders(roots[root])) {
      for (const fs::path& folder : variant_folders(home)) {
        const std::string variant =
            folder == home ? std::string() : folder.lexically_relative(home).string();
        FoundFolder one{home.filename().string(), variant, folder, home, root};
        const bool hidden = std::any_of(found.begin(), found.end(), [&](const FoundFolder& other) {
          return hides(other, one);
        });
        if (!hidden) found.push_back(std::move(one));
      }
    }
  }
  return found;
}

/// Known models that `asked` may mean; several only when it names a model with several variants.
std::vector<const KnownModel*> matches(const std::vector<KnownModel>& models,
                                       const std::string& asked) {
  const std::string wanted = ascii_lowered(asked);
  std::vector<const KnownModel*> found;
  for (const KnownModel& model : models) {
    const std::string name = ascii_lowered(model.name);
    if (name == wanted) return {&model};
    const auto slash = wanted.find('/');
    const std::string base = wanted.substr(0, slash);
    if (!name.starts_with(base + "/") && name != base) continue;
    // NAME, or NAME/VARIANT where the variant's folder may be deeper (or the only one).
    const std::string inside = "/" + ascii_lowered(model.folder.string());
    if (slash == std::string::npos || inside.ends_with(wanted.substr(slash))) {
      found.push_back(&model);
    }
  }
  if (found.size() > 1 && wanted.find('/') == std::string::npos) {
    for (const KnownModel* model : found) {
      if (ascii_lowered(model->folder.filename().string()) == kDefaultVariant) return {model};
    }
  }
  return found;
}

std::string list_names(const std::vector<KnownModel>& models) {
  std::vector<std::string> names;
  for (const KnownModel& model : models) names.push_back(model.name);
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

Result<LocatedModel> locate_path(const fs::path& path, const std::string& origin) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return LocatedModel{path, std::nullopt};
  if (fs::is_regular_file(path, ignored) && path.extension() == ".onnx") {
    const fs::path parent = path.parent_path();
    return LocatedModel{parent.empty() ? fs::path(".") : parent, path.filename().string()};
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("{}: {} is neither a folder nor a .onnx file", origin, path.string()));
}

bool is_surely_a_path(const std::string& text) {
  return text.starts_with("/") || text.starts_with("./") || text.starts_with("../") ||
         text.starts_with("~/") || text == "." || text == ".." || text == "~";
}

tl::unexpected<Error> unknown(const std::string& text, const std::string& origin,
                              const std::vector<KnownModel>& models,
                              const Environment& environment) {
  std::vector<std::string_view> names;
  for (const KnownModel& model : models) names.push_back(model.name);
  return fail(
      ErrorCode::kNotFound,
      fmt::format("{}: no model and no folder \"{}\"{}; known models: {} (looked for in {})",
                  origin, text, did_you_mean(text, names), list_names(models),
                  roots_in_words(environment)));
}

/// Nothing when no known model is meant.
Result<std::optional<LocatedModel>> locate_name(const std::vector<KnownModel>& models,
                                                const std::string& text,
                                                const std::string& origin) {
  const std::vector<const KnownModel*> found = matches(models, text);
  if (found.empty()) return std::optional<LocatedModel>();
  if (found.size() == 1) return std::optional(LocatedModel{found.front()->folder, std::nullopt});
  std::vector<std::string> names;
  for (const KnownModel* model : found) names.push_back(model->name);
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: \"{}\" has several variants; write one of {}", origin, text,
                          fmt::join(names, ", ")));
}

}  // namespace

std::string roots_in_words(const Environment& environment) {
  std::string text;
  for (const fs::path& root : model_roots(environment)) {
    text += (text.empty() ? "" : " and ") + root.string();
  }
  return text;
}

std::vector<fs::path> model_roots(const Environment& environment) {
  const auto models_dir = environment.get("HEARTH_MODELS_DIR");
  return {models_dir ? environment.expand_home(*models_dir) : environment.data_folder() / "models",
          environment.hearth_home() / "models"};
}

std::vector<KnownModel> known_models(const Environment& environment) {
  const std::vector<FoundFolder> found = find_folders(model_roots(environment));
  std::map<std::string, int> variants;
  for (const FoundFolder& one : found) ++variants[ascii_lowered(one.base)];
  std::vector<KnownModel> models;
  for (const FoundFolder& one : found) {
    const bool whole = one.variant.empty() || variants[ascii_lowered(one.base)] == 1;
    models.push_back({whole ? one.base : one.base + "/" + one.variant, one.folder, one.home});
  }
  return models;
}

Result<LocatedModel> locate_model(const std::string& text, const std::string& origin,
                                  const Environment& environment) {
  if (is_surely_a_path(text)) return locate_path(environment.expand_home(text), origin);
  const std::vector<KnownModel> models = known_models(environment);
  HEARTH_TRY(const auto by_name, locate_name(models, text, origin));
  if (by_name) return *by_name;
  std::error_code ignored;
  if (fs::exists(text, ignored)) return locate_path(text, origin);
  return unknown(text, origin, models, environment);
}

Result<void> check_named_file(const LocatedModel& located, const fs::path& model_file) {
  const std::string file_name = model_file.filename().string();
  if (!located.model_file_name || *located.model_file_name == file_name) return {};
  return fail(ErrorCode::kNotFound,
              fmt::format("{} is not the model of its folder: genai_config.json names {}",
                          *located.model_file_name, file_name));
}

namespace {

/// What the settings call the model, and who said so.
struct AskedModel {
  std::vector<std::string> names;  // to be tried in this order
  std::string origin;
  bool may_be_path = true;
};

AskedModel asked_model(const Settings& settings) {
  if (const ResolvedValue* path = settings.find(SettingId::kModelPath)) {
    return {{std::get<std::string>(path->value)}, path->origin.words};
  }
  const ResolvedValue* id = settings.find(SettingId::kModelId);
  if (id == nullptr) return {{kDefaultModel}, "the model in the box"};
  const auto& text = std::get<std::string>(id->value);
  return {{text, text.substr(text.rfind('/') + 1)}, id->origin.words, false};
}

/// The folder that is meant without a look at its variants.
Result<LocatedModel> locate_asked(const AskedModel& asked, const Environment& environment) {
  if (asked.may_be_path) return locate_model(asked.names.front(), asked.origin, environment);
  const std::vector<KnownModel> models = known_models(environment);
  for (const std::string& name : asked.names) {
    HEARTH_TRY(const auto found, locate_name(models, name, asked.origin));
    if (found) return *found;
  }
  return unknown(asked.names.front(), asked.origin, models, environment);
}

bool has_weights(const fs::path& home) {
  std::error_code ignored;
  return fs::is_directory(home / "weights", ignored);
}

/// All variants of a known model.
ModelFamily family_of_known(const std::vector<KnownModel>& models, const KnownModel& model) {
  ModelFamily family;
  family.name = model.name.substr(0, model.name.find('/'));
  family.home = model.home;
  for (const KnownModel& other : models) {
    if (ascii_lowered(other.name.substr(0, other.name.find('/'))) != ascii_lowered(family.name)) {
      continue;
    }
    family.folders.push_back(other.folder);
    // What is missing is made beside the weights, the named model's before others'.
    if (!has_weights(family.home) && has_weights(other.home)) family.home = other.home;
  }
  return family;
}

/// A path may lead into a known model's folder, whose variants need not be named alike.
ModelFamily family_of_path(const std::vector<KnownModel>& models, const fs::path& path) {
  for (const KnownModel& model : models) {
    std::error_code ignored;
    if (fs::equivalent(model.folder, path, ignored) || fs::equivalent(model.home, path, ignored)) {
      return family_of_known(models, model);
    }
  }
  return family_of_folder(path);
}

}  // namespace

Result<LocatedModel> locate_model(const Settings& settings, const Environment& environment) {
  const AskedModel asked = asked_model(settings);
  const ResolvedValue* variant = settings.find(SettingId::kVariant);
  if (variant == nullptr) return locate_asked(asked, environment);
  const auto& wanted = std::get<std::string>(variant->value);
  auto named = locate_asked(asked, environment);
  if (named && is_model_folder(named->folder) && variant_of(named->folder) == wanted) return named;
  HEARTH_TRY(const ModelFamily family, locate_family(settings, environment));
  HEARTH_TRY(const fs::path folder, choose_variant(family, wanted, variant->origin.words));
  return LocatedModel{folder, std::nullopt};
}

Result<ModelFamily> locate_family(const Settings& settings, const Environment& environment) {
  const AskedModel asked = asked_model(settings);
  const std::vector<KnownModel> models = known_models(environment);
  const std::string& text = asked.names.front();
  if (asked.may_be_path && is_surely_a_path(text)) {
    HEARTH_TRY(const LocatedModel located,
               locate_path(environment.expand_home(text), asked.origin));
    return family_of_path(models, located.folder);
  }
  for (const std::string& name : asked.names) {
    const std::vector<const KnownModel*> found = matches(models, name);
    if (!found.empty()) return family_of_known(models, *found.front());
  }
  std::error_code ignored;
  if (asked.may_be_path && fs::exists(text, ignored)) {
    HEARTH_TRY(const LocatedModel located, locate_path(text, asked.origin));
    return family_of_path(models, located.folder);
  }
  return unknown(text, asked.origin, models, environment);
}

}  // namespace hearth::app
