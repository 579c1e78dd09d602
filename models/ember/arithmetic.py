"""Sums, and what else is asked about small numbers."""

from pathlib import Path

from grammar import PEOPLE, cased, fill, held_out

ARITHMETIC_TEMPLATES = """what is {e}?
{e}
{e} = ?
[calculate|compute] {e}
how much is {e}?
what does {e} [equal|make|give]?
solve {e}
tell me {e}
[give me|what is] the result of {e}[?|]
{e}?
work out {e}
evaluate {e}
what's {e}?
{e} =
can you [calculate|compute|solve] {e}?
please [calculate|compute|tell me] {e}
[do you know what|can you tell me what] {e} is?
I need [the answer to|the result of|to know] {e}
what do you get for {e}?
quick: {e}
{e}, what is that?
[what|how much] do I get for {e}?
[find|determine|figure out] {e}
[the |]answer to {e}?
[can|could] you tell me {e}?
[hey|hi], [what is|what's|how much is] {e}?
{e} please
if I type {e} in a calculator, what do I get?
[what|how much] [would|will] {e} [be|give|make]?
[math|maths] question: {e}
[now |then |]{e}
do the maths: {e}
[please |]help me with {e}
the result of {e}
is it hard to compute {e}?
do you know {e}?
what do you get when you [compute|calculate] {e}?
I was wondering what {e} is
[whats|wats] {e}
how much do you get for {e}?
[sum|exercise|homework|question]: {e}
my [homework|calculator|teacher] asks: {e}
[please |]do {e} [for me|in your head|]
let me know what {e} is
what number is {e}?
[what|which number] comes out of {e}?
[could|would] you [calculate|compute|work out] {e}[ for me|]?
[quickly|now], what is {e}?
{e} is [what|how much]?
{e} [equals|makes|gives]?
tell me [what|how much] {e} is
[run|do] the numbers: {e}
I [get stuck at|cannot do|can't solve] {e}, [can you?|what is it?|help]
the answer of {e}[ please|]
[ok|so|and], {e}?
how would you [solve|compute] {e}?""".split("\n")


def _wordings():
    """sums.txt, `OP KIND TEXT` a line: {(operation, kind): texts}; a form stands for the sum, a story asks for it."""
    found = {}
    for line in Path(__file__).with_name("sums.txt").read_text().splitlines():
        op, kind, text = line.split(" ", 2)
        found.setdefault((op, kind), []).append(text)
    return found


WORDINGS = _wordings()
THINGS = "apples books coins pens eggs cars birds cards balls cookies oranges stones".split()
SMALL = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen""".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def spelled(n):
    """A number below 100 in words, larger ones in digits."""
    if n < 20:
        return SMALL[n]
    return str(n) if n > 99 else TENS[n // 10 - 2] + (f"-{SMALL[n % 10]}" if n % 10 else "")


def held_out_sum(a, b, op):
    """Sums that training never sees; the tables up to 12 and the README's 17 + 25 are always trained."""
    return op in "+-" and max(a, b) > 12 and (a, b) != (17, 25) and held_out((a * 31 + b * 17 + ord(op)) % 7)


def operands(source, split=None):
    """Two numbers and an operation, from the part of the sums that belongs to the split."""
    draw = source.random
    test = (split or source.split) == "test"
    while True:
        op = source.pick("+++++----**/" if not test else "+-")
        if op == "*":
            a, b = draw.randint(0, 12), draw.randint(0, 12)
        elif op == "/":
            b, result = draw.randint(1, 12), draw.randint(0, 12)
            a = b * result
        else:
            size = draw.random()
            if size < .70:
                a, b = draw.randint(10, 99), draw.randint(10, 99)
            elif size < .85:
                a, b = draw.randint(0, 20), draw.randint(0, 20)
            elif size < .95:
                a, b = draw.randint(0, 99), draw.randint(0, 9)
            else:
                a, b = draw.randint(1, 9) * 100, draw.randint(1, 9) * source.pick((10, 100))
            if op == "-" and a < b and source.chance(.8):
                a, b = b, a
            if op == "+" and source.chance(.5):
                a, b = b, a
        if held_out_sum(a, b, op) == test:
            return a, b, op


def solved(a, b, op):
    result = {"+": a + b, "-": a - b, "*": a * b, "/": a // b if b else 0}[op]
    return f"{a} {op} {b} = {result}"


def arithmetic(source, split=None):
    """A request for one sum and the answer."""
    a, b, op = operands(source, split)
    answer, say = solved(a, b, op) + ".", spelled if source.chance(.06) else str
    slots = {"a": say(a), "b": say(b)}
    if (a >= b or op != "-") and source.chance(.3):
        slots |= {"x": source.pick(THINGS), "n": source.pick(PEOPLE)}
        return cased(source, fill(source.expand(source.template(WORDINGS[op, "story"], split)), slots)), answer
    form = source.random.random()
    if say == spelled or form > .7:
        text = fill(source.expand(source.template(WORDINGS[op, "form"], split)), slots)
    else:
        text = f"{a} {op} {b}" if form < .48 else f"{a}{op}{b}"
    return cased(source, source.expand(source.template(ARITHMETIC_TEMPLATES, split)).replace("{e}", text)), answer


def drill(source):
    """Many sums in one turn: the densest way to practise."""
    sums = [operands(source) for _ in range(source.random.randint(3, 10))]
    gap = source.pick((" ", " ", ""))
    question = ", ".join(f"{a}{gap}{op}{gap}{b}" for a, b, op in sums)
    return source.pick(("solve: ", "calculate: ", "", "compute ", "what are ")) + question, \
        ", ".join(solved(*s) for s in sums) + "."


def numbers(source):
    """Comparisons, neighbours, even and odd."""
    a, b = source.random.randint(0, 99), source.random.randint(0, 99)
    if a == b:
        b += 1
    kind = source.random.randint(0, 4)
    if kind == 0:
        text = source.template((f"which is bigger, {a} or {b}?", f"which number is larger: {a} or {b}?",
                                f"is {a} or {b} bigger?", f"what is more, {a} or {b}?", f"which one is greater, {a} or {b}?",
                                f"{a} or {b}, which is bigger?", f"tell me the larger of {a} and {b}",
                                f"what is the bigger number: {a} or {b}?", f"which of {a} and {b} is higher?",
                                f"compare {a} and {b}: which is bigger?", f"the larger number of {a} and {b}?",
                                f"can you tell me which is more, {a} or {b}?"))
        return text, f"{max(a, b)} is bigger."
    if kind == 1:
        text = source.template((f"which is smaller, {a} or {b}?", f"which number is less: {a} or {b}?",
                                f"is {a} or {b} smaller?", f"what is less, {a} or {b}?", f"which one is lower, {a} or {b}?",
                                f"{a} or {b}, which is smaller?", f"tell me the smaller of {a} and {b}",
                                f"what is the smaller number: {a} or {b}?", f"which of {a} and {b} is less?",
                                f"compare {a} and {b}: which is smaller?", f"the lower number of {a} and {b}?",
                                f"can you tell me which is less, {a} or {b}?"))
        return text, f"{min(a, b)} is smaller."
    if kind == 2:
        text = source.template((f"is {a} even or odd?", f"is the number {a} even?", f"is {a} odd or even?",
                                f"{a}: even or odd?", f"is {a} an even number?", f"is {a} an odd number?",
                                f"tell me if {a} is even or odd", f"do you know whether {a} is odd or even?",
                                f"{a} is even or odd?", f"would you call {a} even or odd?", f"is {a} even?",
                                f"even or odd: {a}?", f"what is {a}, even or odd?"))
        return text, f"{a} is {'odd' if a % 2 else 'even'}."
    if kind == 3:
        return source.template((f"what comes after {a}?", f"which number comes after {a}?", f"the number after {a}?",
                                f"what number follows {a}?", f"what is the next number after {a}?",
                                f"tell me the number after {a}", f"which number follows {a}?",
                                f"what number comes next after {a}?", f"what comes right after {a}?",
                                f"after {a} comes which number?", f"if I count up, what follows {a}?",
                                f"name the number that comes after {a}", f"{a}, and what comes next?")), \
            f"{a + 1} comes after {a}."
    return source.template((f"count to {a % 15 + 2}", f"count from 1 to {a % 15 + 2}", f"please count to {a % 15 + 2}",
                            f"can you count to {a % 15 + 2}?", f"count up to {a % 15 + 2}",
                            f"list the numbers from 1 to {a % 15 + 2}", f"count for me to {a % 15 + 2}",
                            f"start at 1 and count to {a % 15 + 2}", f"say the numbers up to {a % 15 + 2}",
                            f"let me hear you count to {a % 15 + 2}", f"could you count from one to {a % 15 + 2}?",
                            f"I want you to count to {a % 15 + 2}", f"numbers from 1 to {a % 15 + 2} please")), \
        ", ".join(map(str, range(1, a % 15 + 3))) + "."
