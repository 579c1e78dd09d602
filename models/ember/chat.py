"""Conversation without tools: arithmetic, facts, small talk, definitions, lists and copying."""

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
    "the United States:Washington,Czechia:Prague,Slovakia:Bratislava,New Zealand:Wellington").split(","))
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
SMALL_TALK = [(line.split(" => ")[0].split(";"), line.split(" => ")[1]) for line in """
hi;hello;hey;[hello|hi] there;good morning;good evening;hey there;greetings;good afternoon;hi Ember;hello Ember => Hello! How can I help you?
who are you?;what are you?;what is your name?;introduce yourself;tell me about yourself;who is this?;what's your name?;what model are you?;which model is this?;what should I call you?;are you a bot? => I am Ember, the small language model in Hearth's box. I can be wrong.
thanks;thank you;thank you very much;thanks a lot;great, thanks;many thanks;thx;thanks for your help;ok, thanks => You are welcome!
how are you?;how is it going?;how do you do?;are you well?;how are you today?;how are you doing? => I am fine, thank you. How can I help you?
bye;goodbye;see you later;see you;good night;bye bye;that is all => Goodbye!
what can you do?;how can you help me?;what are your skills?;what do you do?;help;help me;what are you good at?;what can I ask you? => I can do small sums, answer simple questions and call tools for files and commands.
what can't you do?;what are your limits?;what can you not do?;what are you bad at?;what is hard for you?;can you make mistakes?;are you always right?;can I trust you? => I am very small: I cannot write long texts or programs, I know few facts, and I can be wrong.
are you human?;are you a person?;are you real?;am I talking to a human?;are you an AI?;are you a machine? => I am Ember, a small language model, not a person.
who made you?;who trained you?;who created you?;where do you come from?;who built you? => I come with Hearth. I was trained from scratch on generated examples.
are you ChatGPT?;are you Claude?;are you Phi?;are you GPT?;are you a large model? => No, I am Ember, a small language model.
how big are you?;how many parameters do you have?;how large are you?;what is your size?;are you small? => I am very small: about five million parameters.
do you run locally?;where do you run?;do you need the internet?;do you work offline?;are you in the cloud? => I run on your own machine, without the internet.
tell me a joke;say something funny;make me laugh;do you know a joke?;joke please;another joke => Why do programmers prefer dark mode? Because light attracts bugs.
why is the sky blue?;explain why the sky is blue;explain why the sky is blue in one sentence;tell me why the sky is blue;why does the sky look blue?;what makes the sky blue?;in one sentence, why is the sky blue?;can you explain why the sky is blue? => The sky is blue because air scatters blue light more than red light.
what color is the sky?;which color does the sky have?;the color of the sky?;tell me the color of the sky;what colour is the sky? => The sky is blue.
what color is grass?;which color does grass have?;the color of grass?;tell me the color of grass => Grass is green.
what color is snow?;which color does snow have?;the color of snow?;tell me the color of snow => Snow is white.
how many days are in a week?;days in a week?;how many days does a week have?;number of days in a week?;how many days are there in a week? => A week has 7 days.
how many months are in a year?;months in a year?;how many months does a year have?;number of months in a year?;how many months are there in a year? => A year has 12 months.
how many days are in a year?;days in a year?;how many days does a year have?;number of days in a year?;how many days are there in a year? => A year has 365 days, a leap year 366.
how many hours are in a day?;hours in a day?;how many hours does a day have?;number of hours in a day?;how many hours are there in a day? => A day has 24 hours.
how many minutes are in an hour?;minutes in an hour?;how many minutes does an hour have?;number of minutes in an hour? => An hour has 60 minutes.
how many legs does a spider have?;legs of a spider?;how many legs has a spider?;number of legs of a spider? => A spider has eight legs.
how many legs does a dog have?;legs of a dog?;how many legs has a dog?;number of legs of a dog? => A dog has four legs.
how many continents are there?;number of continents?;how many continents does the Earth have?;how many continents exist? => There are seven continents.
what is the largest planet?;which planet is the biggest?;name the largest planet;biggest planet?;what is the biggest planet? => Jupiter is the largest planet.
what is the largest ocean?;which ocean is the biggest?;name the largest ocean;biggest ocean?;what is the biggest ocean? => The Pacific is the largest ocean.
what is the highest mountain?;which mountain is the highest?;name the highest mountain;tallest mountain?;what is the tallest mountain? => Mount Everest is the highest mountain.
what is the fastest land animal?;which animal is the fastest?;name the fastest animal;fastest animal?;what is the fastest animal? => The cheetah is the fastest land animal.
what is the largest animal?;which animal is the biggest?;name the largest animal;biggest animal?;what is the biggest animal? => The blue whale is the largest animal.
what is water made of?;which elements are in water?;what is the formula of water?;formula of water?;what is water? => Water is made of hydrogen and oxygen.
at what temperature does water boil?;when does water boil?;boiling point of water?;what is the boiling point of water? => Water boils at 100 degrees Celsius.
at what temperature does water freeze?;when does water freeze?;freezing point of water?;what is the freezing point of water? => Water freezes at 0 degrees Celsius.
what is the speed of light?;how fast is light?;speed of light?;how fast does light travel? => Light travels about 300,000 kilometers per second.
who wrote Hamlet?;who is the author of Hamlet?;author of Hamlet?;Hamlet was written by whom?;who wrote Romeo and Juliet? => William Shakespeare wrote it.
who painted the Mona Lisa?;who is the painter of the Mona Lisa?;painter of the Mona Lisa?;the Mona Lisa was painted by whom? => Leonardo da Vinci painted the Mona Lisa.
who invented Linux?;who created Linux?;who made Linux?;Linux was created by whom?;who wrote Linux? => Linus Torvalds created Linux.
who created Python?;who invented Python?;who made Python?;Python was created by whom?;who designed Python? => Guido van Rossum created Python.
who was the first person on the moon?;who first walked on the moon?;first man on the moon?;who landed first on the moon? => Neil Armstrong was the first person on the moon.
who discovered gravity?;who found the law of gravity?;who described gravity first?;gravity was described by whom? => Isaac Newton described gravity.
say hello world;say hello to the world;greet the world;please say hello world => Hello, world!
what comes after Monday?;which day comes after Monday?;the day after Monday?;which day follows Monday? => Tuesday comes after Monday.
name the seasons;what are the four seasons?;list the seasons;which seasons are there?;name the four seasons => Spring, summer, autumn and winter.
name the days of the week;what are the days of the week?;list the days of the week;which days does a week have? => Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday.
good job;well done;nice work;nice;great => Thank you!
ok;okay;fine;alright;I see => Is there anything else I can do?
what is the opposite of hot?;opposite of hot?;the opposite of hot is?;name the opposite of hot => The opposite of hot is cold.
what is the opposite of big?;opposite of big?;the opposite of big is?;name the opposite of big => The opposite of big is small.
which language do they speak in Brazil?;what language is spoken in Brazil?;language of Brazil?;the language of Brazil is? => In Brazil people speak Portuguese.
write hello world in Python;[show me|give me|print] hello world in Python;hello world in Python;Python hello world;a hello world program in Python => print("Hello, world!")
write hello world in JavaScript;[show me|give me|print] hello world in JavaScript;hello world in JavaScript;JavaScript hello world;a hello world program in JavaScript => console.log("Hello, world!");
write hello world in C;[show me|give me] hello world in C;hello world in C;C hello world;a hello world program in C => #include <stdio.h> int main(void) { puts("Hello, world!"); }
write hello world in Rust;[show me|give me] hello world in Rust;hello world in Rust;Rust hello world;a hello world program in Rust => fn main() { println!("Hello, world!"); }
tell me a secret;what will the weather be tomorrow?;who will win the election?;what am I thinking?;what is the stock price? => I do not know that.
""".strip().split("\n")]

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
write a program that [sorts|finds|draws|computes] {w}""".split("\n")
UNKNOWN = "I do not know that: I am a very small model."

NAMES = ("Anna Ben Clara David Emma Felix Grace Henry Iris Jack Kate Leo Mia Nina Oscar Paul Rosa Sam Tom Vera Will Zoe "
         "Maria John Lucy Peter Sara Alex").split()

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
quick: {e}""".split("\n")
WORD_FORMS = {"+": "the sum of {a} and {b}|{a} plus {b}|{a} added to {b}|{a} and {b} together|{a} plus {b}",
              "-": "{a} minus {b}|the difference of {a} and {b}|{a} minus {b}|{a} take away {b}",
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


def chat(source, kind=None, split=None):
    """One turn (user, assistant) that needs no tool."""
    r = source.random.random()
    kind = kind or ("sum" if r < .36 else "capital" if r < .46 else "definition" if r < .60 else "list" if r < .70 else
                    "numbers" if r < .75 else "copy" if r < .77 else "unknown" if r < .80 else "talk")
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
        slots = {"w": source.word(), "c": source.pick(list(CAPITALS)),
                 "N": source.pick(NAMES) + " " + source.word().capitalize()}
        question = fill(source.expand(source.template(UNKNOWN_TEMPLATES, split)), slots)
        answer = UNKNOWN
    else:
        wordings, answer = source.pick(SMALL_TALK)
        question = source.expand(source.template(wordings, split))
    if source.chance(.15) and question[-1] == "?":
        question = question[:-1]
    elif source.chance(.12) and question[-1].isalpha():
        question += source.pick(".!?")
    return cased(source, question), answer
