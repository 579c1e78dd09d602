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
[the |]capital of {x}[ please|]
capital city of {x}?
[what|which] city is the capital [city |]of {x}?
which city do they call the capital of {x}?
[please |]tell me which city is the capital of {x}
I was wondering what the capital of {x} is
[quick question|quiz|geography]: capital of {x}?
how is the capital of {x} called?
what is the name of the capital [city |]of {x}?
does {x} have a capital, and what is it called?
[remind me|do you happen to know], what is the capital of {x}?
whats the capital of {x}
{x}'s capital [is|city]?
the capital of {x} is [what|which city|called]?
I am [going|travelling] to {x}, what is its capital?
for {x}, [give me|name] the capital
what do they call the capital of {x}?
my [homework|quiz] asks for the capital of {x}""".split("\n")

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
Hearth: Hearth is a runtime that runs language models on your own machine.
an algorithm: An algorithm is a list of steps that solves a problem.
a boolean: A boolean is a value that is either true or false.
debugging: Debugging is finding and fixing errors in a program.
a framework: A framework is ready code that gives a program its structure.
refactoring: Refactoring changes the form of code without changing what it does.
a firewall: A firewall is a filter that blocks unwanted network traffic.
a web browser: A web browser is a program that shows web pages.
a router: A router is a device that passes data between networks.
a URL: A URL is the address of a page on the web.
an IP address: An IP address is a number that identifies a device in a network.
TypeScript: TypeScript is JavaScript with types.
YAML: YAML is a text format for settings that people can read easily.
Markdown: Markdown is a simple way to format plain text.
a GPU: A GPU is a chip that does many calculations at the same time.
an SSD: An SSD is a fast drive without moving parts.
open source: Open source means that everyone may read and change the code.
a pull request: A pull request asks others to review and merge a change.
a merge conflict: A merge conflict happens when two changes touch the same lines.
a code editor: A code editor is a program for writing source code.
a volcano: A volcano is an opening in the ground that lets out lava.
evaporation: Evaporation is when a liquid turns into a gas.
an ecosystem: An ecosystem is all the living things of a place and how they depend on each other.
democracy: Democracy is a form of government in which the people choose.
inflation: Inflation is a general rise of prices.
a glacier: A glacier is a large mass of ice that moves slowly.
an earthquake: An earthquake is a sudden shaking of the ground.
a vaccine: A vaccine trains the body to fight a disease.
a magnet: A magnet is an object that attracts iron.
UTF-8: UTF-8 is a way to store text of all languages as bytes.""".split("\n"))
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
what exactly is {x}?
what do people mean by {x}?
what is meant by {x}?
what is the meaning of {x}?
[can you|could you|please] define {x}[ for me|]
[give|write] me a short [explanation|description|definition] of {x}
how would you explain {x} [to a child|to a beginner|in simple words]?
explain {x} [like I am five|to a beginner|in simple terms|in simple words]
in one sentence, what is {x}?
in [a few|simple|your own] words, what is {x}?
what is {x}, [in short|exactly|in one sentence|briefly]?
I [keep hearing|read|heard] about {x}, what is it?
I was wondering what {x} is
I have no idea what {x} is
I want to [know|learn|understand] what {x} is
{x}: what is it?
{x}, what is that?
[the |]definition of {x}[ please|]
[so |and |]what is {x} [then|again|actually|really]?
do you know what {x} is?
help me understand {x}
teach me what {x} is
what would you say {x} is?
[what kind of thing|what sort of thing] is {x}?
describe {x}[ for me| please|]
how do you [explain|describe] {x}?
my teacher [asked|wants to know] what {x} is
whats {x}
[tell|teach] me something about {x}
what should I know about {x}?
give me the idea of {x} in one sentence""".split("\n")

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
[give me|make] a list of {n} {x}
can you think of {n} {x}?
[just |]{n} {x}[ please|]
tell me the names of {n} {x}
[mention|enumerate] {n} {x}
I would like [to know|to hear|a list of] {n} {x}
do you know {n} {x}?
which {n} {x} [do you know|can you name|come to mind]?
[say|write down|list up] {n} {x} [for me|]
give {n} examples of {x}
[name|list] any {n} {x}
let me [hear|see|have] {n} {x}
[could|would] you [give|tell] me {n} {x}?
what {n} {x} do you know?
show me a [short |]list of {n} {x}""".split("\n")

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
write a program that [sorts|finds|draws|computes] {w}
who [discovered|founded|built|designed|started] the {w}?
who is the [king|queen|prime minister|mayor|richest person] of {c}?
who [wrote|sang|directed] the [book|song|film] {w}?
what year did {N} [die|marry|move to {c}]?
when is {N}'s birthday?
where does {N} [live|work|come from]?
where was {N} born?
what is the [phone number|address|job|salary] of {N}?
what did {N} [say|do|eat|buy] [today|yesterday|last week]?
how much does [a|the|one] {w} cost in {c}?
how much [money|time|water] does a {w} need?
how many people [live|work] in {c}?
how many {w} does {N} have?
how far is it from {c} to the {w}?
how long does it take to [build|make|learn] a {w}?
how do [people|you|they] [make|use|grow|sell] {w} in {c}?
what is the longest [river|road|bridge] in {c}?
what is the [area|climate|flag|anthem|currency code] of {c}?
what is the phone code of {c}?
[can|could] you write [a poem|a story|a song|an essay] about {w}?
make up a [story|song|poem|fairy tale] [with|about] a {w}
[tell|read] me a [long |bedtime |]story [about|with] a {w}
how do you say {w} in [French|German|Spanish|Japanese|Italian]?
what is the [French|German|Spanish|Italian|Latin] word for {w}?
what rhymes with {w}?
[why|since when] do people in {c} like {w}?
why did {N} [leave|win|lose|come to {c}]?
which {w} is [better|cheaper|faster|the best]?
which [book|film|game] about {w} should I [read|watch|play|buy]?
should I [buy|sell|learn|eat] {w}?
what will {w} [cost|be like|look like] [next year|tomorrow|in ten years]?
will {c} win [the world cup|the next match|against the {w}]?
[summarize|tell me the plot of] the [book|film|novel] {w}
give me [tips|advice|ideas] for {w}
plan [a trip|a holiday|a week] in {c} for {N}
what is the history of {w} in {c}?
who [lives|works] [next to|with|for] {N}?
what is the name of {N}'s [dog|wife|brother|company]?
is {w} [healthy|legal|dangerous|popular] in {c}?""".split("\n")
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


def cased(source, text):
    return text[0].upper() + text[1:] if source.chance(.65) else text


def copying(source):
    """`repeat X` with material from the tool requests."""
    make = source.pick((source.identifier, source.path, source.content, source.command, source.sentence))
    text = make().strip()
    ask = source.template(("repeat ", "say ", "echo ", "repeat after me: ", "copy ", "say this: ", "repeat this: ",
                           "please repeat ", "write ", "say the following: ", "repeat the following: ",
                           "repeat exactly: ", "copy this: ", "echo this: ", "say after me: ", "can you repeat ",
                           "now say ", "print back: ", "just say ", "I want you to say ", "type this back: "))
    return cased(source, ask) + source.quoted(text, .7), text


def memory(source):
    """Two or three turns in which something said earlier is asked for: a list of (user, assistant)."""
    kind, x = source.pick((("name", source.pick(NAMES)), ("name", source.pick(NAMES)),
                           ("favorite color", source.pick(LISTS["colors"])),
                           ("favorite number", str(source.random.randint(0, 99))),
                           ("favorite animal", source.pick(LISTS["animals"])), ("city", source.pick(LISTS["cities"]))))
    say = source.template((f"my {kind} is {x}", f"remember: my {kind} is {x}", f"hi, my {kind} is {x}",
                           f"please note that my {kind} is {x}", f"you should know that my {kind} is {x}.",
                           f"keep in mind that my {kind} is {x}", f"don't forget: my {kind} is {x}",
                           f"just so you know, my {kind} is {x}", f"I want to tell you that my {kind} is {x}",
                           f"for later: my {kind} is {x}", f"hello! my {kind} is {x}.", f"{x} is my {kind}",
                           f"the thing is, my {kind} is {x}", f"remember that my {kind} is {x}, please"))
    answer = f"Nice to meet you, {x}!" if kind == "name" else f"I will remember that your {kind} is {x}."
    ask = source.template((f"what is my {kind}?", f"do you remember my {kind}?", f"tell me my {kind}",
                           f"what was my {kind}?", f"what did I say my {kind} is?",
                           f"can you tell me my {kind}?", f"do you still know my {kind}?",
                           f"what did I tell you about my {kind}?", f"so what is my {kind}?", f"my {kind}?",
                           f"could you repeat my {kind}?", f"I told you my {kind}, what is it?",
                           f"have you forgotten my {kind}?", f"please tell me what my {kind} is"))
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
