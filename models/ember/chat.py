"""Conversation without tools: sums, facts, small talk, definitions, lists and copying."""

from itertools import accumulate
from pathlib import Path

from arithmetic import arithmetic, numbers
from grammar import PEOPLE, cased, fill

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
    kind, x = source.pick((("name", source.pick(PEOPLE)), ("name", source.pick(PEOPLE)),
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
    kind = kind or ("sum" if r < .40 else "capital" if r < .48 else "definition" if r < .60 else "list" if r < .68 else
                    "numbers" if r < .72 else "copy" if r < .73 else "unknown" if r < .79 else "talk")
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
                 "N": source.pick(PEOPLE) + " " + source.word().capitalize()}
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
