"""Requests that call for one of the six tools, with the arguments that the right call has.

Templates (requests.txt) use `[a|b|]` for alternatives and `{x}` for arguments.  A leading `?` marks a question or
statement, which gets no polite opening such as "please".
"""

import re
from pathlib import Path

from grammar import EXTENSIONS, LANGUAGES, fill, stem

TEMPLATES = {section.split("\n")[0]: section.strip().split("\n")[1:] for section in
             Path(__file__).with_name("requests.txt").read_text().split("== ")[1:]}

# Wishes that name no command: (command, wordings)
INTENTS = [line.split(" => ") for line in Path(__file__).with_name("intents.txt").read_text().strip().split("\n")]
INTENTS = [(command, wordings.split(";")) for command, wordings in INTENTS]
EVERYDAY_INTENTS = INTENTS[:100]

OPENINGS = ("please |pls |plz |yo, |so |alright, |hmm, |great, |good. |thanks, now |perfect, |could u |can u |"
            "I was wondering if you could |if possible, |when you are ready, |one more thing: |do me a favor and |"
            "it would be great if you could |would you be so kind to |your task: |task: |step 1: |after that, |"
            "Ember, |hello Ember, |good morning, |quick question: |help me: |I'd appreciate it if you could |"
            "be so good and |please |can you |could you |hey, |I want you to |now |ok, |would you |kindly |next, |"
            "go and |just |then |hi, please |quickly |let's |you should |first |can you please |I need you to |also |"
            "hi, can you |would you please |could you please |I'd like you to |hello, |now please |ok, now |"
            "right, |hello there, |listen, |look, |one request: |my request: |my next request: |here is your job: |"
            "I want to ask you to |is it possible to |would it be possible to |any chance you could |"
            "I'd love you to |do please |so now |and now |hey there, |hi Ember, |in the meantime, |before that, |"
            "could you perhaps |could you kindly |will you please |your next job is to |I'd be glad if you could |"
            "thank you, now |very well, |sorry, |excuse me, ").split("|")
ENDINGS = (" pls| plz| thx| asap|, thank you| for a moment| real quick|, would you?|, will you?| before lunch|"
           " and tell me when you are done| and let me know| if that is ok|, that's all| first| next| then| please|"
           " for me| now| thanks| if you can|, thanks| right away|, please| when you can| so I can check it|, ok?|"
           " and nothing else| as soon as you can| today| again"
           "|, I'm in a hurry|, I beg you|, quickly| without asking| while I wait|, can you?|, could you?|, if possible|"
           " if you don't mind|, many thanks|, thank you very much| as fast as you can|, my friend| for us|, thanks a lot|"
           " when you have time|, it is urgent| and then stop|, nothing more| straight away| before we continue").split("|")
PLACES = [""] * 6 + (" in the project| in this repo| here| in the code| anywhere| in our code| in the whole project|"
                     " in the code base| in all files| somewhere").split("|")
FOLDER_FORMS = """{name} in the {folder} [folder|directory]
{name} in {folder}
{name} under {folder}
{name} inside the {folder} [folder|directory]
{name} from [the |]{folder}[ folder| directory|]
{name} (in {folder})
the {name} in {folder}
{name} of the {folder} [folder|directory]""".split("\n")

# sentences before a request that change nothing about it
SETTINGS = """port version timeout title name color host limit size default url user level mode path value key message variable
function class constant text heading description author email prefix width delay retries""".split()
BACKGROUNDS = """We have a bug.
I am new to this project.
The build is broken.
Something is wrong here.
I am working on the tests.
I just cloned this repository.
Let's get started.
We need to finish this today.
The last change broke something.
My boss is waiting.
I want to understand how this works.
There is a small job to do.
Good work so far.
I am not sure what is going on.
The customer reported a problem.
Next step.
Thanks for the help so far.
We are almost done.
I have a question.
I think we are missing something.
Here is what I need.
OK, that worked.
I am back.
Sorry for all the questions.
This is my first day here.
The deadline is tomorrow.
I have been stuck for hours.
Something does not add up.
The tests are red.
We release on Monday.
I am reviewing a pull request.
My colleague is on holiday.
That was not what I expected.
Let me try something else.
I want to clean up a bit.
There is one more thing.
It worked yesterday.
I am preparing a demo.
The logs look strange.
Good, let's move on.
I need your help.
No idea why it fails.""".split("\n")
REASONS = """ because I need it for the release
, I want to be sure
 so that we can go on
 since the tests fail
, it is important
 before we deploy
 because the build fails
 so I can compare
 as the docs say
, my colleague asked for it
 since I forgot
 because something is broken
 to make the tests pass
, otherwise it will not work
 so we know
, my boss asked for it
, I am curious
 so that nobody complains
 because the customer wants it
 since we changed it yesterday
, we need it for the demo
 as we agreed
 because the reviewer asked
 to be on the safe side
, I promised it
 so that the build passes
 because the old way is wrong
 since it is late
 so I can go home
, it is for my homework
 because I have to explain it
 to get this done
, I have a meeting soon""".split("\n")


def misspelt(source, text):
    """`text` with one slip of the keyboard in a word of the wording, never in an argument's place."""
    places = [m.start() for m in re.finditer(r"(?<![{\w])[a-z]{4,}(?![}\w])", text)]
    if not places:
        return text
    at = source.pick(places) + source.random.randint(1, 2)
    kind = source.random.randint(0, 2)
    if kind == 0:
        return text[:at] + text[at + 1] + text[at] + text[at + 2:]
    return text[:at] + text[at + 1:] if kind == 1 else text[:at] + text[at] + text[at:]


def dress(source, template):
    """Adds openings, endings, capitals, slips and final marks around a template."""
    question = template.startswith("?")
    text = source.expand(template.lstrip("?"))
    text = re.sub(" +(?=[ ,])", "", text).strip()
    if source.chance(.04):
        text = misspelt(source, text)
    if text[-1] not in "?}.!" and source.chance(.05):
        text += source.template(REASONS)
    plain = dressed(source, text, question)
    if source.chance(.05):
        return source.template(BACKGROUNDS) + " " + plain
    if source.chance(.03):
        marks = (".", ".", "!", " !", "!!", " .", "...", ";", ":")
        plain = plain.rstrip(".") + source.pick(marks) if plain[-1] != "}" else plain
    return plain


def dressed(source, text, question):
    if not question and source.chance(.5):
        text = source.template(OPENINGS) + text
    if text[-1] not in "?}" and source.chance(.2) or (not question and text[-1] == "}" and source.chance(.15)):
        text += source.template(ENDINGS)
    if source.chance(.5) and text[0].isalpha():
        text = text[0].upper() + text[1:]
    if text[-1] == "?" and source.chance(.08):
        text = text[:-1]
    elif text[-1] not in "?}." and source.chance(.25):
        text += "."
    return text


def _path_words(source, path):
    """A path as people say it: bare, quoted, or as a file in a folder."""
    folder, _, name = path.rpartition("/")
    if folder and name and not folder.startswith((".", "/", "~")) and source.chance(.06):
        return source.expand(source.template(FOLDER_FORMS)).format(name=name, folder=folder)
    return path if source.chance(.75) else source.quoted(path)


def _folder_words(source, folder):
    """A folder as people say it."""
    if source.chance(.25):
        forms = ("the {} [folder|directory]", "the {} [folder|directory]", "[folder|directory] {}",
                 "the [folder|directory] {}", "{}/", "my {} [folder|directory]")
        return source.expand(source.pick(forms)).format(folder)
    return folder if source.chance(.8) else source.quoted(folder)


def _quoted_pair(source, old, new, plain):
    """Both texts bare, or both in one kind of quotes."""
    if plain and source.chance(.65):
        return old, new
    marks = [m for m in "`\"'" if m not in old + new]
    if not marks:
        return source.quoted(old), source.quoted(new)
    mark = source.pick(marks)
    return mark + old + mark, mark + new + mark


def _bash(source, template):
    if source.chance(.5):
        command, wordings = source.pick(EVERYDAY_INTENTS if source.chance(.3) else INTENTS)
        slots = {"p": source.path(), "q": source.path(), "d": source.directory(), "t": source.sentence(1, 5),
                 "i": source.identifier(), "w": source.word(), "N": str(source.number())}
        if "{p}." in command:
            slots["p"] = stem(slots["p"])
        return fill(dress(source, source.template(wordings)), slots), {"command": fill(command, slots)}
    command = source.command()
    text = dress(source, template)
    return fill(text, {"c": source.quoted(command, .7 if text.endswith("{c}") else .25)}), {"command": command}


def _grep(source, template):
    kind = source.random.random()
    pattern = source.identifier() if kind < .7 else source.sentence(1, 3) if kind < .85 else source.code()
    where = source.directory() if source.chance(.75) else source.path()
    text = dress(source, template.replace("{W}", source.pick(PLACES)))
    arguments = {"pattern": pattern}
    if "{D}" in text:
        arguments["path"] = where
    spoken = _path_words if "." in where.rpartition("/")[2] else _folder_words
    bare = .7 if kind < .7 else .4 if text.endswith("{x}") else 0
    slots = {"x": source.quoted(pattern, bare), "D": spoken(source, where)}
    return fill(text, slots), arguments


def _glob(source, template):
    folder, extension, other = source.directory(), source.pick(EXTENSIONS), source.pick(EXTENSIONS)
    language = source.pick(list(LANGUAGES))
    name = source.path().split("/")[-1]
    pattern = source.fill_code(source.pick((
        f"**/*.{extension}", f"{folder}/**/*.{extension}", f"{folder}/*.{extension}", f"*.{extension}", "**/{w}*.{e}",
        f"{folder}/**/*.{{{{{extension},{other}}}}}", "**/{i}.*", f"{folder}/{{w}}_*.{extension}", f"**/*.{extension}")))
    text = dress(source, template.replace("{W}", source.pick(PLACES)))
    slots = {"g": source.quoted(pattern, .5), "e": extension, "D": _folder_words(source, folder),
             "f": _path_words(source, name), "L": language if source.chance(.6) else language.lower()}
    if "{f}" in text:
        pattern = "**/" + name
    elif "{g}" not in text:
        pattern = (folder + "/" if "{D}" in text else "") + "**/*."
        pattern += LANGUAGES[language] if "{L}" in text else extension
    arguments = {"pattern": pattern}
    if "{g}" not in text and "{D}" in text:
        arguments["folder"] = folder
    return fill(text, slots), arguments


def _edit(source, template):
    kind = source.random.random()
    if "{t}" in template:       # the value of a setting
        kind = .65 if source.chance(.5) else .3
    make = (source.identifier if kind < .6 else (lambda: str(source.number())) if kind < .7 else
            (lambda: source.sentence(1, 3)) if kind < .85 else source.code)
    old, new, path = make(), make(), source.path()
    said_old, said_new = _quoted_pair(source, old, new, kind < .7)
    slots = {"p": _path_words(source, path), "o": said_old, "n": said_new, "t": source.pick(SETTINGS)}
    return fill(dress(source, template), slots), {"path": path, "old": old, "new": new}


def request(source, tool, split=None):
    """One request for `tool`: (text, arguments under their standard names; `folder` where a glob has one)."""
    template = source.template(TEMPLATES[tool], split)
    if tool == "read":
        path = source.path()
        return fill(dress(source, template), {"p": _path_words(source, path)}), {"path": path}
    if tool == "write":
        path, content = source.path(), source.content()
        text = dress(source, template)
        said = source.quoted(content, .6 if text.endswith(": {c}") else .35 if text.endswith("{c}") else
                             .25 if " " not in content else 0)
        text = fill(text, {"p": _path_words(source, path), "c": said})
        return text, {"path": path, "content": content}
    return {"bash": _bash, "grep": _grep, "glob": _glob, "edit": _edit}[tool](source, template)
