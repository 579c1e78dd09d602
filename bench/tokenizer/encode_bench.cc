// encode_bench TOKENIZER.json: Hearth's side of the tokenizer benchmark. Reads a command a line and
// answers each with one line of JSON:
//   encode FILE REPEATS: FILE holds documents that NUL ends; each is encoded, REPEATS times over
//   load cold|compiled:  the file read and built, or its compiled form mapped
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "text/cached_tokenizer.h"
#include "text/tokenizer.h"

namespace hearth {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<std::string> read_documents(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::string> documents;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('\0', at), all.size());
    documents.push_back(all.substr(at, end - at));
    at = end + 1;
  }
  return documents;
}

Result<std::string> encode(const text::Tokenizer& tokenizer, const std::string& file, int repeats) {
  const std::vector<std::string> documents = read_documents(file);
  std::size_t tokens = 0;
  const auto start = Clock::now();
  for (int i = 0; i < repeats; ++i) {
    tokens = 0;
    for (const std::string& document : documents) {
      HEARTH_TRY(const auto ids, tokenizer.encode(document));
      tokens += ids.size();
    }
  }
  const double seconds = seconds_since(start) / repeats;
  return "{\"seconds\": " + std::to_string(seconds * 1e9) +
         "e-9, \"tokens\": " + std::to_string(tokens) + "}";
}

Result<std::string> load(const std::string& file, bool compiled) {
  const auto start = Clock::now();
  HEARTH_TRY(const auto tokenizer,
             compiled ? text::load_tokenizer_cached(file) : text::Tokenizer::load(file));
  const double seconds = seconds_since(start);
  return "{\"seconds\": " + std::to_string(seconds * 1e9) +
         "e-9, \"tokens\": " + std::to_string(tokenizer.vocab_size()) + "}";
}

Result<void> serve(const std::string& file) {
  HEARTH_TRY(const auto tokenizer, text::load_tokenizer_cached(file));
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string command;
    std::string argument;
    int repeats = 1;
    words >> command >> argument >> repeats;
    HEARTH_TRY(const std::string answer, command == "load" ? load(file, argument == "compiled")
                                                           : encode(tokenizer, argument, repeats));
    std::cout << answer << std::endl;
  }
  return {};
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: encode_bench TOKENIZER.json\n";
    return 2;
  }
  const auto done = hearth::serve(argv[1]);
  if (!done) std::cerr << "encode_bench: " << done.error().message << "\n";
  return done ? 0 : 1;
}
