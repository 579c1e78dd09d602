#include "json_lines.h"

#include <iostream>
#include <string>

namespace hearth::bench {
namespace {

void write_line(const Result<Json>& answer) {
  const Json json = answer ? *answer : Json{{"error", answer.error().message}};
  std::cout << json.dump() << std::endl;
}

}  // namespace

int answer_lines(const Result<Json>& greeting,
                 const std::function<Result<Json>(const JsonReader& question)>& answer) {
  write_line(greeting);
  if (!greeting) return 1;
  for (std::string line; std::getline(std::cin, line);) {
    const Result<Json> question = parse_json(line, "question");
    write_line(question ? answer(JsonReader(*question, "question"))
                        : Result<Json>(tl::unexpected<Error>(question.error())));
  }
  return 0;
}

}  // namespace hearth::bench
