#include "base/shell_word.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace hearth {
namespace {

std::string as_the_shell_reads(const std::string& word) {
  std::FILE* pipe = ::popen(("printf %s " + word).c_str(), "r");
  std::string read;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) read += static_cast<char>(c);
  ::pclose(pipe);
  return read;
}

TEST(ShellWord, PlainWordsStayAsTheyAre) {
  EXPECT_EQ(shell_word("/models/phi-4_mini.5/int4"), "/models/phi-4_mini.5/int4");
}

TEST(ShellWord, TheShellReadsWhatWasMeant) {
  for (const std::string text :
       {"two words", "it's", "$HOME `id` $(id)", "a;b&c|d>e<f", "*?[x]{a,b}", "\"quoted\"",
        "back\\slash", "~", "#no comment", "line\nbreak", "'", "''", "caf\xC3\xA9", "!x", ""}) {
    EXPECT_EQ(as_the_shell_reads(shell_word(text)), text);
  }
}

}  // namespace
}  // namespace hearth
