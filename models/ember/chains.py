"""Tasks that take two or three calls, each after the result of the one before, and questions that a result answers."""

from grammar import fill, stem
from results import report_error, result, shown_lines
from tool_requests import dress, _path_words, _quoted_pair

# kind => tools in order; wordings
CHAINS = {line.split(" => ")[0]: line.split(" => ")[1].split() for line in """
read-edit => read edit
grep-read => grep read
glob-read => glob read
write-bash => write bash
read-read => read read
edit-bash => edit bash
grep-edit => grep edit
bash-write => bash write
read-write => read write
grep-read-edit => grep read edit""".strip().split("\n")}

TEMPLATES = """
== read-edit
[read|open|look at|check] {p}[, then| and then| and] [replace|change] {o} [with|to] {n}[ in it|]
first read {p}, then [change|replace] {o} [to|with] {n}
[look into|open] {p} and after that [replace|change] {o} [by|to] {n}
[read|view] the file {p} before you [change|replace] {o} [to|with] {n} in it
in {p}, [change|replace] {o} [to|with] {n}, but read [it|the file] first
[show me|read] {p}; then [edit|change] it so that {o} becomes {n}
read {p} and rename {o} to {n}
[step 1: |]read {p}. [step 2: |Then ]replace {o} with {n}.
have a look at {p} and fix {o} to {n}
open {p}, find {o} and make it {n}
[check|read] {p} first, then edit it: {o} -> {n}
[open|read] {p} and [swap|exchange] {o} for {n}[ in it|]
first [look at|open|view] {p}, afterwards [turn|change] {o} [into|to] {n}
read {p}; {o} in it should [be|become] {n}
?can you read {p} and then [change|replace] {o} [to|with] {n}?
?I want to see {p} first, then [change|replace] {o} [to|with] {n}
go through {p} and then [put|use] {n} instead of {o}
[cat|show] {p} and afterwards [replace|swap] {o} [with|for] {n}
load {p}, [look for|find] {o} and write {n} [instead|there]
after reading {p}, [change|rename] {o} to {n}
read {p} first. After that, {o} should be {n}.
== grep-read
find [where|the file where|which file] {x} [is|is defined|is used] and [read|open|show me] [that file|the file|it]
search for {x} and [read|open|show] the [file|first file|file that has it]
grep for {x}, then read the file [that matches|with the match|you find]
[look for|locate] {x} and [open|show me] the file it is in
?which file [contains|defines|mentions] {x}? [read it|open it|show me that file]
find the definition of {x} and read that file
?where is {x}? open that file
search {x}; then read the [first match|first result|file]
[find|grep] {x} and show me the [whole file|file]
read the file that [contains|mentions|defines] {x}
open the file where {x} is [defined|used]
?in which file is {x}? [read|open|show] [it|that file]
?which file has {x}? I want to read it
?can you find {x} and open the file?
track down {x}, then [open|read] the file
grep {x} and [open|read] the file [you find|it is in|where it is]
?I want to read the file that [uses|has|mentions] {x}
find out which file [uses|has|mentions] {x} and [read|open|show] it
[show|print] me the file where {x} [is|lives|comes from]
first search for {x}, then open the file
?the file with {x} in it: find it and read it
== glob-read
find [the file |]{f} and [read|open|show] it
[locate|look for] {f} and [read|show me|open] it
?where is {f}? [read it|open it|show it to me]
search for the file {f}, then [read|open] it
find {f}, then read it
[find|locate] the file called {f} and tell me what is in it
read {f}, wherever it is
open {f}; I do not know which folder it is in
look for a file named {f} and show its contents
?can you find {f} and [read|open] it?
hunt down {f} and [read|open|show] it
?I don't know where {f} is, find it and [read|open] it
?there is a {f} somewhere, find it and [show|read] it
find out where {f} is and [open|read] it
?{f} is somewhere in the project, [find and read it|read it]
first find {f}, then [open|read] it
?where did {f} go? find it and read it
[search|look] for the file {f} and print it
get me the contents of {f}, you have to find it first
== write-bash
[write|save] {c} to {p} and [run it|execute it|then run it] with {r}
create {p} with {c} and run it with {r}
[create|make] [the file |]{p} with {c}, then run {k}
save {c} in {p} and execute {k}
first write {c} to {p}, then run {k}
put {c} into {p}; then run {k}
write {c} to {p} and after that execute {k}
make a script {p} with {c} and run {k}
[write|create] {p} containing {c}. Then run {k}.
write {c} [to|into] {p}, afterwards run {k}
[generate|add] the file {p} with {c} and run it with {r}
?can you create {p} with {c} and then run {k}?
?I need {p} with {c}, then run {k}
store {c} in {p}, then [run|execute] it with {r}
write the file {p} with {c}; when it is there, run {k}
save {c} as {p}. After that run {k}.
set up {p} with {c} and then [execute|launch] {k}
first create {p} with {c}, second run {k}
[new file|make a new file] {p} with {c}, then execute it with {r}
== read-read
[read|open|show me] {p} and {q}
[read|look at] {p}, then {q}
?what is in {p} and [in |]{q}?
first read {p}, then [read |]{q}
compare {p} and {q}
[show|print|display] the contents of {p} and {q}
[open|view] both {p} and {q}
read two files: {p} and {q}
read {p} and then {q}
?can you [read|show me|open] both {p} and {q}?
[cat|print] {p} and then {q}
[read|open] {p} first and {q} [second|next|after that]
?I want to see {p} and {q}
look at {p} as well as {q}
?how do {p} and {q} differ? read both
[show|give] me {p}, and after that {q}
[check|inspect] {p} and [also |then |]{q}
read {p}. Then read {q}.
?what do {p} and {q} [say|contain]?
== edit-bash
[replace|change] {o} [with|to] {n} in {p} and [then |]run {k}
in {p} change {o} to {n}, then run {k}
edit {p}: {o} -> {n}; then run {k}
rename {o} to {n} in {p} and run {k}
first change {o} to {n} in {p}, then execute {k}
replace {o} with {n} in {p}. Then run {k}.
fix {o} to {n} in {p} and check with {k}
update {p}, {o} becomes {n}, and run {k}
in {p} [swap|exchange] {o} for {n} and then run {k}
?can you change {o} to {n} in {p} and run {k}?
make {o} [say|be] {n} in {p}, then run {k}
[turn|update] {o} [into|to] {n} in {p}; afterwards execute {k}
use {n} instead of {o} in {p} and then run {k}
?{o} in {p} should be {n}; when that is done, run {k}
[edit|open] {p}, [change|replace] {o} [to|with] {n}, and run {k}
after changing {o} to {n} in {p}, run {k}
[fix|correct] {o} in {p}, it should be {n}, then run {k}
== grep-edit
find [where {x} is|the file with {x}|{x}] and [change|replace|rename] it [to|with] {n}
search for {x} and replace it with {n}
grep for {x} and change it to {n} in that file
look for {x}, then rename it to {n}
locate {x} and turn it into {n}
find {x} in the code and replace it by {n}
find where we use {x} and make it {n}
?where is {x}? [change|rename] it to {n}
search the code for {x} and [put|write] {n} there
track down {x} and [replace it with|change it to] {n}
?somewhere it says {x}, find it and [make it|change it to] {n}
?can you find {x} and [turn it into|rename it to] {n}?
grep {x}, then [replace|edit] it so that it [says|is] {n}
?I don't know which file has {x}, but it should be {n}
[find|locate] the file with {x} and edit it to say {n}
== bash-write
run {k} and [save|write|store] the output [to|in] {p}
[execute|run] {k}, then write [what it prints|the output|the result] to {p}
put the output of {k} into {p}
save what {k} prints in {p}
write the output of {k} to {p}
run {k} and keep its output in the file {p}
store the result of {k} as {p}
?can you run {k} and save the output in {p}?
run {k}, then [save|store|put] the [output|result] [in|into] {p}
execute {k} and write down the result in {p}
[capture|keep] the output of {k} in the file {p}
?I want the output of {k} in {p}
[log|record] what {k} [prints|says] to {p}
first run {k}, then write its output to {p}
create {p} with the output of {k}
run {k}; what it prints goes into {p}
== read-write
copy the [text|content|contents] of {p} [to|into] {q}
read {p} and [write|save] the same text to {q}
[read|open] {p}, then write [it|its content|what is in it] to {q}
take the contents of {p} and put them into {q}
read {p} and save it as {q}
write the content of {p} into {q}
make {q} the same as {p}: read it, then write it
?can you [read|open] {p} and write the same to {q}?
read {p} and then create {q} with the same [text|content]
[duplicate|clone] the text of {p} into {q} by reading and writing
[read|load] {p}, then save [it|the text] [as|to|in] {q}
?{q} should [have|get] the same content as {p}: read {p} first
first read {p}, then write what you read to {q}
write to {q} what [is in|you read in] {p}
[take|get] the text from {p} and save it in {q}
read the file {p} and write everything in it to {q}
== grep-read-edit
find {x}, read the file and [change|rename] it to {n}
search for {x}, read the file where it is and replace it with {n}
grep for {x}, open that file, then change {x} to {n}
look for {x}, read the file, then rename it to {n}
locate {x}, look at the file, and replace it by {n}
?can you find {x}, read the file and change it to {n}?
?where is {x}? read that file and [change|rename] it to {n}
track down {x}, open the file, and make it {n}
[find|grep] {x}; read the file; then [replace|change] it [with|to] {n}
first find {x}, then read the file, then [change|rename] it to {n}
search the code for {x}, view the file and put {n} instead
find the file with {x}, read it and [replace|swap] {x} [with|for] {n}
look for {x}, have a look at the file, then turn it into {n}
locate {x}, read that file and edit it to say {n}
"""
TEMPLATES = {section.split("\n")[0]: section.strip().split("\n")[1:] for section in TEMPLATES.split("== ")[1:]}
RUNNERS = {"py": "python3", "js": "node", "sh": "bash", "rb": "ruby", "ts": "deno run", "go": "go run", "php": "php"}

KEYS = """version name port author host user email license timeout title color size limit owner language level date mode
price city count year model region status theme width height score""".split()
LOOKUPS = """?[what is|what's] the {k} in {p}?
?which {k} [is set in|does|stands in] {p}[ have|]?
[tell me|give me|look up|find out|check|read|get] the {k} [in|from] {p}
?what {k} does {p} [say|have|contain|use|set]?
?can you [look up|check|tell me] the {k} in {p}?
[read|open|look at] {p} and tell me the {k}
?I need to know the {k} [in|from] {p}
look in {p}: what is the {k}?
?{p}: which {k}?
get the value of {k} from {p}
?what value does {k} have in {p}?
[read|check] {p} for the {k}
?I was wondering what {k} {p} has
?does {p} say what the {k} is?
?which {k} do we have in {p}?
?what did we set as {k} in {p}?
?according to {p}, what is the {k}?
[open|read] {p}. What is the {k}?
?the {k} in {p}, [what is it|please]?
find the {k} in {p} and tell me its value
?whats the {k} in {p}
?I forgot the {k}, it is in {p}
?can you see in {p} which {k} we use?
[extract|fetch] the {k} from {p}""".split("\n")


def lookup(source):
    """A question about one value in a file: (request, arguments of read, result, answer)."""
    path, keys = source.path(), source.random.sample(KEYS, source.pick((1, 2, 3, 4)))
    values = {k: str(source.number()) if source.chance(.4) else
              f"{source.random.randint(0, 9)}.{source.random.randint(0, 20)}" if source.chance(.2) else source.word()
              for k in keys}
    key, style = source.pick(keys), source.random.randint(0, 3)
    shown = ("\n".join(f"{k}: {v}" for k, v in values.items()) if style == 0 else
             "\n".join(f"{k} = {v}" for k, v in values.items()) if style == 1 else
             "\n".join(f"{k}={v}" for k, v in values.items()) if style == 2 else
             "{" + ", ".join(f'"{k}": "{v}"' for k, v in values.items()) + "}")
    text = fill(dress(source, source.template(LOOKUPS)), {"k": key, "p": _path_words(source, path)})
    if source.chance(.12):
        return text, {"path": path}, *report_error(source, "read", {"path": path})
    return text, {"path": path}, shown, f"The {key} is {values[key]}."


def _slots(source):
    bare = source.chance(.7)
    old, new = source.identifier(), source.identifier()
    said_old, said_new = _quoted_pair(source, old, new, bare)
    extension = source.pick(list(RUNNERS))
    path = source.path()
    return {"p": path, "q": source.path(), "o": old, "n": new, "x": old, "f": source.path().split("/")[-1],
            "c": source.code() if source.chance(.6) else source.content(), "k": source.command(), "e": extension,
            "said_o": said_old, "said_n": said_new}


def chain(source, kind):
    """(request, [(tool, arguments, result or None)], last answer): the results lead from one call to the next."""
    s = _slots(source)
    if kind == "write-bash":
        s["p"] = stem(s["p"]) + "." + s["e"]
    said = {"p": _path_words(source, s["p"]), "q": _path_words(source, s["q"]), "o": s["said_o"], "n": s["said_n"],
            "x": s["said_o"], "f": s["f"], "c": source.quoted(s["c"]), "k": source.quoted(s["k"], .5),
            "r": RUNNERS.get(s["e"], "")}
    template = source.template(TEMPLATES[kind])
    text = fill(dress(source, template), said)
    if "{r}" in template:
        s["k"] = RUNNERS[s["e"]] + " " + s["p"]
    found = source.path()
    where = f"{found}:{source.random.randint(1, 300)}: {source.word()} {s['x']}"
    steps = {"read-edit": [("read", {"path": s["p"]}), ("edit", {"path": s["p"], "old": s["o"], "new": s["n"]})],
             "grep-read": [("grep", {"pattern": s["x"]}), ("read", {"path": found})],
             "glob-read": [("glob", {"pattern": "**/" + s["f"]}),
                           ("read", {"path": source.directory() + "/" + s["f"]})],
             "write-bash": [("write", {"path": s["p"], "content": s["c"]}), ("bash", {"command": s["k"]})],
             "read-read": [("read", {"path": s["p"]}), ("read", {"path": s["q"]})],
             "edit-bash": [("edit", {"path": s["p"], "old": s["o"], "new": s["n"]}), ("bash", {"command": s["k"]})],
             "grep-edit": [("grep", {"pattern": s["x"]}), ("edit", {"path": found, "old": s["o"], "new": s["n"]})],
             "bash-write": [("bash", {"command": s["k"]}), ("write", {"path": s["p"], "content": None})],
             "read-write": [("read", {"path": s["p"]}), ("write", {"path": s["q"], "content": None})],
             "grep-read-edit": [("grep", {"pattern": s["x"]}), ("read", {"path": found}),
                                ("edit", {"path": found, "old": s["o"], "new": s["n"]})]}[kind]
    done = []
    for at, (tool, arguments) in enumerate(steps):
        last = at + 1 == len(steps)
        if tool == "write" and arguments["content"] is None:
            arguments["content"] = done[-1][2]
        if not last and source.chance(.08):
            shown, answer = report_error(source, tool, arguments)
            return text, done + [(tool, arguments, shown)], answer
        if last:
            shown, answer = result(source, tool, arguments)
        elif tool == "grep":
            shown = where
        elif tool == "glob":
            shown = steps[at + 1][1]["path"]
        elif tool == "bash":
            shown = source.sentence(1, 4)
        elif tool == "read":
            shown = shown_lines(source, s["o"] if "edit" in kind else None)
        else:
            shown = result(source, tool, arguments, False)[0]
        done.append((tool, arguments, shown))
    return text, done, answer
