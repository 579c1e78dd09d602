// TokenizerFile: a handler of the JSON library's events, which builds values from all but the two
// large lists.
#include "text/tokenizer_file.h"

#include <utility>

#include "text/json_fields.h"

namespace hearth::text {
namespace {

constexpr std::size_t kDepthMax = 128;
constexpr std::size_t kStringBytesMax = std::size_t{1} << 31;

/// Every method returns whether parsing goes on; when not, `error` says why.
class Handler final : public nlohmann::json_sax<Json> {
 public:
  explicit Handler(TokenizerFile& file) : file_(file) {}

  const std::string& error() const { return error_; }

  bool null() override { return scalar(Json()); }
  bool boolean(bool value) override { return scalar(Json(value)); }
  bool number_float(double value, const std::string&) override { return scalar(Json(value)); }
  bool binary(Json::binary_t&) override { return stop("", "binary data"); }

  bool number_integer(std::int64_t value) override {
    return place_ == Place::kVocab ? entry(value) : scalar(Json(value));
  }

  bool number_unsigned(std::uint64_t value) override {
    if (place_ != Place::kVocab) return scalar(Json(value));
    if (value > static_cast<std::uint64_t>(kTokenIdMax)) return out_of_range(std::to_string(value));
    return entry(static_cast<std::int64_t>(value));
  }

  bool string(std::string& value) override {
    if (place_ == Place::kMerges) return legacy_merge(value);
    if (place_ == Place::kMerge) return merge_part(value);
    return scalar(Json(std::move(value)));
  }

  bool key(std::string& name) override {
    if (place_ == Place::kVocab) return keep(name, spelling_);
    key_ = std::move(name);
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ != Place::kSettings) return unexpected();
    if (in_model() && key_ == "vocab") {
      if (std::exchange(file_.has_vocab, true)) return stop("model.vocab", "is given twice");
      place_ = Place::kVocab;
      return true;
    }
    return open(Json::object());
  }

  bool end_object() override {
    if (place_ == Place::kVocab) {
      place_ = Place::kSettings;
    } else {
      open_.pop_back();
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::kMerges) {
      place_ = Place::kMerge;
      parts_ = 0;
      return true;
    }
    if (place_ != Place::kSettings) return unexpected();
    if (in_model() && key_ == "merges") {
      if (std::exchange(file_.has_merges, true)) return stop("model.merges", "is given twice");
      place_ = Place::kMerges;
      return true;
    }
    return open(Json::array());
  }

  bool end_array() override {
    if (place_ == Place::kMerge) {
      if (parts_ != 2) return unexpected();
      file_.merges.push_back({part_, last_});
      file_.merge_at.push_back(merge_number_++);
      place_ = Place::kMerges;
    } else if (place_ == Place::kMerges) {
      place_ = Place::kSettings;
    } else {
      open_.pop_back();
    }
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    const auto* const syntax = dynamic_cast<const nlohmann::json::parse_error*>(&e);
    return stop("", syntax == nullptr ? std::string("not valid JSON: ") + e.what()
                                      : "not valid JSON at byte " + std::to_string(syntax->byte));
  }

 private:
  enum class Place { kSettings, kVocab, kMerges, kMerge };

  bool stop(const std::string& key, const std::string& what) {
    error_ = file_.source + (key.empty() ? "" : ": " + key) + ": " + what;
    return false;
  }

  std::string entry_key() const {
    return "model.vocab[\"" + std::string(file_.view(spelling_)) + "\"]";
  }
  std::string merge_key() const { return "model.merges[" + std::to_string(merge_number_) + "]"; }

  /// Something that has no business in a vocabulary or in merges.
  bool unexpected() {
    if (place_ == Place::kVocab) return stop(entry_key(), "expected an id (a whole number)");
    return stop(merge_key(), R"(expected "a b" or ["a", "b"])");
  }

  bool keep(std::string_view text, TokenizerFile::Text& kept) {
    if (file_.strings.size() + text.size() > kStringBytesMax) return stop("model", "is too large");
    kept = {static_cast<std::uint32_t>(file_.strings.size()),
            static_cast<std::uint32_t>(text.size())};
    file_.strings += text;
    return true;
  }

  bool out_of_range(const std::string& id) {
    return stop(entry_key(),
                "id " + id + " is out of range (0 to " + std::to_string(kTokenIdMax) + ")");
  }

  bool entry(std::int64_t id) {
    if (id < 0) return out_of_range(std::to_string(id));
    file_.vocab.push_back({spelling_, static_cast<TokenId>(id)});
    return true;
  }

  bool legacy_merge(std::string_view text) {
    if (!text.starts_with("#version")) {
      const std::size_t space = text.find(' ');
      if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
        return stop(merge_key(), "expected two parts with one space between, found \"" +
                                     std::string(text) + "\"");
      }
      TokenizerFile::Merge merge;
      if (!keep(text.substr(0, space), merge.left)) return false;
      if (!keep(text.substr(space + 1), merge.right)) return false;
      file_.merges.push_back(merge);
      file_.merge_at.push_back(merge_number_);
    }
    ++merge_number_;
    return true;
  }

  bool merge_part(std::string_view text) {
    if (++parts_ > 2) return unexpected();
    part_ = last_;
    return keep(text, last_);
  }

  bool in_model() const { return open_.size() == 2 && model_ == open_.back(); }

  /// Puts a value where the parser is, and returns where it lies now.
  Json* put(Json&& value) {
    if (open_.empty()) return &(file_.settings = std::move(value));
    Json& parent = *open_.back();
    if (parent.is_object()) return &(parent[key_] = std::move(value));
    parent.push_back(std::move(value));
    return &parent.back();
  }

  bool scalar(Json&& value) {
    if (place_ != Place::kSettings) return unexpected();
    put(std::move(value));
    return true;
  }

  bool open(Json&& value) {
    if (open_.size() == kDepthMax) {
      return stop("", "nested deeper than " + std::to_string(kDepthMax) + " levels");
    }
    const bool is_model = open_.size() == 1 && open_.back()->is_object() && key_ == "model";
    open_.push_back(put(std::move(value)));
    if (is_model) model_ = open_.back();
    return true;
  }

  TokenizerFile& file_;
  std::string error_;
  Place place_ = Place::kSettings;
  std::vector<Json*> open_;  // the objects and lists around the parser's place
  const Json* model_ = nullptr;
  std::string key_;
  TokenizerFile::Text spelling_;  // of the entry whose id comes next
  TokenizerFile::Text part_;      // of a merge of two strings: all but the last
  TokenizerFile::Text last_;
  int parts_ = 0;
  int merge_number_ = 0;
};

}  // namespace

Result<TokenizerFile> TokenizerFile::parse(std::string_view json, const std::string& source) {
  TokenizerFile file;
  file.source = source;
  file.strings.reserve(json.size() / 4);
  Handler handler(file);
  if (!Json::sax_parse(json, &handler)) return fail(ErrorCode::kCorrupt, handler.error());
  if (!file.settings.is_object()) {
    return fail(ErrorCode::kCorrupt, source + ": expected an object");
  }
  return file;
}

}  // namespace hearth::text
