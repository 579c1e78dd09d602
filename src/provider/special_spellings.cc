#include "provider/special_spellings.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace hearth::provider {
namespace {

constexpr std::string_view kMarkBegin = "\xEF\xB7\x90";
constexpr std::string_view kMarkEnd = "\xEF\xB7\x91";

std::size_t byte(char c) { return static_cast<unsigned char>(c); }

}  // namespace

SpecialSpellings::SpecialSpellings(std::vector<std::string> spellings)
    : spellings_(std::move(spellings)) {
  spellings_.emplace_back(kMarkBegin);
  std::erase(spellings_, std::string{});
  for (std::size_t i = 0; i < spellings_.size(); ++i) {
    const std::string& spelling = spellings_[i];
    numbers_.emplace(spelling, i);
    lengths_.push_back(spelling.size());
    for (std::size_t second = 0; second < 256; ++second) {
      if (spelling.size() == 1 || byte(spelling[1]) == second) {
        first_two_.set(byte(spelling[0]) << 8 | second);
      }
    }
  }
  std::sort(lengths_.begin(), lengths_.end(), std::greater<>());
  lengths_.erase(std::unique(lengths_.begin(), lengths_.end()), lengths_.end());
}

std::optional<std::size_t> SpecialSpellings::longest_at(std::string_view text) const {
  for (const std::size_t length : lengths_) {
    if (length > text.size()) continue;
    const auto found = numbers_.find(text.substr(0, length));
    if (found != numbers_.end()) return found->second;
  }
  return std::nullopt;
}

std::optional<SpecialSpellings::Found> SpecialSpellings::find(std::string_view text,
                                                              std::size_t from) const {
  for (std::size_t i = from; i < text.size(); ++i) {
    const bool has_second = i + 1 < text.size();
    if (has_second && !first_two_[byte(text[i]) << 8 | byte(text[i + 1])]) continue;
    if (const auto index = longest_at(text.substr(i))) return Found{i, *index};
  }
  return std::nullopt;
}

std::string SpecialSpellings::marked(std::string_view text) const {
  std::string result;
  std::size_t done = 0;
  while (const auto found = find(text, done)) {
    result.append(text.substr(done, found->begin - done));
    result.append(kMarkBegin).append(std::to_string(found->index)).append(kMarkEnd);
    done = found->begin + spellings_[found->index].size();
  }
  return result.append(text.substr(done));
}

std::vector<PromptPart> SpecialSpellings::cut_at_marks(std::string_view prompt) const {
  std::vector<PromptPart> cut;
  std::size_t begin = 0;
  std::size_t search = 0;
  for (;;) {
    const std::size_t mark = prompt.find(kMarkBegin, search);
    if (mark == std::string_view::npos) break;
    search = mark + kMarkBegin.size();
    std::size_t index = 0;
    const auto [after, error] =
        std::from_chars(prompt.data() + search, prompt.data() + prompt.size(), index);
    const auto end = static_cast<std::size_t>(after - prompt.data());
    const bool is_mark = error == std::errc{} && index < spellings_.size() &&
                         prompt.substr(end).starts_with(kMarkEnd);
    if (!is_mark) continue;  // the template's own, or taken apart by it
    if (mark > begin) cut.push_back({prompt.substr(begin, mark - begin), false});
    cut.push_back({spellings_[index], true});
    begin = search = end + kMarkEnd.size();
  }
  if (begin < prompt.size()) cut.push_back({prompt.substr(begin), false});
  return cut;
}

}  // namespace hearth::provider
