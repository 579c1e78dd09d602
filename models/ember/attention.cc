// Causal grouped-query attention for training, forward and backward, in bfloat16 with AMX tiles.
//
// PyTorch's own backward pass takes most of a training step on a CPU.  Heads have 64 dimensions,
// lengths are multiples of 32. Layouts are those of the projections, nothing is transposed outside:
// q, out and their gradients [batch, length, heads, 64], k, v and theirs [batch, length, kv_heads,
// 64], lse [batch, heads, length].
//
// What a position sees is given by sight [batch, 3, length]: the positions of [begin, end), and
// those from start to itself. With start 0 that is plain causal attention; otherwise turns in one
// row can share a prefix and not see each other. end <= start <= position.
//
// Blocks are 32 positions by 32 positions, and scores are held transposed, S'[key][query]: then
// their rows are what the tile unit wants as left operand of dK and dV, what belongs to a query
// (lse, delta) is a vector, and only dQ comes out transposed. An operand on the right holds pairs
// of its inner dimension side by side in one 32-bit word.

#include <immintrin.h>
#include <pmmintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace {

using bf16 = std::uint16_t;

constexpr int kHead = 64;
constexpr int kBlock = 32;
constexpr int kTile = 16;

struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// While it lives this thread has its tiles, and denormal numbers, of which sharp attention makes
// many, count as zero: each would cost about 150 cycles.
class Unit {
 public:
  Unit() : control_(_mm_getcsr()) {
    const TileConfig config;
    _tile_loadconfig(&config);
    _mm_setcsr(control_ | _MM_FLUSH_ZERO_ON | _MM_DENORMALS_ZERO_ON);
  }
  ~Unit() {
    _tile_release();
    _mm_setcsr(control_);
  }
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;

 private:
  unsigned control_;
};

// C[32][32] (tiles 0 to 3, rows of c_stride floats) (+)= A[32][32 * steps] B[32 * steps][32].
// A: rows of a_stride elements, those of a step at a_of(step).  B: rows of pairs, b_stride words
// apart.
template <bool kAdd, class Left>
void multiply(float* c, int c_stride, const Left& a_of, int a_stride, const std::uint32_t* b,
              int b_stride, int steps) {
  const long c_bytes = c_stride * 4L, a_bytes = a_stride * 2L, b_bytes = b_stride * 4L;
  if constexpr (kAdd) {
    _tile_loadd(0, c, c_bytes);
    _tile_loadd(1, c + kTile, c_bytes);
    _tile_loadd(2, c + kTile * c_stride, c_bytes);
    _tile_loadd(3, c + kTile * c_stride + kTile, c_bytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int step = 0; step < steps; ++step) {
    const bf16* a = a_of(step);
    _tile_loadd(4, a, a_bytes);
    _tile_loadd(6, b + step * kTile * b_stride, b_bytes);
    _tile_loadd(7, b + step * kTile * b_stride + kTile, b_bytes);
    _tile_loadd(5, a + kTile * a_stride, a_bytes);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, c_bytes);
  _tile_stored(1, c + kTile, c_bytes);
  _tile_stored(2, c + kTile * c_stride, c_bytes);
  _tile_stored(3, c + kTile * c_stride + kTile, c_bytes);
}

// out[column][row] = in[row][column] for 16 x 16 words.
void transpose16(const void* in, long in_bytes, void* out, long out_bytes) {
  __m512i r[16], t[16];
  const char* from = static_cast<const char*>(in);
  for (int i = 0; i < 16; ++i) r[i] = _mm512_loadu_si512(from + i * in_bytes);
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  char* to = static_cast<char*>(out);
  for (int i = 0; i < 8; ++i) {
    _mm512_storeu_si512(to + i * out_bytes, _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88));
    _mm512_storeu_si512(to + (i + 8) * out_bytes, _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd));
  }
}

// pairs[d / 2][position] of one block of positions: the right operand whose inner dimension is the
// head's.
void head_pairs(const bf16* in, long stride, std::uint32_t* pairs) {
  for (int at = 0; at < kBlock; at += kTile) {
    for (int half = 0; half < 2; ++half) {
      transpose16(in + at * stride + half * 32, stride * 2, pairs + half * kTile * kBlock + at,
                  kBlock * 4L);
    }
  }
}

// pairs[position / 2][d]: the right operand whose inner dimension is the position.
void position_pairs(const bf16* in, long stride, int count, std::uint32_t* pairs) {
  for (int at = 0; at < count; at += 2) {
    for (int d = 0; d < kHead; d += kTile) {
      const auto even = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + at * stride + d));
      const auto odd =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + (at + 1) * stride + d));
      _mm512_storeu_si512(pairs + at / 2 * kHead + d,
                          _mm512_or_si512(_mm512_cvtepu16_epi32(even),
                                          _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16)));
    }
  }
}

// out[d][position] of one block of positions: the left operand whose inner dimension is the
// position.
void transposed(const bf16* in, long stride, bf16* out) {
  alignas(64) std::uint32_t words[kTile * kTile];
  for (int at = 0; at < kBlock; at += kTile) {
    for (int half = 0; half < 2; ++half) {
      transpose16(in + at * stride + half * 32, stride * 2, words, 64);
      for (int pair = 0; pair < kTile; ++pair) {
        const __m512i both = _mm512_load_si512(words + pair * kTile);
        bf16* row = out + (half * 32 + pair * 2) * kBlock + at;
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(row), _mm512_cvtepi32_epi16(both));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(row + kBlock),
                            _mm512_cvtepi32_epi16(_mm512_srli_epi32(both, 16)));
      }
    }
  }
}

// 2^x for x <= 0, to 2e-7; 0 below -126.
__m512 exp2_vector(__m512 x) {
  x = _mm512_max_ps(x, _mm512_set1_ps(-127.f));
  const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 f = _mm512_sub_ps(x, whole);
  __m512 y = _mm512_set1_ps(1.3333558e-3f);
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(9.6181291e-3f));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(5.5504109e-2f));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(2.4022651e-1f));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(6.9314718e-1f));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(1.f));
  return _mm512_scalef_ps(y, whole);
}

__m256i to_bf16(__m512 x) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)); }

__m512 from_bf16(const bf16* x) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(
      _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x))), 16));
}

__m512i paired(__m256i even, __m256i odd) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(even),
                         _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
}

enum class Seen { kNone, kPart, kAll };

// What the positions of one row see.
struct Sight {
  const int *begin, *end, *start;

  // Whether the queries of a block see the keys of another.
  Seen of(int first, int key) const {
    int seen = 0;
    for (int i = first; i < first + kBlock; ++i) {
      seen += std::max(0, std::min(end[i], key + kBlock) - std::max(begin[i], key)) +
              std::max(0, std::min(i + 1, key + kBlock) - std::max(start[i], key));
    }
    return seen == 0 ? Seen::kNone : seen == kBlock * kBlock ? Seen::kAll : Seen::kPart;
  }

  // Which of the queries first .. first + 15 see `key`.
  __mmask16 visible(int first, int key) const {
    const __m512i j = _mm512_set1_epi32(key);
    const __m512i i =
        _mm512_add_epi32(_mm512_set1_epi32(first),
                         _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    const __mmask16 prefix = _mm512_cmple_epi32_mask(_mm512_loadu_si512(begin + first), j) &
                             _mm512_cmplt_epi32_mask(j, _mm512_loadu_si512(end + first));
    return prefix | (_mm512_cmple_epi32_mask(_mm512_loadu_si512(start + first), j) &
                     _mm512_cmple_epi32_mask(j, i));
  }
};

constexpr float kLog2E = 1.44269504f, kLn2 = .69314718f, kScale = .125f;  // 1 / sqrt(64)

struct Shape {
  int batch, length, heads, kv_heads;

  Sight sight(const int* all, int b) const {
    const int* row = all + 3L * b * length;
    return {row, row + length, row + 2L * length};
  }
  long q_stride() const { return static_cast<long>(heads) * kHead; }
  long kv_stride() const { return static_cast<long>(kv_heads) * kHead; }
  long q_at(int b, int head) const { return b * length * q_stride() + head * kHead; }
  long kv_at(int b, int group) const { return b * length * kv_stride() + group * kHead; }
};

// in'[64][32] times `factor` of each column, as 32 rows of bfloat16.
void store_rows(const float* in, const __m512* factor, bf16* out, long stride) {
  alignas(64) float block[kTile * kTile];
  for (int d = 0; d < kHead; d += kTile) {
    for (int at = 0; at < kBlock; at += kTile) {
      alignas(64) float scaled[kTile * kTile];
      for (int row = 0; row < kTile; ++row) {
        _mm512_store_ps(
            scaled + row * kTile,
            _mm512_mul_ps(_mm512_loadu_ps(in + (d + row) * kBlock + at), factor[at / kTile]));
      }
      transpose16(scaled, 64, block, 64);
      for (int row = 0; row < kTile; ++row) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + (at + row) * stride + d),
                            to_bf16(_mm512_load_ps(block + row * kTile)));
      }
    }
  }
}

// Hides what the queries of a block do not see of the keys of another.
void hide(const Sight& sight, int first, int key, float* scores) {
  for (int row = 0; row < kBlock; ++row) {
    for (int at = 0; at < kBlock; at += kTile) {
      float* cell = scores + row * kBlock + at;
      _mm512_storeu_ps(
          cell, _mm512_mask_mov_ps(_mm512_set1_ps(-1e30f), sight.visible(first + at, key + row),
                                   _mm512_loadu_ps(cell)));
    }
  }
}

// One block of queries: probabilities of its keys, not normalised, in pairs of keys; the
// log-sum-exp.
void soften(float* scores, int keys, std::uint32_t* pairs, __m512* inverse, float* lse) {
  const __m512 scale = _mm512_set1_ps(kScale * kLog2E);
  for (int at = 0; at < kBlock; at += kTile) {
    __m512 most = _mm512_set1_ps(-1e30f), sum = _mm512_setzero_ps();
    for (int key = 0; key < keys; ++key)
      most = _mm512_max_ps(most, _mm512_loadu_ps(scores + key * kBlock + at));
    const __m512 shift = _mm512_mul_ps(most, scale);
    for (int key = 0; key < keys; key += 2) {
      const __m512 p0 =
          exp2_vector(_mm512_fmsub_ps(_mm512_loadu_ps(scores + key * kBlock + at), scale, shift));
      const __m512 p1 = exp2_vector(
          _mm512_fmsub_ps(_mm512_loadu_ps(scores + (key + 1) * kBlock + at), scale, shift));
      sum = _mm512_add_ps(sum, _mm512_add_ps(p0, p1));
      _mm512_storeu_si512(pairs + key / 2 * kBlock + at, paired(to_bf16(p0), to_bf16(p1)));
    }
    inverse[at / kTile] = _mm512_div_ps(_mm512_set1_ps(1.f), sum);
    alignas(64) float sums[kTile], shifts[kTile];
    _mm512_store_ps(sums, sum);
    _mm512_store_ps(shifts, shift);
    for (int i = 0; i < kTile; ++i) lse[at + i] = shifts[i] * kLn2 + __builtin_logf(sums[i]);
  }
}

void forward_group(const Shape& s, const Sight& sight, const bf16* k, const bf16* v, const bf16* q,
                   bf16* out, float* lse) {
  const int heads = s.heads / s.kv_heads;
  std::vector<bf16> values(static_cast<std::size_t>(kHead) * s.length);
  std::vector<float> scores(static_cast<std::size_t>(kBlock) * s.length), mixed(kHead * kBlock);
  std::vector<std::uint32_t> queries(kHead / 2 * kBlock),
      pairs(static_cast<std::size_t>(kBlock) / 2 * s.length);
  std::vector<int> seen;  // first keys of the blocks that matter
  for (int at = 0; at < s.length; at += kBlock)
    transposed(v + at * s.kv_stride(), s.kv_stride(), values.data() + at * kHead);
  for (int head = 0; head < heads; ++head) {
    for (int first = 0; first < s.length; first += kBlock) {
      head_pairs(q + head * kHead + first * s.q_stride(), s.q_stride(), queries.data());
      seen.clear();
      for (int key = 0; key <= first; key += kBlock) {
        const Seen how = sight.of(first, key);
        if (how == Seen::kNone) continue;
        float* block = scores.data() + static_cast<long>(seen.size()) * kBlock * kBlock;
        multiply<false>(
            block, kBlock, [&](int step) { return k + key * s.kv_stride() + step * kBlock; },
            static_cast<int>(s.kv_stride()), queries.data(), kBlock, kHead / kBlock);
        if (how == Seen::kPart) hide(sight, first, key, block);
        seen.push_back(key);
      }
      const int blocks = static_cast<int>(seen.size());
      __m512 inverse[2];
      soften(scores.data(), blocks * kBlock, pairs.data(), inverse,
             lse + static_cast<long>(head) * s.length + first);
      for (int d = 0; d < kHead; d += kBlock) {
        multiply<false>(
            mixed.data() + d * kBlock, kBlock,
            [&](int step) { return values.data() + seen[step] * kHead + d * kBlock; }, kBlock,
            pairs.data(), kBlock, blocks);
      }
      store_rows(mixed.data(), inverse, out + head * kHead + first * s.q_stride(), s.q_stride());
    }
  }
}

// What one block of keys and one of queries give: p' and ds' as left operands, ds' in pairs of keys
// as right operand.
struct BlockGradient {
  alignas(64) float scores[kBlock * kBlock], grad[kBlock * kBlock];
  alignas(64) bf16 p[kBlock * kBlock], ds[kBlock * kBlock];
  alignas(64) std::uint32_t ds_pairs[kBlock / 2 * kBlock];

  // Of the queries from `first` on and the keys from `key` on.
  void soften(const float* lse, const float* delta, const Sight& sight, int first, int key,
              bool part) {
    const __m512 scale = _mm512_set1_ps(kScale * kLog2E);
    __m512 shift[2], offset[2];
    for (int half = 0; half < 2; ++half) {
      shift[half] =
          _mm512_mul_ps(_mm512_loadu_ps(lse + first + half * kTile), _mm512_set1_ps(kLog2E));
      offset[half] = _mm512_loadu_ps(delta + first + half * kTile);
    }
    for (int row = 0; row < kBlock; row += 2) {
      __m512i ds16[2];
      for (int r = 0; r < 2; ++r) {
        __m512 value[2], slope[2];
        for (int half = 0; half < 2; ++half) {
          const int cell = (row + r) * kBlock + half * kTile;
          value[half] =
              exp2_vector(_mm512_fmsub_ps(_mm512_load_ps(scores + cell), scale, shift[half]));
          if (part) {
            value[half] = _mm512_maskz_mov_ps(sight.visible(first + half * kTile, key + row + r),
                                              value[half]);
          }
          slope[half] = _mm512_mul_ps(_mm512_mul_ps(value[half], _mm512_set1_ps(kScale)),
                                      _mm512_sub_ps(_mm512_load_ps(grad + cell), offset[half]));
        }
        ds16[r] = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(slope[1], slope[0]));
        _mm512_store_si512(p + (row + r) * kBlock,
                           reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(value[1], value[0])));
        _mm512_store_si512(ds + (row + r) * kBlock, ds16[r]);
      }
      std::uint32_t* pairs = ds_pairs + row / 2 * kBlock;
      _mm512_store_si512(pairs,
                         paired(_mm512_castsi512_si256(ds16[0]), _mm512_castsi512_si256(ds16[1])));
      _mm512_store_si512(pairs + kTile, paired(_mm512_extracti64x4_epi64(ds16[0], 1),
                                               _mm512_extracti64x4_epi64(ds16[1], 1)));
    }
  }
};

// What a query head needs besides k and v, in the layouts of the products.
struct Head {
  std::vector<std::uint32_t> q_by_head, q_by_position, grad_by_head, grad_by_position;
  std::vector<float> delta, grad_q;  // grad_q': for each block of positions [64][32]

  explicit Head(int length)
      : q_by_head(32 * length),
        q_by_position(32 * length),
        grad_by_head(32 * length),
        grad_by_position(32 * length),
        delta(length),
        grad_q(static_cast<std::size_t>(kHead) * length) {}

  void load(const Shape& s, const bf16* q, const bf16* out, const bf16* grad) {
    const long stride = s.q_stride();
    for (int at = 0; at < s.length; at += kBlock) {
      head_pairs(q + at * stride, stride, q_by_head.data() + at * kBlock);
      head_pairs(grad + at * stride, stride, grad_by_head.data() + at * kBlock);
    }
    position_pairs(q, stride, s.length, q_by_position.data());
    position_pairs(grad, stride, s.length, grad_by_position.data());
    for (int i = 0; i < s.length; ++i) {
      __m512 sum = _mm512_setzero_ps();
      for (int d = 0; d < kHead; d += kTile) {
        sum =
            _mm512_fmadd_ps(from_bf16(out + i * stride + d), from_bf16(grad + i * stride + d), sum);
      }
      delta[i] = _mm512_reduce_add_ps(sum);
    }
    grad_q.assign(grad_q.size(), 0.f);
  }
};

void store_bf16(const float* in, int rows, bf16* out, long stride) {
  for (int row = 0; row < rows; ++row) {
    for (int d = 0; d < kHead; d += kTile) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + row * stride + d),
                          to_bf16(_mm512_loadu_ps(in + row * kHead + d)));
    }
  }
}

struct Gradients {
  bf16 *q, *k, *v;
};

void backward_group(const Shape& s, const Sight& sight, const bf16* k, const bf16* v, const bf16* q,
                    const bf16* out, const bf16* grad, const float* lse, Gradients to) {
  const int heads = s.heads / s.kv_heads, length = s.length;
  const long stride = s.kv_stride();
  const int kv_stride = static_cast<int>(stride);
  std::vector<bf16> keys(static_cast<std::size_t>(kHead) * length);
  std::vector<float> grad_k(static_cast<std::size_t>(kHead) * length), grad_v(grad_k.size());
  for (int at = 0; at < length; at += kBlock)
    transposed(k + at * s.kv_stride(), kv_stride, keys.data() + at * kHead);
  Head head(length);
  BlockGradient block;
  for (int h = 0; h < heads; ++h) {
    head.load(s, q + h * kHead, out + h * kHead, grad + h * kHead);
    const float* head_lse = lse + static_cast<long>(h) * length;
    for (int key = 0; key < length; key += kBlock) {
      for (int first = key; first < length; first += kBlock) {
        const Seen how = sight.of(first, key);
        if (how == Seen::kNone) continue;
        multiply<false>(
            block.scores, kBlock, [&](int step) { return k + key * stride + step * kBlock; },
            kv_stride, head.q_by_head.data() + first * kBlock, kBlock, kHead / kBlock);
        multiply<false>(
            block.grad, kBlock, [&](int step) { return v + key * stride + step * kBlock; },
            kv_stride, head.grad_by_head.data() + first * kBlock, kBlock, kHead / kBlock);
        block.soften(head_lse, head.delta.data(), sight, first, key, how == Seen::kPart);
        for (int d = 0; d < kHead; d += kBlock) {
          multiply<true>(
              grad_v.data() + key * kHead + d, kHead, [&](int) { return block.p; }, kBlock,
              head.grad_by_position.data() + first / 2 * kHead + d, kHead, 1);
          multiply<true>(
              grad_k.data() + key * kHead + d, kHead, [&](int) { return block.ds; }, kBlock,
              head.q_by_position.data() + first / 2 * kHead + d, kHead, 1);
          multiply<true>(
              head.grad_q.data() + first * kHead + d * kBlock, kBlock,
              [&](int) { return keys.data() + key * kHead + d * kBlock; }, kBlock, block.ds_pairs,
              kBlock, 1);
        }
      }
    }
    const __m512 ones[2] = {_mm512_set1_ps(1.f), _mm512_set1_ps(1.f)};
    for (int first = 0; first < length; first += kBlock) {
      store_rows(head.grad_q.data() + first * kHead, ones, to.q + h * kHead + first * s.q_stride(),
                 s.q_stride());
    }
  }
  store_bf16(grad_k.data(), length, to.k, kv_stride);
  store_bf16(grad_v.data(), length, to.v, kv_stride);
}

}  // namespace

extern "C" {

// Asks the kernel for the tile registers; false if there are none.
bool ember_attention_ready() {
  constexpr int kArchReqXcompPerm = 0x1023, kXtileData = 18;
  return __builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("avx512bf16") &&
         syscall(SYS_arch_prctl, kArchReqXcompPerm, kXtileData) == 0;
}

void ember_attention(int batch, int length, int heads, int kv_heads, const bf16* q, const bf16* k,
                     const bf16* v, const int* sight, bf16* out, float* lse) {
  const Shape s{batch, length, heads, kv_heads};
  const int group_heads = heads / kv_heads;
#pragma omp parallel for schedule(dynamic)
  for (int task = 0; task < batch * kv_heads; ++task) {
    const Unit unit;
    const int b = task / kv_heads, group = task % kv_heads, head = group * group_heads;
    forward_group(s, s.sight(sight, b), k + s.kv_at(b, group), v + s.kv_at(b, group),
                  q + s.q_at(b, head), out + s.q_at(b, head),
                  lse + (static_cast<long>(b) * heads + head) * length);
  }
}

void ember_attention_backward(int batch, int length, int heads, int kv_heads, const bf16* q,
                              const bf16* k, const bf16* v, const int* sight, const bf16* out,
                              const bf16* grad, const float* lse, bf16* grad_q, bf16* grad_k,
                              bf16* grad_v) {
  const Shape s{batch, length, heads, kv_heads};
  const int group_heads = heads / kv_heads;
#pragma omp parallel for schedule(dynamic)
  for (int task = 0; task < batch * kv_heads; ++task) {
    const Unit unit;
    const int b = task / kv_heads, group = task % kv_heads, head = group * group_heads;
    const long at = s.q_at(b, head), kv_at = s.kv_at(b, group);
    backward_group(s, s.sight(sight, b), k + kv_at, v + kv_at, q + at, out + at, grad + at,
                   lse + (static_cast<long>(b) * heads + head) * length,
                   {grad_q + at, grad_k + kv_at, grad_v + kv_at});
  }
}

}  // extern "C"
