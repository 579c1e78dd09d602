// Words of the commands that messages advise.
#pragma once

#include <string>
#include <string_view>

namespace hearth {

/// `text` as one word of a POSIX shell: itself where the shell would leave it alone, else in single
/// quotes. A word that begins with "-" stays as it is; paths of such names need "./" before them.
std::string shell_word(std::string_view text);

}  // namespace hearth
