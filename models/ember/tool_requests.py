"""Requests that call for one of the six tools, with the arguments that the right call has.

Templates use `[a|b|]` for alternatives and `{x}` for arguments.  A leading `?` marks a question or statement, which
gets no polite opening such as "please".
"""

from grammar import EXTENSIONS, LANGUAGES, fill

TOOLS = ("read", "write", "bash", "grep", "glob", "edit")


TEMPLATES = {
    "read": """
[read|open|show me|display|print|view|load|fetch|inspect|examine] [the file |]{p}
[show|display|print|get|give me|fetch|dump|output] the [contents|content|text] of [the file |]{p}
?what [is|do we have|is written|is stored] in [the file |]{p}?
?what does [the file |]{p} [contain|say|look like|hold]?
[let me see|bring up|pull up|go through|look into|look inside] [the file |]{p}
[take a look|have a look|look] at [the file |]{p}[ and tell me what is there| and tell me what it says|]
?I [want|need|would like] to [see|read|view|look at] [the file |]{p}
[summarize|explain|describe|review] [the file |]{p}
?I need the [contents|content|text] of {p}[ to continue| before we go on|]
[read|check|open] [the file |]{p} [and summarize it|and explain it|and tell me what it does|to see what it does]
?what's [in|inside] {p}?
?tell me what [is in|is inside|the file] {p}[ says| contains|]
cat {p}
read [the|my|our] [file|config file|source file|document] {p}[ from disk| in the project| in this repo|]
?[could|can|may] I see [the file |what is in |]{p}?
[explain|tell me|check] what {p} [does|says|contains]
?[do you know|can you tell me] what [is in|is inside] {p}?
[retrieve|grab|get] [the file |]{p}[ from the project| from the repo|]
?how does [the file |]{p} [look|start|begin]?
[use the read tool on|use read to open|call read on] {p}
?there is a file [called|named] {p}, [read it|show it to me|open it|what does it say?]
read {p} [so that I can check it|because I need it|before you change anything|first]
?{p}: what [is in it|does it say|does it contain]?
""",
    "write": """
[write|save|put|store] {c} [to|in|into] [the file |a file called |a file named |a new file |]{p}
[create|make|add] [the file |a file |a new file |a file called |a file named |]{p} [with|containing|that contains|that says] {c}
[create|make] [the file |]{p} and [write|put|save] {c} [in it|inside|into it]
[create|make|write] [a file |a new file |the file |]{p} with the [text|content|contents|line] {c}
[overwrite|fill] [the file |]{p} with [the text |]{c}
set the [contents|content|text] of [the file |]{p} to {c}
?[the file |]{p} [should|must] [contain|say|read] {c}
?I [need|want] [a file |the file |]{p} [with|containing|that says] {c}[ in it|]
write [down |]{c} [in|into] {p}
[in|into] [the file |a new file |a file called |]{p}, write {c}
[write to|save to|save in] {p} the [following|text]: {c}
[create|write|save] {p} with this [content|text|line]: {c}
?new file {p}: {c}
write this [to|into] {p}: {c}
[use the write tool to|use write to] [save|put] {c} in {p}
[write|save] the [text|line|words|sentence] {c} [to|in] [the file |]{p}
[save|write] {c} as {p}
place [the text |]{c} in [the file |]{p}
[make|start] a [text file|file|document] [called|named] {p} [and write|with the text|that holds] {c}
?I want {c} [written to|saved in|stored in] {p}
[generate|produce|output] {p} with {c}[ in it|]
[make sure that|see that] {p} [contains|says] {c}
""",
    "bash": """
[run|execute|launch|start|invoke|try] {c}
[run|execute|launch] the [command|shell command|bash command] {c}
[run|execute] {c} in [the shell|the terminal|bash|a shell|a terminal]
[use bash to|use the shell to|use the terminal to|with bash,] [run|execute] {c}
?what does {c} [print|output|return|say|show]?
?what is the [output|result] of {c}?
[show me|give me|print|tell me] the [output|result] of {c}
[run|execute] [this|the following|this command]: {c}
[go ahead and|let's] [run|execute|do] {c}
[in the shell,|in the terminal,|in bash,] [run|execute] {c}
[issue|call|perform|fire off|kick off] [the command |]{c}
?I [want|need|would like] [you to run|to run|the output of] {c}
[see|check|tell me|show me] what {c} [prints|returns|says|does]
[type|enter] {c} in the [terminal|shell]
run {c} and [show me the output|tell me what it prints|tell me the result|give me the output]
?[shell|terminal|command|bash]: {c}
do a {c}
[execute|run] {c} [now|once|again|first|next]
[try running|try executing|start by running] {c}
?[could you tell me what|do you know what] {c} [prints|returns|says]?
[please |]run the following command [in the shell|for me|]: {c}
?the command is {c}, [run it|execute it|please run it]
""",
    "grep": """
[search|grep|look] for {x}{W}
[find|show|list|get] [all|every one of the|the] [occurrences|uses|usages|mentions|matches] of {x}{W}
?where is {x} [defined|used|mentioned|declared|called|set]{W}?
?[which|what] files [mention|contain|use|include] {x}?
?where [do we|does the code|does the project] [use|mention|define|call] {x}?
[find|search for|look for] the [text|string|word|symbol|name|function|pattern] {x}{W}
[search|scan|grep] [the code|the project|the repo|all files|this repo|the source|everything] for {x}
?[who|what] [calls|uses] {x}?
grep {x}
[find|show me|list|print] [every line|all lines|the lines] [with|that contain|containing|that mention|matching] {x}{W}
?does [anything|any file|the code|the project] [use|mention|contain] {x}?
[search|grep|look] for {x} [in|under|inside|within] {D}
?where is {x} [used|defined|mentioned|declared] [in|under] {D}?
[find|show|list] [all|the] [occurrences|uses|usages|mentions] of {x} [in|under|inside] {D}
[search|scan|grep|look through] {D} for {x}
?[which|what] [lines of|files in|files under|part of] {D} [mention|contain|use|has] {x}?
in {D}, [look|search|grep] for {x}
[find|search for] the [text|string|word|symbol|name|function] {x} [in|inside|under] {D}
[find|locate] {x} [in|within|inside|under] {D}
?does {D} [mention|contain|use] {x}?
[use grep to find|use the grep tool to look for|grep the code for] {x}
[search|grep] for {x} [in|under] the [directory|folder] {D}
find [the definition|the declaration|references|calls|the place] of {x}{W}
[find|search for|locate] {x} in [the code|the project|this repo|the repo|our code]
?I [need|want] to [find|know where we use|see all uses of] {x}
""",
    "glob": """
[find|list|show|get|give me] [all |the |every |]files [matching|that match] [the pattern |]{g}
?[which|what] files match [the pattern |]{g}?
[glob|expand|match] [the pattern |]{g}
[list|find] {g}
[show|give] me [the list of |all |]files for {g}
[use glob with|use the glob tool with|use the glob|use the pattern] {g}
[list|find|show|get] [all|the|all the] {L} files{W}
?[which|what] {L} files [are there|do we have|exist|are in the project]?
[find|list|show] [every|each] {L} [file|source file]{W}
[list|find|show|get] [all|the|all the] {L} files [in|under|inside|from] {D}
?[which|what] {L} files are [in|under|inside] {D}?
[list|find|show|get] [all|the|every|all the] .{e} [files|file]{W}
[list|find|show] [all|the|all the] .{e} files [in|under|of|from] {D}
?where are the {L} files[ in the project| in this repo|]?
[find|list|show] [all|the|every] [files|file] [ending in|ending with|with the extension|with the ending] .{e}
?[which|what] files [end|are there that end] [with|in] .{e}?
[find|locate|look for] [the file|a file|the file called|the file named|files called|files named] {f}
?where is [the file |a file called |]{f}?
?is there a file [called|named] {f}?
?are there [any |]{L} files[ in {D}| under {D}|]?
find [all|the|every] .{e} [file|files] [inside|within] {D}
?I [need|want] [a list of|to see] [all|the] {L} files[ in {D}|]
[search|look] for files [named|called] {f}
""",
    "edit": """
[replace|change|swap|update|convert|turn] {o} [with|to|into|for] {n} in [the file |]{p}
in [the file |]{p}[,|] [replace|change|swap|substitute] {o} [with|to|for] {n}
[edit|modify|update|open] [the file |]{p} and [replace|change|swap] {o} [with|to|into] {n}
[rename|change the name of] {o} to {n} in [the file |]{p}
[edit|fix|modify|update] {p}: [replace|change|swap] {o} [with|to|for] {n}
[use|put|write] {n} instead of {o} in {p}
?{o} in {p} should [be|become|read|say] {n}
?in {p}, {o} [should|must] [be|become|read] {n}
put {n} in place of {o} in {p}
[change|replace|update] the [text|line|word|string|value|name] {o} [to|with|by] {n} in [the file |]{p}
[edit|update] {p} so that {o} [becomes|is now|reads] {n}
[make|let] {o} [read|be|say] {n} in {p}
[edit|change] {p} by [replacing|changing|swapping] {o} [with|to|for] {n}
[fix|correct] {o} to {n} in [the file |]{p}
in {p}[,|] [rename|change] {o} to {n}
[use the edit tool on|use edit on] {p} to [change|replace] {o} [to|with] {n}
replace [the text |the word |the line |]{o} [in|inside] {p} [with|by] {n}
?the [text|line|word|name] {o} in {p} should [be|read] {n}
[edit|modify] {p}: {o} [-> |becomes |to ]{n}
substitute {n} for {o} in {p}
in the file {p}, [change|turn|replace] {o} [to|into|by] {n}
?I want {o} [changed to|replaced with|replaced by] {n} in {p}
""",
}
TEMPLATES = {tool: lines.strip().split("\n") for tool, lines in TEMPLATES.items()}

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
whoami => ?which user am I?;?what is my user name?;tell me my user name;print the current user;?who am I logged in as?
""".strip().split("\n")]
INTENTS = [(command, wordings.split(";")) for command, wordings in INTENTS]

OPENINGS = ("please |can you |could you |hey, |I want you to |now |ok, |would you |kindly |next, |go and |just |then |"
            "hi, please |quickly |let's |you should |first |can you please |I need you to |also |hi, can you |"
            "would you please |could you please |I'd like you to |hello, |now please |ok, now ").split("|")
ENDINGS = (" please| for me| now| thanks| if you can|, thanks| right away|, please| when you can| so I can check it|"
           ", ok?| and nothing else| as soon as you can| today| again").split("|")
PLACES = [""] * 6 + (" in the project| in this repo| here| in the code| anywhere| in our code| in the whole project|"
                     " in the code base| in all files| somewhere").split("|")


def dress(source, template):
    """Adds openings, endings, capitals and final marks around a template."""
    question = template.startswith("?")
    text = source.expand(template.lstrip("?"))
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
    return path if source.chance(.75) else source.quoted(path)


def _quoted_pair(source, old, new, plain):
    """Both texts bare, or both in one kind of quotes."""
    if plain and source.chance(.5):
        return old, new
    marks = [m for m in "`\"'" if m not in old + new]
    if not marks:
        return source.quoted(old), source.quoted(new)
    mark = source.pick(marks)
    return mark + old + mark, mark + new + mark


def _bash(source, template):
    if source.chance(.3):
        command, wordings = source.pick(INTENTS)
        slots = {"p": source.path(), "q": source.path(), "d": source.directory(), "t": source.sentence(1, 5),
                 "i": source.identifier()}
        if command.startswith("python3"):
            slots["p"] = slots["p"].rsplit(".", 1)[0]
        return fill(dress(source, source.template(wordings)), slots), {"command": fill(command, slots)}
    command = source.command()
    text = dress(source, template)
    return fill(text, {"c": source.quoted(command, .3 if text.endswith("{c}") else .05)}), {"command": command}


def _grep(source, template):
    kind = source.random.random()
    pattern = source.identifier() if kind < .7 else source.sentence(1, 3) if kind < .85 else source.code()
    where = source.directory() if source.chance(.7) else source.path()
    text = dress(source, template.replace("{W}", source.pick(PLACES)))
    arguments = {"pattern": pattern}
    if "{D}" in text:
        arguments["path"] = where
    slots = {"x": source.quoted(pattern, .6 if kind < .7 else 0), "D": _path_words(source, where)}
    return fill(text, slots), arguments


def _glob(source, template):
    folder, extension, other = source.directory(), source.pick(EXTENSIONS), source.pick(EXTENSIONS)
    language = source.pick(list(LANGUAGES))
    name = source.path().split("/")[-1]
    pattern = source.fill_code(source.pick((
        f"**/*.{extension}", f"{folder}/**/*.{extension}", f"{folder}/*.{extension}", f"*.{extension}", "**/{w}*.{e}",
        f"{folder}/**/*.{{{{{extension},{other}}}}}", "**/{i}.*", f"{folder}/{{w}}_*.{extension}", f"**/*.{extension}")))
    text = dress(source, template.replace("{W}", source.pick(PLACES)))
    slots = {"g": source.quoted(pattern, .5), "e": extension, "D": _path_words(source, folder),
             "f": _path_words(source, name), "L": language if source.chance(.6) else language.lower()}
    if "{f}" in text:
        pattern = "**/" + name
    elif "{g}" not in text:
        pattern = (folder + "/" if "{D}" in text else "") + "**/*."
        pattern += LANGUAGES[language] if "{L}" in text else extension
    return fill(text, slots), {"pattern": pattern}


def _edit(source, template):
    kind = source.random.random()
    make = (source.identifier if kind < .6 else (lambda: str(source.number())) if kind < .7 else
            (lambda: source.sentence(1, 3)) if kind < .85 else source.code)
    old, new, path = make(), make(), source.path()
    said_old, said_new = _quoted_pair(source, old, new, kind < .7)
    slots = {"p": _path_words(source, path), "o": said_old, "n": said_new}
    return fill(dress(source, template), slots), {"path": path, "old": old, "new": new}


def request(source, tool, split=None):
    """One request for `tool`: (text, arguments under their standard names)."""
    template = source.template(TEMPLATES[tool], split)
    if tool == "read":
        path = source.path()
        return fill(dress(source, template), {"p": _path_words(source, path)}), {"path": path}
    if tool == "write":
        path, content = source.path(), source.content()
        said = source.quoted(content, .6 if template.endswith(": {c}") else 0)
        text = fill(dress(source, template), {"p": _path_words(source, path), "c": said})
        return text, {"path": path, "content": content}
    return {"bash": _bash, "grep": _grep, "glob": _glob, "edit": _edit}[tool](source, template)
