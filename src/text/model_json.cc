#include "text/model_json.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/byte_level.h"

namespace hearth::text {
namespace {

tl::unexpected<Error> corrupt(const TokenizerFile& file, const std::string& key,
                              const std::string& what) {
  return fail(ErrorCode::kCorrupt, file.source + ": " + key + ": " + what);
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string vocab_key(std::string_view spelling) { return "model.vocab[" + quoted(spelling) + "]"; }

/// "model", after a look at what would make it another kind of model.
Result<JsonReader> bpe_settings(const TokenizerFile& file) {
  const auto found = file.settings.find("model");
  if (found == file.settings.end() || !found->is_object()) {
    return corrupt(file, "model", "expected an object");
  }
  const JsonReader reader(*found, file.source + ": model");
  // Old files leave the type out; vocabulary and merges together mean BPE.
  HEARTH_TRY(const std::string type, reader.string_or("type", "BPE"));
  if (type != "BPE") {
    return fail(ErrorCode::kUnsupported, file.source + ": model.type: expected BPE, found " + type);
  }
  HEARTH_TRY(const double dropout, reader.number_or("dropout", 0.0, 0.0, 1.0));
  if (dropout != 0.0) {
    return fail(ErrorCode::kUnsupported,
                file.source +
                    ": model.dropout: expected null or 0, because the same text must "
                    "always give the same ids");
  }
  if (!file.has_vocab) return corrupt(file, "model.vocab", "expected an object");
  if (file.vocab.empty()) {
    return corrupt(file, "model.vocab", "has no entries: all text would become nothing");
  }
  if (!file.has_merges) return corrupt(file, "model.merges", "expected a list");
  return reader;
}

// UTF-8 never holds 0xC0, 0xC1 and 0xF5 to 0xFF.
bool can_be_in_utf8(std::size_t byte) { return byte != 0xC0 && byte != 0xC1 && byte < 0xF5; }

Result<Vocabulary> read_vocab(const TokenizerFile& file, Spelling spelling) {
  std::vector<VocabularyEntry> entries;
  entries.reserve(file.vocab.size());
  std::vector<bool> given;
  for (const TokenizerFile::Entry& item : file.vocab) {
    const std::string_view text = file.view(item.spelling);
    const auto index = static_cast<std::size_t>(item.id);
    if (index >= given.size()) given.resize(index + index / 2 + 1);
    if (given[index]) {
      return corrupt(file, vocab_key(text), "id " + std::to_string(item.id) + " is given twice");
    }
    given[index] = true;
    auto bytes = spelling == Spelling::kBytes ? byte_level_decode(text) : std::nullopt;
    if (bytes) {
      entries.push_back({item.id, std::move(*bytes), Spelling::kBytes});
    } else {
      entries.push_back({item.id, std::string(text), Spelling::kCharacters});
    }
  }
  auto vocabulary = Vocabulary::build(entries);
  if (!vocabulary) return fail_within(file.source + ": model.vocab", vocabulary.error());
  for (const VocabularyEntry& entry : entries) {
    if (!entry.text.empty() && vocabulary->find(entry.text, entry.spelling).id != entry.id) {
      return corrupt(file, vocab_key(entry.text), "is given twice");
    }
  }
  return vocabulary;
}

/// Turns the parts of merges into ids. Keeps its memory between calls.
class MergeReader {
 public:
  MergeReader(const TokenizerFile& file, const Vocabulary& vocabulary, Spelling spelling,
              std::string prefix)
      : file_(file), vocabulary_(vocabulary), spelling_(spelling), prefix_(std::move(prefix)) {}

  Result<MergeTable> run() {
    std::vector<Merge> merges(file_.merges.size());
    for (std::size_t i = 0; i < merges.size(); ++i) {
      const std::string_view left = file_.view(file_.merges[i].left);
      std::string_view right = file_.view(file_.merges[i].right);
      merges[i].left = find(left);
      merges[i].right = find(right);
      if (merges[i].left < 0) return unknown(i, left);
      if (merges[i].right < 0) return unknown(i, right);
      if (!right.starts_with(prefix_)) return unknown(i, std::string(left) + std::string(right));
      right.remove_prefix(prefix_.size());
      merges[i].result = find(left, right);
      if (merges[i].result < 0) return unknown(i, std::string(left) + std::string(right));
    }
    return MergeTable(merges);
  }

 private:
  tl::unexpected<Error> unknown(std::size_t merge, std::string_view part) const {
    return corrupt(file_, "model.merges[" + std::to_string(file_.merge_at[merge]) + "]",
                   quoted(part) + " is not in model.vocab");
  }

  /// The id of the entry written as `begin` and `end` behind each other, -1 when there is none.
  TokenId find(std::string_view begin, std::string_view end = {}) {
    if (begin.empty() && end.empty()) return -1;
    bytes_.clear();
    if (spelling_ == Spelling::kBytes && byte_level_append(begin, bytes_) &&
        byte_level_append(end, bytes_)) {
      return vocabulary_.find(bytes_).id;
    }
    bytes_ = begin;
    bytes_ += end;
    return vocabulary_.find(bytes_, Spelling::kCharacters).id;
  }

  const TokenizerFile& file_;
  const Vocabulary& vocabulary_;
  Spelling spelling_;
  std::string prefix_;
  std::string bytes_;
};

Result<BpeModel> read_tables(const TokenizerFile& file, Spelling spelling,
                             const std::string& prefix) {
  HEARTH_TRY(Vocabulary vocabulary, read_vocab(file, spelling));
  HEARTH_TRY(MergeTable merges, MergeReader(file, vocabulary, spelling, prefix).run());
  return BpeModel::build(std::move(vocabulary), std::move(merges));
}

}  // namespace

Spelling spelling_of(const BpeModel& model) {
  for (std::size_t byte = 0; byte < model.byte_ids.size(); ++byte) {
    if (can_be_in_utf8(byte) && model.byte_ids[byte] < 0) return Spelling::kCharacters;
  }
  return Spelling::kBytes;
}

Result<BpeModel> read_model(const TokenizerFile& file, bool may_spell_bytes) {
  HEARTH_TRY(const JsonReader reader, bpe_settings(file));
  HEARTH_TRY(const std::string prefix, reader.string_or("continuing_subword_prefix", ""));
  HEARTH_TRY(const std::string suffix, reader.string_or("end_of_word_suffix", ""));
  if (may_spell_bytes && prefix.empty() && suffix.empty()) {
    HEARTH_TRY(BpeModel model, read_tables(file, Spelling::kBytes, prefix));
    if (spelling_of(model) == Spelling::kBytes) return model;
  }
  return read_tables(file, Spelling::kCharacters, prefix);
}

}  // namespace hearth::text
