// Tables of cos and sin for rotary position embedding, plain and LongRoPE.
#pragma once

#include <cstdint>
#include <span>

#include "onnx/decoder_config.h"

namespace hearth::onnx {

/// Which rows a table holds. kJoined is the short table followed by the long one, as graphs with
/// position ids use it.
enum class RotaryTable { kPlain, kShort, kLong, kJoined };

/// Rows of `table`: positions, or both counts together for kJoined.
std::int64_t rotary_rows(const DecoderConfig& config, RotaryTable table);

/// LongRoPE's factor on cos and sin of both tables: sqrt(1 + ln(max / original) / ln(original));
/// 1 without LongRoPE or where max is original.
double rotary_magnitude(const DecoderConfig& config);

/// Writes rows [first_row, first_row + out.size() / (rotary_dim / 2)) of the cos (or sin) table:
/// trig(position / (factor_j * theta^(2j / rotary_dim))) * magnitude, factor_j being LongRoPE's or
/// FrequencyScaling's. Frequencies and angles are
/// rounded to float before the trigonometry, as the published tables were made.
void fill_rotary_rows(const DecoderConfig& config, RotaryTable table, bool sine,
                      std::int64_t first_row, std::span<float> out);

}  // namespace hearth::onnx
