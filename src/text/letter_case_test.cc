#include "text/letter_case.h"

#include "text/test_support.h"

namespace hearth::text {
namespace {

TEST(LetterCase, AsPythonMapsIt) {
  // Expected values: str.upper() and str.lower() of CPython 3.11.
  EXPECT_EQ(to_upper("hello, 123"), "HELLO, 123");
  EXPECT_EQ(to_upper("straße größe éàñ жщ ωψ ÿ ԱԲ ա中😀"), "STRASSE GRÖSSE ÉÀÑ ЖЩ ΩΨ Ÿ ԱԲ Ա中😀");
  EXPECT_EQ(to_lower("HELLO ÉÀÑ ЖЩ ΩΨ Ÿ Ա中😀"), "hello éàñ жщ ωψ ÿ ա中😀");
  EXPECT_EQ(to_upper("ɐ"), "Ɐ");  // two bytes become three
  EXPECT_EQ(to_upper("\uFB01n \u0149 \u0390 \u00B5\u03B9 \u01C6 \u2177 \u24D0"),
            "FIN \u02BCN \u0399\u0308\u0301 \u039C\u0399 \u01C4 \u2167 \u24B6");
  EXPECT_EQ(to_lower("İ Ⅷ Ⓐ ẞ"), "i̇ ⅷ ⓐ ß");
  EXPECT_EQ(to_upper(""), "");
}

}  // namespace
}  // namespace hearth::text
