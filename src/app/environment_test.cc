#include "app/environment.h"

#include <gtest/gtest.h>

namespace hearth::app {
namespace {

TEST(Environment, FoldersFollowTheXdgSpecification) {
  const Environment plain = Environment::of({{"HOME", "/home/ada"}});
  EXPECT_EQ(plain.config_folder(), "/home/ada/.config/hearth");
  EXPECT_EQ(plain.data_folder(), "/home/ada/.local/share/hearth");
  EXPECT_EQ(plain.cache_folder(), "/home/ada/.cache/hearth");
  const Environment set = Environment::of({{"HOME", "/home/ada"},
                                           {"XDG_CONFIG_HOME", "/c"},
                                           {"XDG_DATA_HOME", "relative"},
                                           {"XDG_CACHE_HOME", "/k"}});
  EXPECT_EQ(set.config_folder(), "/c/hearth");
  EXPECT_EQ(set.data_folder(), "/home/ada/.local/share/hearth");  // relative ones are invalid
  EXPECT_EQ(set.cache_folder(), "/k/hearth");
  EXPECT_EQ(set.state_folder(), "/home/ada/.local/state/hearth");
  EXPECT_EQ(Environment::of({{"HEARTH_CACHE_DIR", "/own"}}).cache_folder(), "/own");
}

TEST(Environment, EmptyCountsAsNotSet) {
  const Environment environment = Environment::of({{"A", ""}, {"B", "x"}});
  EXPECT_EQ(environment.get("A"), std::nullopt);
  EXPECT_EQ(environment.get("B"), "x");
  EXPECT_EQ(environment.get("C"), std::nullopt);
}

TEST(Environment, ExpandsHome) {
  const Environment environment = Environment::of({{"HOME", "/home/ada"}});
  EXPECT_EQ(environment.expand_home("~/x"), "/home/ada/x");
  EXPECT_EQ(environment.expand_home("~"), "/home/ada");
  EXPECT_EQ(environment.expand_home("~bob/x"), "~bob/x");
  EXPECT_EQ(environment.expand_home("/x/~"), "/x/~");
}

}  // namespace
}  // namespace hearth::app
