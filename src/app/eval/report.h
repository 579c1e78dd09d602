// What `hearth eval` prints: the same figures for people and for programs.
#pragma once

#include <string>

#include "app/eval/evaluation.h"
#include "base/json_reader.h"

namespace hearth::app {

/// The keys of docs/eval.md.
OrderedJson evaluation_json(const Evaluation& evaluation);

std::string evaluation_text(const Evaluation& evaluation);

/// One line of JSON for each request: id, kind, right, what was written, confidence.
std::string answers_jsonl(const CasesReport& cases);

OrderedJson distribution_json(const eval::Distribution& distribution);

}  // namespace hearth::app
