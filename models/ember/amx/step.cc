// The loss of a batch and its gradients, in bfloat16 with AMX tiles and float32 sums: what
// PyTorch's forward and backward pass give, in a fraction of the time on a CPU.
//
// PyTorch does one operation after the other over the whole batch, and on a model this small most
// of the time goes into writing and reading what lies between. Here a thread takes one row of the
// batch through the whole model and back; what lies between stays in its caches, and what the way
// back needs is kept in 15 MB a thread. Rows are taken as threads become free.

#include <omp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "head.h"
#include "layer.h"

namespace ember {
namespace {

// One thread's memory.
struct Worker {
  Worker(const Config& c, int length)
      : space(c, length),
        head(c, length),
        x(length * c.hidden),
        grad(length * c.hidden),
        embedding(static_cast<std::size_t>(c.vocabulary) * c.hidden) {
    for (int i = 0; i < c.layers; ++i) {
      records.emplace_back(c, length);
      gradients.emplace_back(c);
    }
  }

  Workspace space;
  HeadStep head;
  Buffer<float> x, grad, embedding;
  std::vector<LayerRecord> records;
  std::vector<LayerGradients> gradients;
  Score score;
};

class Step {
 public:
  Step(const Config& c, int length, int threads)
      : c_(c),
        length_(length),
        head_(c.vocabulary * c.hidden),
        head_back_(c.vocabulary * c.hidden) {
    for (int i = 0; i < c.layers; ++i) packed_.emplace_back(c_);
    for (int i = 0; i < threads; ++i) workers_.push_back(std::make_unique<Worker>(c_, length));
  }

  bool fits(const Config& c, int length, int threads) const {
    return std::memcmp(&c, &c_, sizeof c) == 0 && length == length_ &&
           threads == static_cast<int>(workers_.size());
  }

  // `embedding` is looked up, `head` (the same with what int4 rounding adds) is the output matrix;
  // both gradients are added to `embedding_grad`.
  Score run(const Batch& batch, const float* embedding, const float* head, const float* final_norm,
            const Layer* layers, float* embedding_grad, float* final_norm_grad,
            const Layer* layer_grads) {
    const int threads = static_cast<int>(workers_.size());
#pragma omp parallel num_threads(threads)
    {
      const Unit unit;
#pragma omp for schedule(dynamic)
      for (int i = 0; i <= c_.layers; ++i) {
        if (i < c_.layers) {
          packed_[i].pack(c_, layers[i]);
        } else {
          pack_forward(
              head, c_.vocabulary, c_.hidden, [](int t) { return t * kTile; }, head_.data());
          pack_backward(head, c_.vocabulary, c_.hidden, head_back_.data());
        }
      }
      Worker& worker = *workers_[omp_get_thread_num()];
      worker.score = {};
#pragma omp for schedule(dynamic)
      for (int r = 0; r < batch.rows; ++r) run_row(batch, r, embedding, final_norm, layers, worker);
#pragma omp for schedule(dynamic)
      for (int i = 0; i <= c_.layers; ++i) {
        for (auto& other : workers_) {
          if (i < c_.layers) {
            other->gradients[i].give(layer_grads[i], c_.hidden);
          } else {
            other->head.give(embedding_grad, final_norm_grad);
            for (int j = 0; j < c_.vocabulary * c_.hidden; ++j)
              embedding_grad[j] += other->embedding[j];
            other->embedding.zero();
          }
        }
      }
    }
    Score all;
    for (const auto& worker : workers_) {
      all.loss += worker->score.loss;
      all.right += worker->score.right;
    }
    return all;
  }

 private:
  static Targets targets_of(const Batch& batch, int row) {
    float total = 0;
    for (int i = 0; i < batch.targets; ++i) total += batch.weights[i];
    Targets made;
    for (int i = 0; i < batch.targets; ++i) {
      if (batch.positions[i] / batch.length != row || batch.weights[i] == 0) continue;
      made.tokens.push_back(static_cast<int>(batch.positions[i] % batch.length));
      made.expected.push_back(batch.expected[i]);
      made.worth.push_back(batch.weights[i] / total);
    }
    return made;
  }

  void run_row(const Batch& batch, int r, const float* embedding, const float* final_norm,
               const Layer* layers, Worker& worker) {
    const long at = static_cast<long>(r) * batch.length;
    const int* sight = batch.sight + 3 * at;
    RowView row{batch.length, {sight, sight + batch.length, sight + 2L * batch.length},
                nullptr,      batch.places + at,
                batch.cos,    batch.sin};
    const SeenBlocks seen(row.sight, row.length);
    row.seen = &seen;
    float *x = worker.x.data(), *grad = worker.grad.data();
    for (int t = 0; t < row.length; ++t)
      std::copy_n(embedding + batch.ids[at + t] * c_.hidden, c_.hidden, x + t * c_.hidden);
    for (int i = 0; i < c_.layers; ++i)
      LayerStep(c_, layers[i], packed_[i], worker.space).forward(row, x, worker.records[i]);
    worker.head.run(targets_of(batch, r), x, row.length, final_norm, head_.data(),
                    head_back_.data(), grad, worker.score);
    for (int i = c_.layers - 1; i >= 0; --i) {
      LayerStep(c_, layers[i], packed_[i], worker.space)
          .backward(row, worker.records[i], grad, worker.gradients[i]);
    }
    for (int t = 0; t < row.length; ++t) {
      float* to = worker.embedding.data() + batch.ids[at + t] * c_.hidden;
      for (int i = 0; i < c_.hidden; ++i) to[i] += grad[t * c_.hidden + i];
    }
  }

  const Config c_;
  int length_;
  std::vector<PackedLayer> packed_;
  Buffer<bf16> head_, head_back_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace
}  // namespace ember

using namespace ember;

extern "C" {

// Asks the kernel for the tile registers; false if there are none.
bool ember_ready() {
  constexpr int kArchReqXcompPerm = 0x1023, kXtileData = 18;
  return __builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("avx512bf16") &&
         syscall(SYS_arch_prctl, kArchReqXcompPerm, kXtileData) == 0;
}

// Adds the gradients of `batch`'s loss; score [2] becomes the loss and the share of right tokens.
// Heads have 64 dimensions, lengths and sizes are multiples of 32. Not for several threads at once.
void ember_gradients(const Config* config, const Batch* batch, int threads, const float* embedding,
                     const float* head, const float* final_norm, const Layer* layers,
                     float* embedding_grad, float* final_norm_grad, const Layer* layer_grads,
                     double* score) {
  static std::vector<std::unique_ptr<Step>> steps;  // one for each length of rows
  auto fitting = std::find_if(steps.begin(), steps.end(), [&](const auto& step) {
    return step->fits(*config, batch->length, threads);
  });
  if (fitting == steps.end()) {
    steps.push_back(std::make_unique<Step>(*config, batch->length, threads));
    fitting = steps.end() - 1;
  }
  const Score all = (*fitting)->run(*batch, embedding, head, final_norm, layers, embedding_grad,
                                    final_norm_grad, layer_grads);
  score[0] = all.loss;
  score[1] = all.right;
}

}  // extern "C"
