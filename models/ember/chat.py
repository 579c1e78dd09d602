"""Conversation without tools: arithmetic, facts, small talk, definitions, lists and copying."""

from itertools import accumulate
from pathlib import Path

from grammar import fill, held_out

CAPITALS = dict(pair.split(":") for pair in (
    "France:Paris,Germany:Berlin,Italy:Rome,Spain:Madrid,Portugal:Lisbon,Austria:Vienna,Switzerland:Bern,Poland:Warsaw,"
    "Greece:Athens,Sweden:Stockholm,Norway:Oslo,Denmark:Copenhagen,Finland:Helsinki,Iceland:Reykjavik,Ireland:Dublin,"
    "Belgium:Brussels,Hungary:Budapest,Romania:Bucharest,Bulgaria:Sofia,Serbia:Belgrade,Croatia:Zagreb,Turkey:Ankara,"
    "Russia:Moscow,Ukraine:Kyiv,Egypt:Cairo,Kenya:Nairobi,Nigeria:Abuja,Ghana:Accra,Morocco:Rabat,Japan:Tokyo,"
    "Ethiopia:Addis Ababa,China:Beijing,India:New Delhi,Thailand:Bangkok,Vietnam:Hanoi,Indonesia:Jakarta,"
    "Malaysia:Kuala Lumpur,Australia:Canberra,Canada:Ottawa,Mexico:Mexico City,Brazil:Brasilia,Argentina:Buenos Aires,"
    "Chile:Santiago,Peru:Lima,Colombia:Bogota,Cuba:Havana,Iran:Tehran,Iraq:Baghdad,Nepal:Kathmandu,"
    "Mongolia:Ulaanbaatar,South Korea:Seoul,the Netherlands:Amsterdam,the United Kingdom:London,"
    "the United States:Washington,the USA:Washington,the UK:London,England:London,Estonia:Tallinn,Latvia:Riga,"
    "Lithuania:Vilnius,Slovenia:Ljubljana,Albania:Tirana,Israel:Jerusalem,Jordan:Amman,Lebanon:Beirut,Syria:Damascus,"
    "Saudi Arabia:Riyadh,Pakistan:Islamabad,Bangladesh:Dhaka,Afghanistan:Kabul,the Philippines:Manila,"
    "Taiwan:Taipei,North Korea:Pyongyang,Venezuela:Caracas,Ecuador:Quito,Bolivia:Sucre,Uruguay:Montevideo,"
    "Paraguay:Asuncion,Jamaica:Kingston,Algeria:Algiers,Tunisia:Tunis,Libya:Tripoli,Senegal:Dakar,Uganda:Kampala,"
    "Tanzania:Dodoma,Scotland:Edinburgh,Wales:Cardiff,Georgia:Tbilisi,Armenia:Yerevan,Cyprus:Nicosia,Malta:Valletta,"
    "Luxembourg:Luxembourg,Czechia:Prague,Slovakia:Bratislava,New Zealand:Wellington").split(","))
CAPITAL_TEMPLATES = """what is the capital [city |]of {x}?
capital of {x}?
[tell me|name|give me] the capital of {x}
which city is the capital of {x}?
what's the capital of {x}?
do you know the capital of {x}?
[what|which city] is {x}'s capital?
{x}: what is its capital?
I [forgot|need] the capital of {x}
can you [tell me|name] the capital of {x}?
[the |]capital of {x}[ please|]""".split("\n")

DEFINITIONS = dict(line.split(": ", 1) for line in """a variable: A variable is a name that refers to a stored value.
a function: A function is a named block of code that can be called with arguments.
recursion: Recursion is when a function calls itself to solve a smaller problem.
a loop: A loop repeats a block of code until a condition is met.
an array: An array is an ordered collection of values.
a hash map: A hash map stores values under keys for fast lookup.
a class: A class is a template for creating objects.
an API: An API is an interface that lets programs talk to each other.
a compiler: A compiler translates source code into machine code.
an interpreter: An interpreter runs source code directly.
git: Git is a version control system that tracks changes to files.
a bug: A bug is an error in a program.
a database: A database stores data so that it can be searched and changed.
SQL: SQL is a language for querying databases.
HTML: HTML is the language that describes web pages.
CSS: CSS describes how web pages look.
JSON: JSON is a text format for structured data.
a pointer: A pointer holds the address of a value in memory.
a thread: A thread is a sequence of instructions that runs inside a process.
a process: A process is a running program.
Docker: Docker runs programs in isolated containers.
a regular expression: A regular expression is a pattern that describes text.
a stack: A stack is a list where the last item added is the first removed.
a queue: A queue is a list where the first item added is the first removed.
a linked list: A linked list is a chain of nodes that point to each other.
a binary tree: A binary tree is a structure where each node has at most two children.
unit testing: Unit testing checks small parts of a program on their own.
a branch: A branch is a separate line of work in version control.
a commit: A commit is a saved set of changes in version control.
a server: A server is a program that answers requests from clients.
HTTP: HTTP is the protocol that web browsers and servers use.
a token: A token is a small piece of text that a model reads.
a neural network: A neural network is a model made of layers of simple units.
machine learning: Machine learning lets programs learn patterns from data.
Python: Python is a popular programming language that is easy to read.
Rust: Rust is a programming language focused on speed and memory safety.
JavaScript: JavaScript is the programming language of web browsers.
gravity: Gravity is the force that pulls objects toward each other.
photosynthesis: Photosynthesis is how plants turn light into energy.
an atom: An atom is the smallest unit of an element.
DNA: DNA is the molecule that carries genetic information.
the sun: The sun is the star at the center of our solar system.
the moon: The moon is the natural satellite of the Earth.
a planet: A planet is a large body that orbits a star.
a CPU: A CPU is the chip that runs the instructions of a program.
RAM: RAM is the fast memory that holds data while programs run.
an operating system: An operating system manages the hardware and the programs of a computer.
Linux: Linux is a free operating system kernel.
caching: Caching keeps results so that they can be reused quickly.
encryption: Encryption turns data into a form that only a key can open.
Hearth: Hearth is a runtime that runs language models on your own machine.""".split("\n"))
DEFINITION_TEMPLATES = """what is {x}?
explain {x}[ to me|]
define {x}
tell me about {x}
what does {x} mean?
[can|could] you explain {x}?
[describe|explain] {x} in one sentence
explain {x} [briefly|in a few words|shortly]
give me a definition of {x}
what's {x}?
I do not understand {x}
please explain what {x} is
[can you |]tell me what {x} is
how would you define {x}?
what exactly is {x}?""".split("\n")

LISTS = {name: items.split(", ") for name, items in (line.split(": ") for line in
"""programming languages: Python, JavaScript, Rust, Go, Java, C, Ruby, Swift
colors: red, blue, green, yellow, orange, purple, black, white
fruits: apple, banana, orange, grape, pear, mango, cherry, peach
animals: dog, cat, horse, cow, lion, tiger, bear, wolf
planets: Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus, Neptune
months: January, February, March, April, May, June, July, August
countries: France, Germany, Japan, Brazil, Canada, India, Egypt, Kenya
text editors: Vim, Emacs, Nano, Helix, Kate, Gedit, Micro, Joe
data structures: array, list, map, set, queue, stack, tree, graph
vegetables: carrot, potato, onion, tomato, cabbage, pepper, spinach, bean
cities: London, Paris, Tokyo, Cairo, Lima, Oslo, Rome, Delhi
sports: football, tennis, basketball, hockey, golf, rugby, swimming, boxing""".split("\n"))}
COUNT_WORDS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}
LIST_TEMPLATES = """list {n} {x}
name {n} {x}
[give|tell] me {n} {x}
[can|could] you [list|name] {n} {x}?
what are {n} {x}?
[write|show] {n} {x}
I need {n} {x}
please [list|name] {n} {x}
[give me|make] a list of {n} {x}""".split("\n")

# question;question;... => answer
SMALL_TALK = [(line.split(" => ")[0].split(";"), line.split(" => ")[1]) for line in
              Path(__file__).with_name("small_talk.txt").read_text().strip().split("\n")]
# answers with many wordings come up more often
TALK_SHARES = list(accumulate(len(wordings) ** .7 for wordings, _ in SMALL_TALK))

UNKNOWN_TEMPLATES = """write [a poem|a story|a song|an essay] about {w}
who [is|was] {N}?
what is the population of {c}?
when was {w} [invented|discovered|found]?
translate {w} to [French|German|Spanish]
what is [a |the |]{w}?
[who|what] invented {w}?
what do you think about {w}?
how do I [make|build|repair|cook|learn] {w}?
why is {w} [important|difficult|good|bad]?
tell me [everything|more|a story] about {w}
who is the president of {c}?
what is the [best|cheapest|oldest] {w} in {c}?
explain {w} to me
[who|what|where|when] [is|was|are] the [first|last|next|new] {w} [of|in|at] the {v}?
how [big|old|far|heavy|expensive|long] is [the|a] {w}?
[do|does|did] [people|the {v}|we] {w}?
where [can I|do I|could I] [buy|find|see] [a |]{w}?
what is the [meaning|history|price|color|name|purpose] of [the |a |]{w}?
what happened [in {w}|to {N}|with the {v}]?
recommend [a|some] {w}
what [should|would] I [do|say|wear|eat] [about|for|with] [the |a |]{w}?
[write|generate|give me] [an email|a letter|a speech|a report|a recipe|code] [about|for] {w}
is {N} [famous|rich|right|old]?
[compare|what is the difference between] {w} and {v}
how many {w} are there in {c}?
what [language|religion|money|food] [is|do they have] in {c}?
how [tall|old] is {N}?
[list|name] [all|some|ten] {w}
write a [python|JavaScript|C] [function|program|script] [that|to] [parses|sorts|finds|checks] {w}
write a program that [sorts|finds|draws|computes] {w}""".split("\n")
UNKNOWN = "I do not know that: I am a very small model."

NAMES = """Alice Bob Carol Dave Eve Frank Max Lisa Tim Julia Mark Laura Chris Nick Amy Dan Kim Linda Mike Jane James Robert
Mary Susan Karen Steve Bill Joe Ann Eric Adam Luke Ella Noah Liam Olivia Lily Ruth Simon Martin Anna Ben Clara
David Emma Felix Grace Henry Iris Jack Kate Leo Mia Nina Oscar Paul Rosa Sam Tom Vera Will Zoe Maria John Lucy
Peter Sara Alex""".split()

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
is it hard to compute {e}?""".split("\n")
WORD_FORMS = {"+": "adding {a} and {b}|{a} and {b} added up|the total of {a} and {b}|the sum of {a} and {b}|"
                   "{a} plus {b}|{a} added to {b}|{a} and {b} together|{a} plus {b}",
              "-": "{a} less {b}|{b} subtracted from {a}|subtracting {b} from {a}|{b} taken from {a}|"
                   "{a} minus {b}|the difference of {a} and {b}|{a} minus {b}|{a} take away {b}",
              "*": "{a} times {b}|the product of {a} and {b}|{a} multiplied by {b}|{a} x {b}",
              "/": "{a} divided by {b}|{a} over {b}"}
STORIES = {"+": """I have {a} {x} and get {b} more. How many {x} do I have?
There are {a} {x} and {b} more come. How many are there?
{n} has {a} {x} and finds {b}. How many {x} does {n} have?
I buy {a} {x} and then {b} {x}. How many in total?""".split("\n"),
           "-": """I have {a} {x} and give away {b}. How many are left?
There are {a} {x} and {b} are taken. How many remain?
{n} has {a} {x} and loses {b}. How many {x} are left?
I had {a} {x} and ate {b}. How many do I still have?""".split("\n"),
           "*": """There are {a} boxes with {b} {x} each. How many {x} are there?
I buy {a} bags of {b} {x}. How many {x} do I have?
{a} people have {b} {x} each. How many in total?
{n} has {a} boxes of {b} {x}. How many {x} is that?""".split("\n")}
THINGS = "apples books coins pens eggs cars birds cards balls cookies oranges stones".split()


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
    a, b, op = operands(source, split)
    answer = solved(a, b, op) + "."
    if op in STORIES and source.chance(.08) and a >= b >= 0:
        slots = {"a": str(a), "b": str(b), "x": source.pick(THINGS), "n": source.pick(NAMES)}
        return fill(source.template(STORIES[op], split), slots), answer
    form = source.random.random()
    if form < .55:
        text = f"{a} {op} {b}"
    elif form < .78:
        text = f"{a}{op}{b}"
    else:
        text = source.pick(WORD_FORMS[op].split("|")).replace("{a}", str(a)).replace("{b}", str(b))
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
                                f"is {a} or {b} bigger?", f"what is more, {a} or {b}?"))
        return text, f"{max(a, b)} is bigger."
    if kind == 1:
        text = source.template((f"which is smaller, {a} or {b}?", f"which number is less: {a} or {b}?",
                                f"is {a} or {b} smaller?", f"what is less, {a} or {b}?"))
        return text, f"{min(a, b)} is smaller."
    if kind == 2:
        text = source.template((f"is {a} even or odd?", f"is the number {a} even?", f"is {a} odd or even?",
                                f"{a}: even or odd?"))
        return text, f"{a} is {'odd' if a % 2 else 'even'}."
    if kind == 3:
        return source.template((f"what comes after {a}?", f"which number comes after {a}?", f"the number after {a}?",
                                f"what number follows {a}?")), f"{a + 1} comes after {a}."
    return source.template((f"count to {a % 15 + 2}", f"count from 1 to {a % 15 + 2}", f"please count to {a % 15 + 2}",
                            f"can you count to {a % 15 + 2}?")), ", ".join(map(str, range(1, a % 15 + 3))) + "."


def cased(source, text):
    return text[0].upper() + text[1:] if source.chance(.65) else text


def copying(source):
    """`repeat X` with material from the tool requests."""
    make = source.pick((source.identifier, source.path, source.content, source.command, source.sentence))
    text = make().strip()
    ask = source.template(("repeat ", "say ", "echo ", "repeat after me: ", "copy ", "say this: ", "repeat this: ",
                           "please repeat ", "write "))
    return cased(source, ask) + source.quoted(text, .7), text


def memory(source):
    """Two or three turns in which something said earlier is asked for: a list of (user, assistant)."""
    kind, x = source.pick((("name", source.pick(NAMES)), ("name", source.pick(NAMES)),
                           ("favorite color", source.pick(LISTS["colors"])),
                           ("favorite number", str(source.random.randint(0, 99))),
                           ("favorite animal", source.pick(LISTS["animals"])), ("city", source.pick(LISTS["cities"]))))
    say = source.template((f"my {kind} is {x}", f"remember: my {kind} is {x}", f"hi, my {kind} is {x}",
                           f"please note that my {kind} is {x}", f"you should know that my {kind} is {x}."))
    answer = f"Nice to meet you, {x}!" if kind == "name" else f"I will remember that your {kind} is {x}."
    ask = source.template((f"what is my {kind}?", f"do you remember my {kind}?", f"tell me my {kind}",
                           f"what was my {kind}?", f"what did I say my {kind} is?"))
    between = [chat(source)] if source.chance(.4) else []
    return [(cased(source, say), answer)] + between + [(cased(source, ask), f"Your {kind} is {x}.")]


# questions that users of Hearth meet first, in its documentation and tests; they belong to the training split
SHOWCASE = (("What is 17 + 25?", "17 + 25 = 42."), ("What is 2+2?", "2 + 2 = 4."),
            ("Explain why the sky is blue in one sentence.",
             "The sky is blue because air scatters blue light more than red light."),
            ("List 5 programming languages.", "Python, JavaScript, Rust, Go, Java."),
            ("Who are you?", "I am Ember, the small language model in Hearth's box. I can be wrong."),
            ("What is the capital of France?", "The capital of France is Paris."),
            ("Hello", "Hello! How can I help you?"), ("Hello!", "Hello! How can I help you?"), ("Thanks!", "You are welcome!"))


def chat(source, kind=None, split=None):
    """One turn (user, assistant) that needs no tool."""
    if source.split == "train" and source.chance(.02):
        return source.pick(SHOWCASE)
    r = source.random.random()
    kind = kind or ("sum" if r < .34 else "capital" if r < .43 else "definition" if r < .56 else "list" if r < .65 else
                    "numbers" if r < .69 else "copy" if r < .71 else "unknown" if r < .78 else "talk")
    if kind == "sum":
        return arithmetic(source, split)
    if kind == "numbers":
        return tuple(f(t) for f, t in zip((lambda t: cased(source, t), str), numbers(source)))
    if kind == "copy":
        return copying(source)
    if kind == "capital":
        country = source.pick(list(CAPITALS))
        question = source.expand(source.template(CAPITAL_TEMPLATES, split)).replace("{x}", country)
        answer = f"The capital of {country} is {CAPITALS[country]}."
    elif kind == "definition":
        term = source.pick(list(DEFINITIONS))
        question = source.expand(source.template(DEFINITION_TEMPLATES, split)).replace("{x}", term)
        answer = DEFINITIONS[term]
    elif kind == "list":
        name, n = source.pick(list(LISTS)), source.random.randint(2, 8)
        question = source.expand(source.template(LIST_TEMPLATES, split)).replace("{x}", name)
        question = question.replace("{n}", str(n) if source.chance(.6) else COUNT_WORDS[n])
        answer = ", ".join(LISTS[name][:n]) + "."
    elif kind == "unknown":
        slots = {"w": source.word(), "v": source.word(), "c": source.pick(list(CAPITALS)),
                 "N": source.pick(NAMES) + " " + source.word().capitalize()}
        question = fill(source.expand(source.template(UNKNOWN_TEMPLATES, split)), slots)
        answer = UNKNOWN
    else:
        wordings, answer = source.random.choices(SMALL_TALK, cum_weights=TALK_SHARES)[0]
        question = source.expand(source.template(wordings, split))
    if source.chance(.15) and question[-1] == "?":
        question = question[:-1]
    elif source.chance(.12) and question[-1].isalpha():
        question += source.pick(".!?")
    return cased(source, question), answer
