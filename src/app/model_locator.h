// From what a user calls a model to the folder it is in.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/environment.h"
#include "app/model_variants.h"
#include "app/settings/settings.h"
#include "base/result.h"

namespace hearth::app {

/// A folder with a genai_config.json, under the name it can be asked for.
struct KnownModel {
  std::string name;  ///< "ember", or "phi-4-mini/cpu-int4" where a model has several variants
  std::filesystem::path folder;
  std::filesystem::path home;  ///< the model's own folder under a root; `folder` is in it, or is it
};

/// Where models are looked for by name: HEARTH_MODELS_DIR (else the data folder's models/), then
/// the box in Hearth's home.
std::vector<std::filesystem::path> model_roots(const Environment& environment);

/// The same for messages: "A and B".
std::string roots_in_words(const Environment& environment);

/// Models in these folders, in this order, each sorted by name. What several of them hold of one
/// model are its variants; of one variant, or of a model whose folder is its only variant, the
/// first folder's counts. Folders that cannot be read are passed over.
std::vector<KnownModel> known_models(const Environment& environment);

struct LocatedModel {
  std::filesystem::path folder;
  /// The .onnx file the user named; it must be the one that genai_config.json names.
  std::optional<std::string> model_file_name;
};

/// `text` is a folder or a .onnx file when it begins with "/", "./", "../" or "~/"; else the name
/// of a known model, regardless of case; else a path after all. NAME alone means its only variant,
/// or the one called int4; NAME/VARIANT may leave out folders in between. kNotFound listing the
/// known names. `origin` says in errors who asked.
Result<LocatedModel> locate_model(const std::string& text, const std::string& origin,
                                  const Environment& environment);

/// kNotFound when the user named another .onnx file than `model_file`, the one that the folder's
/// genai_config.json names.
Result<void> check_named_file(const LocatedModel& located, const std::filesystem::path& model_file);

/// The model that the settings ask for: modelPath, else modelId, else ember; with `variant`, that
/// one of its variants, which is the named folder itself where it is one. Errors of the latter as
/// of choose_variant().
Result<LocatedModel> locate_model(const Settings& settings, const Environment& environment);

/// All variants of the model that the settings ask for, whichever of them is named.
Result<ModelFamily> locate_family(const Settings& settings, const Environment& environment);

}  // namespace hearth::app
