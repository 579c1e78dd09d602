// The variants of one model side by side.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "app/model_variants.h"
#include "base/json_reader.h"
#include "base/result.h"

namespace hearth::app {

/// One variant: measured, or why it was not.
struct VariantResult {
  std::string variant;
  std::string folder;      ///< empty: there is none, or none could be chosen
  std::string problem;     ///< how to get it where it is missing, or what went wrong
  OrderedJson evaluation;  ///< what `hearth eval --json` printed; null where there is a problem
  bool missing = false;    ///< the model has no such variant
};

/// Measures a folder; what it returns is the output of `hearth eval --speed --json`.
using MeasureVariant =
    std::function<Result<OrderedJson>(const std::string& folder, const std::string& variant)>;

/// Every variant there could be, in the order of variant_names(). A failure of `measure` becomes
/// that variant's problem, but for kCancelled, which ends it.
Result<std::vector<VariantResult>> compare_variants(const ModelFamily& family,
                                                    const MeasureVariant& measure);

/// Whether a variant that is there could not be measured, or none was measured at all.
bool measuring_failed(const std::vector<VariantResult>& results);

/// optimization_comparison.json: docs/eval.md lists its keys.
OrderedJson comparison_json(const ModelFamily& family, const std::vector<VariantResult>& results);

/// A table, one column a variant, with what is missing below it.
std::string comparison_text(const ModelFamily& family, const std::vector<VariantResult>& results);

}  // namespace hearth::app
