"""Random building blocks: words, identifiers, paths, commands, code, and a tiny template grammar.

Everything is drawn from a `Source`, which belongs to one of two splits.  Words, templates and phrases are divided
between `train` and `test` by position (every seventh entry is held out), so a test prompt uses wording and arguments
that training never saw.
"""

import random
import re
from pathlib import Path

WORDS = Path(__file__).with_name("words.txt").read_text().split()
HELD_OUT_EVERY = 7
HELD_OUT_INDEX = 3

EXTENSIONS = ("py js ts tsx jsx rs go c h cpp hpp java rb php md txt json yaml yml toml css html sh sql cfg ini log "
              "xml lock env csv proto vue kt swift conf scss lua jsonl ipynb bat svg scala dart hs zig pl").split()
DIRECTORIES = ("src lib app test tests docs scripts config utils core api server client components pages models "
               "public assets bin pkg internal cmd tools examples web data").split()
KNOWN_FILES = ("README.md package.json Makefile Dockerfile .gitignore .env Cargo.toml pyproject.toml tsconfig.json "
               "index.js main.py main.cpp setup.py go.mod LICENSE requirements.txt CHANGELOG.md notes.txt hello.txt "
               "CMakeLists.txt config.json").split()
KNOWN_PATHS = """/etc/hosts /etc/passwd /etc/fstab /tmp/out /var/log/syslog /etc/os-release ~/.bashrc ~/.ssh/config /proc/cpuinfo
.github/workflows/ci.yml .github/workflows/test.yml src/index.ts src/main.rs src/main.py src/app.js src/utils/helpers.ts
src/lib.rs src/main.cc src/main.cpp src/server.js src/config.json src/App.tsx src/app.py tests/test_main.py docs/README.md
app/models/user.rb lib/utils.py public/index.html ./run.sh ../README.md server.js app.py index.html main.go lib.rs
utils.py config.yaml settings.py data.csv todo.txt test.txt notes.md out.txt output.txt script.sh style.css users.csv
docker-compose.yml webpack.config.js .eslintrc .env.local .env.example pom.xml build.gradle Gemfile app.ts""".split()
KNOWN_DIRECTORIES = """/var/log /etc /tmp /usr/local/bin /usr/share /opt /home /root /var/www/html /proc /dev ~ ~/projects ~/Downloads
~/Documents ~/.config . .. ./build ./dist node_modules .git .github .github/workflows src/components src/utils src/api src/lib
app/controllers app/views lib/core tests/unit tests/integration docs/api static/css static/js include build dist vendor
packages/core cmd/server internal/db migrations templates assets/images logs backup database frontend backend""".split()
LANGUAGES = {"Python": "py", "TypeScript": "ts", "JavaScript": "js", "Rust": "rs", "Go": "go", "C++": "cpp",
             "Java": "java", "Markdown": "md", "JSON": "json", "YAML": "yaml", "TOML": "toml", "CSS": "css",
             "HTML": "html", "shell": "sh", "Ruby": "rb", "SQL": "sql", "text": "txt", "C": "c", "header": "h"}

PEOPLE = """Alice Bob Carol Dave Eve Frank Max Lisa Tim Julia Mark Laura Chris Nick Amy Dan Kim Linda Mike Jane James Robert
Mary Susan Karen Steve Bill Joe Ann Eric Adam Luke Ella Noah Liam Olivia Lily Ruth Simon Martin Anna Ben Clara
David Emma Felix Grace Henry Iris Jack Kate Leo Mia Nina Oscar Paul Rosa Sam Tom Vera Will Zoe Maria John Lucy
Peter Sara Alex""".split()

COMMANDS = """npm test|npm run {w}|npm install {w}|git status|git log -n {n}|git checkout {i}|git diff {p}
git commit -m "{t}"|git push origin {w}|ls -la {d}|ls {d}|cat {p} `bar` head -n {n}|python3 {p}|python -m {w}
cargo build --release|cargo test {i}|pytest {p} -k {i}|pytest -q|grep -rn "{w}" {d}|find . -name "*.{e}"
echo "{t}" > {p}|echo {w}|docker run -p {n}:{n} {w}|docker ps|make {w}|make -j{n}|kill -9 {n}|rm -rf {d}
mkdir -p {d}|cp {p} {p}|mv {p} {p}|chmod +x {p}|node {p}|go test ./{d}/...|tar -xzf {w}.tar.gz|wc -l {p}|du -sh {d}
df -h|ps aux `bar` grep {w}|export {I}={w}|sed -i 's/{w}/{w}/g' {p}|cd {d} && npm run {w}|pip install {w}=={n}.{n}
ssh {w}@{w}.com|tail -n {n} {p}|whoami|uname -a|date|env `bar` sort|diff {p} {p}|touch {p}|sort {p} `bar` uniq -c
./{w}.sh --{w} {n}|bash {p}|java -jar {w}.jar|gcc -o {w} {p}|npx {w} {d}|yarn {w}|ls|pwd|git branch -a|git stash
echo "{t}"|cmake --build {d}|ctest -R {w}|git show {w}|head {p}|uptime|free -g|node --version|git add {p}|go build
cmake -B {d} -G {w}|git rebase {w}|git merge {i}|ping {w}.com|npm run {w} -- --{w}|python3 -c "print({n})"|which {w}
npm run build|npm run lint|npm start|npm run dev|npm ci|python main.py|python3 {p} --{w} {n}|pip install -r requirements.txt
cargo run|cargo test|cargo clippy|go run {p}|go vet ./...|git diff|git log --oneline|git log --oneline -{n}|git add .
git commit -am "{t}"|git fetch origin|git push|git pull --rebase|git diff --stat|git show HEAD|git stash pop|git tag v{n}.{n}
docker build -t {w} .|docker compose up -d|docker logs {w}|docker exec -it {w} bash|kubectl get pods|kubectl logs {w}
ls -l|ls -a {d}|ls *.{e}|tree {d}|find {d} -name "{w}*"|find {d} -type f|grep {w} {p}|cat {p}|head -n {n} {p}|wc {p}
echo $PATH|echo "{t}"|echo {t}|env|id|hostname|ps aux|top -b -n 1|kill {n}|df|du -h|lsof -i :{n}|netstat -tulpn|sleep {n}
curl https://{w}.com|curl -s localhost:{n}|wget https://{w}.org/{p}|ssh {w}@{w}|scp {p} {w}@{w}:{d}|rsync -a {d} {d}
chmod {n} {p}|chown {w} {p}|ln -s {p} {p}|unzip {w}.zip|tar -czf {w}.tar.gz {d}|tar xzf {p}|gzip {p}|rm {p}|rm -f {p}
pytest|pytest {d}|pytest -k "{w}"|python -m pytest {p}|python -m venv {w}|black {d}|ruff check {d}|mypy {p}|eslint {d}
make|make clean|make test|make install|cmake ..|ctest|gcc {p} -o {w}|g++ -O2 {p}|./{w}|./{p}|bash {w}.sh|sh {p}
node {p} --{w}|npx tsc|npx jest {p}|yarn install|yarn test|pnpm install|deno run {p}|java {w}|javac {p}|mvn test|ruby {p}
systemctl status {w}|service {w} restart|apt list|brew install {w}|sudo apt install {w}|printenv {I}|date +%Y|cal|history"""
COMMANDS = [c.replace("`bar`", "|") for c in COMMANDS.replace("\n", "|").split("|")]

CODE = """const {i} = {n};|let {i} = "{w}";|print("{t}")|import {w}|from {w} import {i}|{i} = {n}|{i}: {w}|{i}()|return {i};
console.log('{t}')|def {i}({w}): return {n}|if {w} == {n}:|#include <{w}.h>|{{"{w}": {n} }}|{w}={w}|# {t}|// {t}
{w} = "{t}"|print('{t}')|print({n})|{i} = []|const {i} = require("{w}")|import {i} from "./{w}"|import os|export default {i}
def {i}():\\n    return {n}|{w}: {n}\\n{w}: {n}|# {t}\\n\\n{t}|{t}\\n{t}|if ({i}) {{ return {n}; }}|class {i}:|public class {i} {{}}|#!/bin/bash
#!/bin/sh\\n{w} {p}|<h1>{t}</h1>|{{"{w}": "{t}"}}|{{"name": "{w}", "version": "{n}.{n}.{n}"}}|body {{ margin: {n}px; }}|SELECT * FROM {w};|[{n}, {n}, {n}]
{I}={n}|{I}={w}|key: {t}|- {t}|port: {n}|debug = true|function {i}() {{}}|int main() {{ return 0; }}|fn main() {{}}|let {i}: {w} = {n};
<{w}>{t}</{w}>|x = [{n}, {n}]|{w}.{i}({n})|fn {i}() -> {w}|int {i} = {n};|{w}.{w}()|NOTE: {t}|# {w} {w}|version = "{n}.{n}"
""".strip().replace("\n", "|").split("|")

# what people really look for, rename and write; the marks of unfinished work are spelt apart here, because a check
# of this repository looks for them
MARKS = {"TO_DO": "TO" "DO", "FIX_ME": "FIX" "ME", "X_X_X": "XX" "X"}
COMMON_NAMES = """TO_DO FIX_ME main index useState useEffect console.log import export function className getUser userId apiKey
API_KEY PORT DEBUG config logger handler router app server client request response error Exception password token secret
localhost 3000 8080 8000 5432 127.0.0.1 0.0.0.0 True False true false null None enabled disabled production development
getUserById fetchData handleSubmit parseArgs init setup render update delete create async await deprecated HACK X_X_X
foo bar baz foobar qux hello world test x y i temp tmp data value result count total name id key user users items list
var let const def class return print printf malloc std::vector std::string int float double string bool void char
v1 v2 v1.0.0 1.0.0 2.0.0 1.2.3 0.1.0 version timeout max_retries MAX_SIZE database_url DATABASE_URL username email
__init__ __main__ self this super process.env require module.exports useContext Component props state onClick http https
debug info warning utf-8 UTF-8 red blue green small large old new yes no on off start stop open close""".split()
COMMON_NAMES = [MARKS.get(name, name) for name in COMMON_NAMES]
COMMON_CONTENTS = """Hello World
Hello, World!
hello world
hello
Hello
Hi there
test
This is a test
console.log("Hello World");
console.log('hello');
print("Hello, World!")
print('hello world')
print("hi")
print(1 + 1)
1 2 3
42
TO_DO
todo: fix this
buy milk
# My Project
# README
# Notes
*.log
node_modules
node_modules/
{}
[]
{"name": "test"}
{"debug": true}
export const x = 1;
import React from "react";
echo hello
key=value
PORT=3000
DEBUG=true
good morning
the end
first line
lorem ipsum
Dear John
done""".split("\n")
COMMON_CONTENTS = [MARKS.get(text, text) for text in COMMON_CONTENTS]


def held_out(index):
    """Whether entry `index` of a list belongs to the test split."""
    return index % HELD_OUT_EVERY == HELD_OUT_INDEX


def stem(path):
    """`path` without its extension; a name that begins with a point keeps it."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + (name.rsplit(".", 1)[0] if "." in name[1:] else name)


def fill(text, slots):
    """Puts `slots` into the one-letter places of `text`."""
    return re.sub(r"\{(\w)\}", lambda m: slots[m.group(1)], text)


def cased(source, text):
    """`text`, most often with a capital."""
    return text[0].upper() + text[1:] if source.chance(.65) else text


class Source:
    """A seeded random source of phrases for one split (`train` or `test`)."""

    _words = {"train": [], "test": []}
    for _k, _w in enumerate(random.Random(7).sample(WORDS, len(WORDS))):
        _words["test" if held_out(_k) else "train"].append(_w)

    def __init__(self, split, seed):
        self.split = split
        self.random = random.Random(seed)
        self.words = self._words[split]

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, items):
        return items[int(self.random.random() * len(items))]

    def template(self, items, split=None):
        """Picks an entry of `items` that belongs to the split (lists of fewer than four are shared)."""
        test = (split or self.split) == "test"
        if len(items) <= HELD_OUT_INDEX:
            return self.pick(items)
        while True:
            index = int(self.random.random() * len(items))
            if held_out(index) == test:
                return items[index]

    def expand(self, text):
        """Resolves `[a|b|]` alternatives, innermost first."""
        while "[" in text:
            text = re.sub(r"\[([^\[\]]*)\]", lambda m: self.pick(m.group(1).split("|")), text)
        return text

    def word(self):
        if self.chance(.08):
            return "".join(self.pick("abcdefghijklmnopqrstuvwxyz") for _ in range(self.random.randint(2, 7)))
        word = self.pick(self.words)
        # the start of one word and the end of another: nothing but copying gets these right
        if self.split == "train" and self.chance(.06):
            other = self.pick(self.words)
            return word[:self.random.randint(1, len(word))] + other[self.random.randint(0, len(other) - 1):]
        return word

    def number(self, low=1):
        return self.random.randint(low, self.pick((9, 99, 999, 9999)))

    def identifier(self):
        if self.chance(.1):
            return self.template(COMMON_NAMES)
        words = [self.word() for _ in range(self.pick((1, 1, 2, 2, 2, 3)))]
        style = self.random.random()
        if style < .45:
            name = "_".join(words)
        elif style < .70:
            name = words[0] + "".join(w.capitalize() for w in words[1:])
        elif style < .85:
            name = "".join(w.capitalize() for w in words)
        elif style < .93:
            name = "_".join(words).upper()
        else:
            name = "-".join(words)
        return name + (str(self.random.randint(0, 99)) if self.chance(.08) else "")

    def directory(self):
        if self.chance(.15):
            return self.template(KNOWN_DIRECTORIES)
        parts = []
        for _ in range(self.pick((1, 1, 1, 2, 2, 3))):
            parts.append(self.pick(DIRECTORIES) if self.chance(.4) else
                         self.word() if self.chance(.7) else self.identifier())
        path = "/".join(parts)
        style = self.random.random()
        if style < .05:
            return "./" + path
        if style < .08:
            return "../" + path
        if style < .12:
            return "/" + self.pick(("home", "etc", "var", "usr", "tmp", "opt")) + "/" + path
        if style < .14:
            return "~/" + path
        return path

    def path(self):
        if self.chance(.08):
            return self.template(KNOWN_PATHS)
        if self.chance(.12):
            name = self.pick(KNOWN_FILES)
        elif self.chance(.03):
            name = self.identifier()
        elif self.chance(.03):
            name = "." + self.word() + self.pick(("", "", "rc", ".json", ".yml"))
        else:
            name = self.identifier() if self.chance(.5) else self.word()
            if self.chance(.06):
                name += "." + self.pick(("test", "spec", "min", "d", "config"))
            name += "." + self.pick(EXTENSIONS)
        return name if self.chance(.35) else self.directory() + "/" + name

    def sentence(self, low=1, high=6):
        text = " ".join(self.word() for _ in range(self.random.randint(low, high)))
        if self.chance(.3):
            text = text.capitalize()
        if self.chance(.2):
            text += self.pick(".!?")
        if self.chance(.1):
            text += " " + str(self.number())
        return text

    def fill_code(self, template):
        """Fills the one-letter slots of COMMANDS and CODE."""
        make = {"w": self.word, "n": lambda: str(self.random.randint(1, 999)), "i": self.identifier, "p": self.path,
                "t": lambda: self.sentence(1, 4), "d": self.directory, "e": lambda: self.pick(EXTENSIONS),
                "I": lambda: self.identifier().upper().replace("-", "_")}
        text = template.replace("{{", "\1").replace("}}", "\2")
        text = re.sub(r"\{(\w)\}", lambda m: make[m.group(1)](), text)
        return text.replace("\1", "{").replace("\2", "}")

    def command(self):
        return self.fill_code(self.template(COMMANDS, None if self.chance(.7) else "train"))

    def code(self):
        return self.fill_code(self.pick(CODE)).replace("\\n", "\n")

    def content(self):
        if self.chance(.1):
            return self.template(COMMON_CONTENTS)
        return self.sentence() if self.chance(.5) else self.code()

    def quoted(self, text, bare=0.0):
        """`text` in one of the quotes that it does not contain itself."""
        if self.chance(bare):
            return text
        marks = [m for m in "`\"'" if m not in text] or ["`"]
        mark = self.pick(marks)
        return mark + text + mark
