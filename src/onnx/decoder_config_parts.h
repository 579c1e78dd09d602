// What reading and writing decoder configurations share. Internal to them.
#pragma once

#include "base/json_reader.h"
#include "base/result.h"
#include "onnx/decoder_config.h"

namespace hearth::onnx {

/// Fills in the switches that the object "hearth_synth", if there is one, names.
Result<void> read_switches(const JsonReader& reader, GraphSwitches& switches);

}  // namespace hearth::onnx
