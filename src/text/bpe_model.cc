#include "text/bpe_model.h"

#include <vector>

namespace hearth::text {
namespace {

std::array<TokenId, 256> find_byte_ids(const Vocabulary& vocabulary) {
  std::array<TokenId, 256> ids{};
  for (std::size_t byte = 0; byte < ids.size(); ++byte) {
    const char c = static_cast<char>(byte);
    ids[byte] = vocabulary.find({&c, 1}).id;
  }
  return ids;
}

std::vector<bool> find_stable(const BpeModel& model) {
  std::vector<bool> stable(model.vocabulary.size());
  Bpe bpe(model.merges, model.byte_ids);
  std::vector<TokenId> merged;
  for (std::size_t i = 0; i < stable.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string_view text = model.vocabulary.text(id);
    if (text.empty()) continue;
    merged.clear();
    stable[i] = !bpe.append(text, merged) && merged.size() == 1 && merged[0] == id;
  }
  return stable;
}

}  // namespace

BpeModel BpeModel::build(Vocabulary vocabulary, MergeTable merges) {
  BpeModel model{std::move(vocabulary), std::move(merges), {}};
  model.byte_ids = find_byte_ids(model.vocabulary);
  model.vocabulary = model.vocabulary.with_stable(find_stable(model));
  return model;
}

}  // namespace hearth::text
