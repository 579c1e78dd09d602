"""What the generator promises, checked on a few thousand conversations of each split.

    python3 -m unittest generator_test      from this folder; needs nothing but Python
"""

import json
import re
import unittest

import arithmetic
import chat
import data
from chains import CHAINS, chain, lookup
from grammar import COMMANDS, HELD_OUT_INDEX, LANGUAGES, Source, held_out
from other_tools import REFUSAL
from tool_requests import BACKGROUNDS, ENDINGS, TEMPLATES, request
from toolbox import DESCRIPTIONS, NAMES, PARAMETER_HELP, TOOLS, Toolbox

CALL = re.compile(r"<\|tool_call\|>(.*)<\|/tool_call\|>", re.S)
DEFINITIONS = re.compile(r"<\|tool\|>(.*?)<\|/tool\|>", re.S)
# texts whose parts a request may name one by one: a folder and a file in it, a language and its extension
PIECES = re.compile(r"[/*.{},]+")


def conversations(split, count, seed):
    source = Source(split, seed)
    for number in range(count):
        yield data.conversation(source, number % 2 == 0)
        yield data.short_conversation(source)


def definitions(opening):
    found = DEFINITIONS.search("".join(text for text, _ in opening))
    return {d["name"]: d for d in json.loads(found.group(1))} if found else {}


class Splits(unittest.TestCase):
    def test_words_are_in_one_split(self):
        train, test = (set(Source(split, 1).words) for split in ("train", "test"))
        self.assertFalse(train & test)
        self.assertTrue(.13 < len(test) / len(train | test) < .15)

    def test_lists_are_drawn_from_one_side_each(self):
        for wordings in (ENDINGS, BACKGROUNDS, COMMANDS, chat.DEFINITION_TEMPLATES, *TEMPLATES.values(),
                         *NAMES.values(), *DESCRIPTIONS.values(), *PARAMETER_HELP.values()):
            self.assertGreater(len(wordings), HELD_OUT_INDEX)
            drawn = {split: {Source(split, seed).template(wordings) for seed in range(300)} for split in ("train", "test")}
            kept = {w for i, w in enumerate(wordings) if held_out(i)}
            self.assertFalse(drawn["train"] & kept, wordings[:3])
            self.assertLessEqual(drawn["test"], kept)

    def test_no_wording_is_on_both_sides(self):
        for wordings in (ENDINGS, BACKGROUNDS, *TEMPLATES.values(), *NAMES.values(), *DESCRIPTIONS.values()):
            kept = {w for i, w in enumerate(wordings) if held_out(i)}
            self.assertFalse(kept & {w for i, w in enumerate(wordings) if not held_out(i)})

    def test_training_never_sees_a_held_out_sum(self):
        source = Source("train", 3)
        for _ in range(5000):
            a, b, op = arithmetic.operands(source)
            self.assertFalse(arithmetic.held_out_sum(a, b, op), (a, op, b))

    def test_no_coined_name_is_a_held_out_one(self):
        source = Source("train", 4)
        kept = {tool: {n for i, n in enumerate(names) if held_out(i)} for tool, names in NAMES.items()}
        for _ in range(3000):
            box = Toolbox(source, TOOLS)
            if box.dialect is None:
                for tool in TOOLS:
                    self.assertNotIn(box.names[tool], kept[tool])


class Calls(unittest.TestCase):
    def test_every_call_is_offered_and_every_argument_defined(self):
        calls = 0
        for split in ("train", "test"):
            for opening, exchanges in conversations(split, 700, 5):
                offered = definitions(opening)
                for text in (text for exchange in exchanges for text, weight in exchange if weight):
                    found = CALL.match(text)
                    if not found:
                        self.assertNotIn("tool_call", text)
                        continue
                    (call,) = json.loads(found.group(1))
                    self.assertIn(call["name"], offered)
                    self.assertLessEqual(set(call["arguments"]), set(offered[call["name"]]["parameters"]))
                    # in the order of the definition, as the model learns them
                    order = [name for name in offered[call["name"]]["parameters"] if name in call["arguments"]]
                    self.assertEqual(list(call["arguments"]), order)
                    calls += 1
        self.assertGreater(calls, 3000)

    def test_names_of_one_conversation_differ(self):
        source = Source("train", 6)
        for _ in range(2000):
            box = Toolbox(source, TOOLS)
            names = [d["name"] for d in box.definitions]
            self.assertEqual(len(names), len(set(names)), names)

    def test_arguments_can_be_copied_from_the_request(self):
        for split in ("train", "test"):
            source = Source(split, 7)
            for tool in ("read", "write", "grep", "edit"):
                for _ in range(1500):
                    user, arguments = request(source, tool)
                    for key, value in arguments.items():
                        self.assertTrue(value, (tool, key))
                        if value in user:
                            continue
                        # the path of a file that is named with its folder before or behind it
                        self.assertEqual(key, "path", (tool, user, value))
                        for piece in value.rpartition("/")[::2]:
                            self.assertIn(piece, user, (tool, user, value))

    def test_patterns_of_file_names_follow_from_the_request(self):
        known = {"**", ""}
        for split in ("train", "test"):
            source = Source(split, 8)
            for _ in range(2000):
                user, arguments = request(source, "glob")
                for piece in PIECES.split(arguments["pattern"]):
                    said = piece.lower() in user.lower() or piece in known
                    language = [name for name, end in LANGUAGES.items() if end == piece and name.lower() in user.lower()]
                    self.assertTrue(said or language, (user, arguments))

    def test_no_request_keeps_a_slot_or_an_alternative(self):
        for split in ("train", "test"):
            source = Source(split, 9)
            for tool in TOOLS:
                for template in TEMPLATES[tool]:
                    text = source.expand(template)
                    self.assertNotRegex(text, r"[\[\]|]", template)
                    self.assertLessEqual(set(re.findall(r"\{(\w)\}", text)), set("pcoxngeDfLtW"), template)


class Refusals(unittest.TestCase):
    def test_a_tool_is_refused_only_where_it_is_missing(self):
        refusals = 0
        for split in ("train", "test"):
            source = Source(split, 10)
            for _ in range(1500):
                tools = source.random.sample(TOOLS, source.random.randint(0, 6))
                box = Toolbox(source, tools)
                segments = data.tool_turns(source, box)
                answer = segments[1][0]
                missing = [tool for tool, text in data.CANNOT.items() if answer == text + "<|end|>"]
                if missing:
                    refusals += 1
                    self.assertNotIn(missing[0], tools)
                else:
                    self.assertTrue(answer.startswith("<|tool_call|>"))
        self.assertGreater(refusals, 300)

    def test_wishes_outside_the_six_are_refused_unless_a_tool_is_there(self):
        source = Source("train", 11)
        for _ in range(1500):
            box = Toolbox(source, TOOLS, others=.5)
            (_, _), (answer, _) = data.other_turns(source, box)[:2]
            if answer != REFUSAL + "<|end|>":
                self.assertIn(json.loads(CALL.match(answer).group(1))[0]["name"], box.others)

    def test_a_model_with_a_shell_never_lacks_a_clock(self):
        source = Source("train", 22)
        denied = 0
        for _ in range(20000):
            box = Toolbox(source, source.random.sample(TOOLS, 3))
            if any(answer == data.NO_CLOCK + "<|end|>" for answer, _ in data.chat_turns(source, box)):
                denied += 1
                self.assertNotIn("bash", box.tools)
        self.assertGreater(denied, 0)


class Answers(unittest.TestCase):
    def test_sums_are_right(self):
        source = Source("train", 12)
        for _ in range(3000):
            _, answer = arithmetic.arithmetic(source)
            a, op, b, result = re.fullmatch(r"(-?\d+) ([-+*/]) (\d+) = (-?\d+)\.", answer).groups()
            a, b = int(a), int(b)
            self.assertEqual(int(result), {"+": a + b, "-": a - b, "*": a * b, "/": a // b if op == "/" else 0}[op])

    def test_a_value_looked_up_is_in_the_file(self):
        source = Source("train", 13)
        for _ in range(1000):
            user, arguments, shown, answer = lookup(source)
            self.assertIn(arguments["path"].rpartition("/")[2], user)
            found = re.fullmatch(r"The (\S+) is (.*)\.", answer, re.S)
            if found:
                self.assertIn(found.group(1), shown)
                self.assertIn(found.group(2), shown)

    def test_every_kind_of_task_uses_its_tools_in_order(self):
        source = Source("train", 14)
        for kind, tools in CHAINS.items():
            for _ in range(100):
                _, steps, _ = chain(source, kind)
                self.assertEqual([tool for tool, _, _ in steps], tools[:len(steps)])


if __name__ == "__main__":
    unittest.main()
