"""Requests that call for one of the six tools, with the arguments that the right call has.

Templates (requests.txt) use `[a|b|]` for alternatives and `{x}` for arguments.  A leading `?` marks a question or statement, which
gets no polite opening such as "please".
"""

import re
from pathlib import Path

from grammar import EXTENSIONS, LANGUAGES, fill

TEMPLATES = {section.split("\n")[0]: section.strip().split("\n")[1:] for section in
             Path(__file__).with_name("requests.txt").read_text().split("== ")[1:]}

# Wishes that name no command: (command, wordings)
INTENTS = [line.split(" => ") for line in """
git status => [show|check|print|give me] the git status;?what is the git status?;git status please;?which files did I change?;check the repository status
git branch --show-current => ?what branch [are we|am I] on?;?which git branch is this?;tell me the current [git |]branch;name the current git branch;?current branch?
npm test => run the npm tests;run the test suite with npm;npm tests please;start the tests with npm;run the tests[ with npm|]
git pull => pull the latest changes;git pull please;update the repo from the remote;get the latest commits from the remote;pull from git
pwd => ?what directory [are we|am I] in?;print the working directory;?which folder am I in?;show the current directory;?where am I?
date => ?what time is it?;?what is the date[ today|]?;show the current date;tell me the date[ and time|];current time please;?what day is it?
df -h => ?how much disk space is left?;show disk usage;?is the disk full?;check the [free |]disk space;?how full is the disk?
npm install => install the npm dependencies;install the packages with npm;npm install please;get the npm dependencies installed;set up the npm packages
git log --oneline => show the git history;list the commits;show recent commits;?what are the latest commits?;print the commit log
rm {p} => delete [the file |]{p};remove [the file |]{p};erase {p};get rid of {p};delete the file {p}
mkdir -p {d} => create the [directory|folder] {d};make a folder {d};make a directory called {d};add a folder named {d};create a folder {d}
wc -l {p} => count the lines in {p};?how many lines does {p} have?;?number of lines in {p};?how long is {p} in lines?;?line count of {p}
ls {d} => list the [files in the |]directory {d};?what files are in the folder {d}?;list the folder {d};show the folder {d};ls the folder {d}
ls => list the files[ here|];?what files are here?;show the files in this [folder|directory];list this directory;list the current directory
mv {p} {q} => move {p} to {q};rename the file {p} to {q};move the file {p} to {q};relocate {p} to {q};mv {p} to {q}
cp {p} {q} => copy {p} to {q};make a copy of {p} at {q};duplicate {p} as {q};copy the file {p} to {q};cp {p} to {q}
git commit -m "{t}" => commit with the message "{t}";git commit with message "{t}";make a commit saying "{t}";commit the changes with the message "{t}";commit as "{t}"
git checkout -b {i} => create a branch named {i};make a new git branch {i};start a branch called {i};create the git branch {i};new branch {i}
npm run build => build the project;run the build;make a build;build this;start the build
python3 {p}.py => run the python script {p}.py;execute the python file {p}.py;start the script {p}.py with python;launch {p}.py with python;run {p}.py with python
git diff => show [me |]the [git |]diff;?what did I change?;show my changes;?what changed [since the last commit|]?;git diff please;show uncommitted changes
git add . => stage all changes;add everything to git;stage everything[ in git|];git add everything;add all files to git
git push => push my commits;push to the remote;git push please;push the branch;upload the commits [to the remote|]
git stash => stash my changes;put my changes [on the stash|aside with git];git stash please;stash everything
npm start => start the app with npm;run npm start;start the node app;npm start please
npm run lint => run the linter[ with npm|];lint the [code|project];check the code style with npm;start the linter;run lint
npm run dev => start the dev server;start the development server;run the dev server;launch the dev server
npm install {w} => install the npm package {w};add {w} with npm;npm install the package {w};install {w} with npm;get {w} from npm
pip install {w} => install {w} with pip;install the python package {w};pip install the package {w};add the python package {w};get {w} from pip
pytest => run pytest;run the python tests;run the tests with pytest;start pytest;test with pytest
make => run make;build with make;start make;make please
cargo build => build with cargo;run cargo build;build the rust project;compile the rust project
cargo test => run the rust tests;run the tests with cargo;test with cargo;cargo tests please
docker ps => list the [running |]containers;show [me |]the docker containers;?which containers are running?;?what docker containers are up?
ps aux => list the [running |]processes;show [all |]running processes;?which processes are running?;?what is running on this machine?;show me the processes
free -h => ?how much memory is free?;show the memory usage;?how much RAM is left?;check the free memory
uptime => ?how long has the machine been running?;show the uptime;?what is the uptime?;tell me the uptime
node --version => ?which version of node is installed?;show the node version;check the node version;?what node version do we have?
python3 --version => ?which version of python is installed?;show the python version;check the python version;?what python version do we have?
uname -a => show the kernel version;?which system is this?;?what kernel is running?;print system information
env => show the environment variables;list all environment variables;print the environment;?which environment variables are set?
touch {p} => create an empty file [called |named |]{p};touch {p};make an empty file {p};add an empty file {p}
chmod +x {p} => make {p} executable;set the executable bit on {p};chmod {p} so that it is executable;?can you make {p} executable?
head -n {N} {p} => show the first {N} lines of {p};print the first {N} lines of {p};?what are the first {N} lines of {p}?;head of {p}, {N} lines
tail -n {N} {p} => show the last {N} lines of {p};print the last {N} lines of {p};?what are the last {N} lines of {p}?;tail of {p}, {N} lines
rm -rf {d} => delete the [directory|folder] {d};remove the [directory|folder] {d};get rid of the folder {d};erase the directory {d}
du -sh {d} => ?how big is the [directory|folder] {d}?;show the size of the folder {d};?how much space does {d} take?;size of the directory {d}
echo "{t}" => print "{t}" in the [shell|terminal];echo "{t}";use the shell to print "{t}";?can you echo "{t}"?
git checkout {i} => switch to the branch {i};check out {i};checkout [the branch |]{i};change to branch {i};go to the git branch {i}
git clone https://{w}.com/{i}.git => clone https://{w}.com/{i}.git;clone the repo https://{w}.com/{i}.git;get a clone of https://{w}.com/{i}.git;git clone https://{w}.com/{i}.git please
curl https://{w}.com => fetch https://{w}.com with curl;curl https://{w}.com;use curl on https://{w}.com;get https://{w}.com using curl
node {p}.js => run [the script |]{p}.js with node;execute {p}.js with node;start {p}.js in node;launch {p}.js using node
bash {p}.sh => run the [shell |]script {p}.sh;execute the shell script {p}.sh;start {p}.sh with bash;run {p}.sh in bash
ping {w}.com => ping {w}.com;check whether {w}.com answers a ping;send a ping to {w}.com;?is {w}.com reachable? ping it
kill {N} => kill [the |]process {N};stop the process {N};end process number {N};terminate pid {N}
whoami => ?which user am I?;?what is my user name?;tell me my user name;print the current user;?who am I logged in as?
""".strip().split("\n")]
INTENTS = [(command, wordings.split(";")) for command, wordings in INTENTS]

OPENINGS = ("please |pls |plz |yo, |so |alright, |hmm, |great, |good. |thanks, now |perfect, |could u |can u |"
            "I was wondering if you could |if possible, |when you are ready, |one more thing: |do me a favor and |"
            "it would be great if you could |would you be so kind to |your task: |task: |step 1: |after that, |"
            "Ember, |hello Ember, |good morning, |quick question: |help me: |I'd appreciate it if you could |be so good and |"
            "please |can you |could you |hey, |I want you to |now |ok, |would you |kindly |next, |go and |just |then |"
            "hi, please |quickly |let's |you should |first |can you please |I need you to |also |hi, can you |"
            "would you please |could you please |I'd like you to |hello, |now please |ok, now ").split("|")
ENDINGS = (" pls| plz| thx| asap|, thank you| for a moment| real quick|, would you?|, will you?| before lunch|"
           " and tell me when you are done| and let me know| if that is ok|, that's all| first| next| then| please| for me| now| thanks| if you can|, thanks| right away|, please| when you can| so I can check it|"
           ", ok?| and nothing else| as soon as you can| today| again").split("|")
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
OK, that worked.""".split("\n")
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
 so we know""".split("\n")


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
        plain = plain.rstrip(".") + source.pick((".", ".", "!", " !", "!!", " .", "...", ";", ":")) if plain[-1] != "}" else plain
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
        return source.expand(source.pick(("the {} [folder|directory]", "the {} [folder|directory]", "[folder|directory] {}",
                                          "the [folder|directory] {}", "{}/", "my {} [folder|directory]"))).format(folder)
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
    if source.chance(.4):
        command, wordings = source.pick(INTENTS)
        slots = {"p": source.path(), "q": source.path(), "d": source.directory(), "t": source.sentence(1, 5),
                 "i": source.identifier(), "w": source.word(), "N": str(source.number())}
        if "{p}." in command:
            slots["p"] = slots["p"].rsplit(".", 1)[0]
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
    slots = {"x": source.quoted(pattern, .7 if kind < .7 else .4 if text.endswith("{x}") else 0), "D": spoken(source, where)}
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
