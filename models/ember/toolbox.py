"""The tools of one conversation: which exist, what they and their arguments are called, and how prompts show them.

Clients name tools and arguments in their own way and define them in several forms (OpenAI's and Anthropic's JSON
schema, Phi's flat form).  A runtime renders all of them into Phi's flat form before the model sees them, so training
text holds flat definitions only; `client_form` writes the others for evaluation sets.
"""

import json

from grammar import held_out
from other_tools import OTHERS

TOOLS = ("read", "write", "bash", "grep", "glob", "edit")

# the first names are the common ones; every seventh entry, from the fourth on, is held out
NAMES = {line.split(": ")[0]: line.split(": ")[1].split() for line in """
read: Read read_file view get_file open_file readFile file_read cat_file load_file ReadFile fetch_file show_file fs_read view_file load read_text cat open read_contents FileRead get_contents
write: Write write_file create_file put_file save_file writeFile file_write new_file store_file WriteFile save fs_write create write_to_file create_document file_create writeText put output_file save_text FileWrite
bash: Bash shell run_command sh execute_command execute run terminal run_shell exec runCommand run_terminal_cmd command shell_exec bash_command console system cmd run_bash run_script Terminal
grep: Grep search search_files find_in_files grep_search find_text search_code searchFiles ripgrep content_search SearchText file_search_text code_search rg find_string text_search pattern_search grep_files findInFiles search_content lookup
glob: Glob find_files list_files file_glob glob_search match_files findFiles search_filenames ListFiles file_pattern find_by_name fs_glob locate_files file_search list_paths glob_files find_paths searchFilenames file_list name_search fileGlob
edit: Edit edit_file str_replace modify_file replace_in_file replace_text editFile string_replace apply_edit EditFile change_file fs_edit update_file search_replace patch_file substitute edit_text replaceInFile change_text modify FileEdit
""".strip().split("\n")}

DESCRIPTIONS = {
    "read": """Read a file
Read the contents of a file
Returns the text of a file
Fetch file contents
Reads a file from disk
Read a file from the local filesystem
Opens a file and returns its content
Get the content of the file at the given path
Shows a file. Returns the text with line numbers.
Reads a file. The path may be absolute or relative to the project.
View a text file
Loads the file and gives back its lines
Reads a file from the local filesystem. You can access any file directly by using this tool. By default it reads from the start of the file.
Read file
[Show|Print|Return|Display] the [contents|content|text|lines] of a [file|text file|source file]
[Load|Open|Fetch|Get] a file [and return its text|so that you can see it|from the project|from the workspace]
[Given a path, returns|Returns] what the file [holds|contains|says]
Use this to look at a file[ before changing it| in the project|. Never guess what a file holds.]
[Returns|Gives] the [raw|full|complete] [text|content] of one file[, with numbered lines| as a string|]
[View|Inspect|Examine] a file[ in the repository| in the project|'s contents|]
Tool to [open|read|view] files
[File reader|Reader for files|File viewer][. Takes a path.|]""",
    "write": """Write a file
Write content to a file
Create or overwrite a file
Stores content in a file
Writes text to a file
Writes a file to the local filesystem
Create a new file with the given content
Saves text under a path. An existing file is replaced.
Make a file
Puts text into a file, creating it when it does not exist
Write the given text to disk
Save content to a file
Writes a file to the local filesystem. This tool will overwrite the existing file if there is one at the path.
Write file
[Create|Make|Write|Save] a [new |]file with the [given|provided] [text|content|contents][. Replaces the file if it exists.|]
[Store|Put|Save] [text|content|a string] [in|under|at] [a path|a file|the given path]
Writes [the whole|a complete|an entire] file[ at once|. To change a part of a file use another tool.|]
Use this to create files[ or to replace all of their content|]
[Saves|Writes] [text|data|what you pass] to disk
[Generates|Creates] a file [at the path|in the workspace|in the project]
Tool to [create|write|save] files
[File writer|Writer for files][. Overwrites.|]""",
    "bash": """Run a shell command
Execute a bash command
Runs a command in the shell
Executes shell commands
Execute a command
Run a command in the terminal and return its output
Executes a given bash command and returns what it prints
Shell access
Runs a program on the user's machine
Run a shell command. Returns standard output and the exit code.
Execute commands in a terminal
Command line
Executes a given bash command in a persistent shell session with optional timeout. Use it for git, npm, docker and so on.
Run command
[Run|Execute|Launch] a [command|program|shell command line|script] [on the machine|in the project folder|and get its output]
[Runs|Executes] what you pass in [a shell|the terminal|bash|sh][ and returns stdout and stderr|]
Use this for git, tests, builds and [other programs|anything else on the command line]
[Terminal|Console|Command line] access[ for the agent|]
[Gives|Sends] a command to [the shell|the operating system|the terminal]
Tool to [run|execute] [commands|programs]
[Starts|Invokes] a process and waits for [it|its end|its output]
[Shell|Bash|Command] runner""",
    "grep": """Search file contents
Search for a pattern in files
Find text in files
Searches the contents of files
Searches text in files
Search the code for a regular expression
Finds lines that match a pattern
Look for a text in all files of a folder
A search tool. Returns the matching lines with file and line number.
Search inside files
Fast content search with regular expressions
Find where a text occurs in the project
A powerful search tool built on ripgrep. Supports full regex syntax and filters by path.
Grep
[Look for|Find|Search for] [a string|a regex|a word|an expression|text] [in the files|inside of files|in the code base|across the project]
[Returns|Lists|Shows] [all |]lines [that match|that contain|with] [a pattern|the text|an expression]
[Full text|Content|Code|Text] search[ over the project| in the repository|]
Use this to find where [something is used|a name is defined|a text occurs]
[Searches|Scans|Greps] [file contents|the sources|all files] for [a pattern|a text]
Tool to search [in files|text|code]
[Finds|Locates] [occurrences|uses|mentions] of a [text|pattern|name] [in files|in the code]
Search text in files[ under a directory| recursively|]""",
    "glob": """Find files by name pattern
List files matching a glob
Match file names
List file names by pattern
Finds files by pattern
Fast file pattern matching
Returns the paths that match a glob pattern such as **/*.py
Find files by their names
Lists the files of the project that match
File name search
Locate files with a wildcard pattern
Get a list of files for a glob
Fast file pattern matching tool that works with any codebase size. Supports glob patterns. Returns matching file paths.
Glob
[List|Find|Return|Get] [the files|file paths|paths|all files] [whose names match|matching|that fit] [a pattern|a wildcard|a glob|the expression]
[Finds|Locates|Looks up] files by [name|file name|extension|wildcard]
Use this to find files when you know [a part of their names|their extension|the name but not the folder]
[File|Path|Name] [finder|lookup|listing][ with wildcards|]
[Searches|Matches] file names[, not contents|]
Tool to [find|list] files
[Which|What] files exist[: takes a pattern such as src/**/*.ts|]
Recursive [listing|search] of file names""",
    "edit": """Edit a file
Replace text in a file
Change part of a file
Substitute text within a file
Replaces text in a file
Performs exact string replacements in files
Replace one text with another in a file
Modify an existing file
Changes a file: the old text is replaced by the new one
Edit part of a file in place
Swap a string in a file
Update the content of a file
Performs exact string replacements in files. The edit will fail if the old text is not unique in the file.
Edit file
[Change|Modify|Update|Edit] [some text|a part|a piece|a section] of a file[ in place|]
[Swap|Exchange|Substitute|Replace] [one string|a text|some text|an exact string] [for|by|with] another in a file
[Replaces|Changes] [the first|every|one] occurrence of a text in [a|the] file
Use this to make [small|precise|exact] changes in [existing files|a file]
[Find and replace|Search and replace|Text replacement] in [one file|a file]
Tool to [edit|change|modify] files
[Patches|Fixes|Rewrites] [a passage|lines|text] of an existing file
Takes a file, the [text|string] to [find|look for] and [what to put there|its replacement]""",
}
DESCRIPTIONS = {tool: lines.split("\n") for tool, lines in DESCRIPTIONS.items()}

# standard argument names (the keys of a request's arguments) and what definitions may call them
PARAMETERS = {"read": ("path",), "write": ("path", "content"), "bash": ("command",), "grep": ("pattern", "path"),
              "glob": ("pattern",), "edit": ("path", "old", "new")}
OPTIONAL = {("grep", "path"), ("glob", "path")}
PARAMETER_NAMES = {"path": "file_path filename file target filepath filePath file_name path_to_file name file_location uri "
                           "input_file document source_path absolute_path fileName location".split(),
                   "content": "text contents data file_text body file_content value new_content "
                              "string payload full_text lines contents_text newContent what".split(),
                   "command": "cmd script code shell_command command_line line bash input "
                              "cmdline command_string to_run shell_cmd exec program".split(),
                   "pattern": "query regex search_term text search needle expression term "
                              "search_query search_pattern phrase keyword find what q search_string".split(),
                   "glob": "glob query file_pattern glob_pattern name_pattern wildcard expression match "
                           "mask filter file_glob include_pattern filename_pattern glob_expression name".split(),
                   "folder": "directory dir folder search_path root where target_directory base_path "
                             "in_dir start_dir base location scope folder_path".split()}
PAIRS = [("old_string", "new_string"), ("old_str", "new_str"), ("old_text", "new_text"), ("search", "replace"),
         ("find", "replace"), ("oldText", "newText"), ("from", "to"), ("old_string", "new_string"), ("before", "after"),
         ("search", "replacement"), ("original", "replacement"), ("find_text", "replace_text"), ("target", "substitute"),
         ("old_code", "new_code"), ("current", "updated"), ("previous", "next"), ("oldString", "newString"), ("this", "that"),
         ("old_content", "new_content"), ("match", "with"), ("was", "becomes")]
# a name of many: how programmers put them together
VERBS = {"read": "read get open load view show cat display print".split(),
         "write": "write create save put store make add output".split(),
         "bash": "run exec execute start launch shell".split(), "grep": "search find grep look scan seek".split(),
         "glob": "find list glob locate match search".split(),
         "edit": "edit replace modify change update patch substitute fix".split()}
NOUNS = {"read": "file contents content document text source lines path".split(),
         "write": "file text document contents new_file content path".split(),
         "bash": "command shell bash terminal cmd process line program".split(),
         "grep": "text contents code pattern regex in_files lines content string".split(),
         "glob": "files paths names by_name file_names by_pattern file".split(),
         "edit": "file text string in_file content lines code part".split()}
PARAMETER_HELP = {
    "path": "File path;Path of the file;The path;Where the file is;The absolute path to the file;Relative path;File;Name of the file"
            ";[Path|Name|Location] [of|to] the file[ to use| to open| in question|]"
            ";[The|Full|Relative|Absolute] [path|file name|location];[Which|What] file;File [name|location|on disk]"
            ";[Where|Place where] the file [is|lies|shall be];The [file|document][ to work on|]",
    "content": "Text to write;New content;The content;What the file shall hold;The content to write to the file;Content;Full text of the file"
            ";[The|Whole|Complete|New] [text|content|contents] of the file"
            ";[What|The text] to [put|store|save|write] [there|in the file|in it];[File|Body] [text|content|contents]"
            ";[String|Data|Text] that is written;[Everything|What] the file will [contain|hold];[The|] text",
    "command": "Command to run;The command;Shell command;What to execute;The command to execute;Command line;Bash command"
            ";[The|A] [shell|terminal|bash|] command[ to run| to execute| line|];[What|The program] to [run|start|launch]"
            ";[Line|String] for the shell;[Full|Complete] command[ with arguments|]"
            ";The [line|program|script] to [run|execute]",
    "pattern": "Pattern;What to look for;The pattern to search for;Text to find;The regular expression to search for in file contents;Search text"
            ";[Text|String|Word|Regex|Expression] to [find|search|search for|look for]"
            ";[The|A] [text|string|regex|search pattern|expression];[What|Which text] to [find|search for|look up]"
            ";[Search|Regex|Text] [pattern|expression];[The|] [words|name|string] that lines must contain",
    "glob": "Pattern;The glob pattern;Glob;File name pattern;The glob pattern to match files against;Pattern such as **/*.ts"
            ";[File|Name|Path] [pattern|wildcard|mask]"
            ";[The|A] [wildcard|pattern|glob][ for file names| of the files| such as *.py|]"
            ";[Which|What] [files|names] to [find|list|match];[Expression|Pattern] that [names|paths|files] must match"
            ";[Wildcard|Glob] [expression|pattern]",
    "folder": "Folder to search;Directory;Where to look;Where to search;File or directory to search in;Path"
            ";[Folder|Directory|Path] to [search|look in|start from];[Where|In which folder] to [search|look|start]"
            ";[The|Root|Base|Start] [folder|directory];[Limits|Restricts] the search to [this folder|a file or folder]"
            ";[Optional|] [path|place] to search",
    "old": "Text to replace;Old text;The text to replace;Text that is there now;What to change;Exact text to find"
            ";[The|Exact|Current|Existing] [text|string|words] [to replace|to find|in the file|that goes away]"
            ";[What|Which text] [is there now|to look for|to replace]"
            ";[Text|String|Code] [before|to be replaced|that must go];[The|] [original|present|old] [text|string|version]",
    "new": "New text;Replacement;The text to replace it with;Text that shall be there;What it becomes;The new text"
            ";[The|] [replacement|new text|new string|new version]"
            ";[What|The text] [to put there|comes instead|it shall be|replaces it]"
            ";[Text|String|Code] [after|to insert|to put in its place]"
            ";[New|Replacement|Final] [text|string|words|version];[What|] the [old text|text|string] becomes"}
PARAMETER_HELP = {key: texts.split(";") for key, texts in PARAMETER_HELP.items()}

# how well-known clients name them, each in one style: training prompts only
DIALECTS = {line.split(" = ")[0]: [part.split() for part in line.split(" = ")[1].split("; ")] for line in """
claude = Read file_path; Write file_path content; Bash command; Grep pattern path; Glob pattern; Edit file_path old_string new_string
snake = read_file path; write_file path content; run_command command; search_files pattern path; find_files pattern; edit_file path old_text new_text
queries = read_file path; write_file path text; run_command cmd; search_files query directory; find_files pattern; replace_in_file path search replace
camel = read filePath; write filePath content; bash command; grep pattern path; glob pattern; edit filePath oldString newString
shell = view path; create path file_text; shell command; grep pattern path; glob pattern; str_replace path old_str new_str
execute = read_file path; write_to_file path content; execute_command command; search_files regex path; list_files pattern; replace_in_file path old_str new_str
""".strip().split("\n")}

# optional arguments that requests never ask for, so calls never hold them: (name, type, help)
EXTRAS = {
    "read": (("limit", "int", "How many lines to read"), ("offset", "int", "First line"), ("encoding", "str", "Encoding")),
    "write": (("mode", "str", "Mode"), ("overwrite", "bool", "Replace the file"), ("encoding", "str", "Encoding")),
    "bash": (("timeout", "int", "Seconds"), ("description", "str", "What this command does"), ("cwd", "str", "Folder"),
             ("run_in_background", "bool", "Do not wait"), ("timeout", "float", "Optional timeout in milliseconds")),
    "grep": (("limit", "int", "Most results"), ("case_sensitive", "bool", "Case"), ("include", "str", "Files to include"),
             ("output_mode", "str", "Output"), ("-i", "bool", "Ignore case"), ("context", "int", "Lines around")),
    "glob": (("limit", "int", "Most results"), ("hidden", "bool", "Include hidden files"), ("exclude", "array", "Skip")),
    "edit": (("replace_all", "bool", "Replace every occurrence"), ("count", "int", "How many"), ("dry_run", "bool", "Test")),
}
LONG_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


def said(source, wordings):
    """One of the wordings with its alternatives chosen."""
    text = source.expand(source.template(wordings)).strip()
    return text[0].upper() + text[1:]


def coined_name(source, tool):
    """A verb and a noun in one of the usual spellings, now and then with the name of a server before them."""
    words = [source.pick(VERBS[tool]), *source.pick(NOUNS[tool]).split("_")]
    capital = [word.capitalize() for word in words]
    name = source.pick(("_".join(words), "_".join(words), "-".join(words), words[0] + "".join(capital[1:]), "".join(capital)))
    if source.chance(.1):
        name = source.pick(("fs_", "tool_", "mcp__files__", "functions.", "agent_", source.word() + "_", source.word() + "__")) + name
    known = NAMES[tool]
    return name if not any(name == other and held_out(i) for i, other in enumerate(known)) else known[0]


class Toolbox:
    """The tools of one conversation."""

    def __init__(self, source, tools, others=.2):
        self.tools = list(tools)
        self.names, self.keys, self.definitions, self.required, self.others = {}, {}, [], {}, []
        # training sees more unusual names than the prompts that measure it: they have to be read from the definitions
        train = source.split == "train"
        often = .5 if train else .45
        self.styles = {"renamed": source.chance(often), "keys": source.chance(often), "order": source.chance(.3),
                       "extras": source.chance(.25), "defaults": source.chance(.12), "bare": source.chance(.1)}
        # names that nobody uses: they can only be copied from the definitions, which lists of known names do not teach
        self.styles["invented"] = source.chance(.3) and not self.styles["bare"]
        self.styles["coined"] = train and source.chance(.3)
        self.dialect = None
        if source.split == "train" and source.chance(.25):
            dialect = DIALECTS[source.pick(list(DIALECTS))]
            self.dialect = {tool: (names[0], dict(zip(PARAMETERS[tool], names[1:]))) for tool, names in zip(TOOLS, dialect)}
        self.pair = source.template(PAIRS)
        self.path_name = source.template(PARAMETER_NAMES["path"])
        for tool in self.tools:
            self._define(source, tool)
        if self.tools and source.chance(others):
            for name, text, parameters in source.random.sample(OTHERS, source.pick((1, 1, 1, 2, 3))):
                self.definitions.insert(source.random.randint(0, len(self.definitions)), {
                    "name": name, "description": text,
                    "parameters": {k: {"description": h, "type": t} for k, (t, h) in parameters.items()}})
                self.others.append(name)

    def _shown_key(self, source, tool, key):
        if self.dialect:
            return self.dialect[tool][1].get(key, key)
        if not self.styles["keys"] or source.chance(.15):
            return key
        if self.styles["invented"] and source.chance(.5):
            return source.pick(("{1}", "{0}_{1}", "{1}_{0}", "{1}")).format(key, source.word())
        if key in ("old", "new"):
            return self.pair[key == "new"]
        if key == "path" and tool != "grep":
            return self.path_name
        return source.template(PARAMETER_NAMES["glob" if (tool, key) == ("glob", "pattern") else
                                               "folder" if key == "path" else key])

    def _define(self, source, tool):
        standard = list(PARAMETERS[tool])
        if tool == "grep" and source.chance(.12):
            standard.remove("path")
        if tool == "glob" and source.chance(.15):
            standard.append("path")
        taken = {n for n in self.names.values()}
        name = source.template(NAMES[tool]) if self.styles["renamed"] and source.chance(.9) else tool
        if self.styles["renamed"] and self.styles["coined"] and source.chance(.8):
            name = coined_name(source, tool)
        if self.styles["renamed"] and self.styles["invented"] and source.chance(.6):
            name = source.pick(("{0}_{1}", "{1}_{0}", "{1}", "{2}")).format(tool, source.word(), source.identifier())
        if self.dialect:
            name = self.dialect[tool][0]
        self.names[tool] = name if name not in taken else tool
        shown = {}
        for key in standard:
            new = self._shown_key(source, tool, key)
            shown[key] = key if new in shown.values() or new in standard else new
        if "old" in shown and (shown["old"] == "old") != (shown["new"] == "new"):
            shown["old"], shown["new"] = "old", "new"
        self.keys[tool] = shown
        if self.styles["order"]:
            source.random.shuffle(standard)
        parameters = {}
        for key in standard:
            topic = "folder" if key == "path" and tool in ("grep", "glob") else "glob" if tool == "glob" else key
            parameters[shown[key]] = {"description": said(source, PARAMETER_HELP[topic]), "type": "str"}
        if self.styles["extras"] and source.chance(.6):
            for extra, kind, text in source.random.sample(EXTRAS[tool], source.pick((1, 1, 2))):
                if extra not in parameters:
                    parameters[extra] = {"description": text, "type": kind}
        for key, parameter in parameters.items():
            if self.styles["bare"]:
                del parameter["description"]
            if self.styles["defaults"]:
                parameter["default"] = ""
        self.required[self.names[tool]] = [shown[key] for key in standard if (tool, key) not in OPTIONAL]
        self.definitions.append({"name": self.names[tool], "description": said(source, DESCRIPTIONS[tool]),
                                 "parameters": parameters})
        if self.styles["bare"] and source.chance(.3):
            self.definitions[-1]["description"] = ""

    def arguments(self, tool, arguments):
        """The arguments under the names, in the order and of the kinds that the definition offers."""
        if "folder" in arguments and "path" in self.keys[tool]:     # a glob with a place for the folder
            folder = arguments["folder"]
            arguments = {"pattern": arguments["pattern"].removeprefix(folder + "/"), "path": folder}
        by_name = {self.keys[tool][key]: value for key, value in arguments.items() if key in self.keys[tool]}
        definition = next(d for d in self.definitions if d["name"] == self.names[tool])
        return {name: by_name[name] for name in definition["parameters"] if name in by_name}

    def call(self, tool, arguments):
        """The call that the model must write."""
        if tool in self.names:
            arguments = self.arguments(tool, arguments)
        body = json.dumps([{"name": self.names.get(tool, tool), "arguments": arguments}], ensure_ascii=False)
        return "<|tool_call|>" + body + "<|/tool_call|>"

    def text(self):
        """The definitions as the prompt shows them."""
        return "<|tool|>" + json.dumps(self.definitions, ensure_ascii=False) + "<|/tool|>"


def client_form(definition, form, required):
    """A flat definition in the form of a client: "flat", "openai" or "anthropic"; all render to the same prompt."""
    if form == "flat":
        return definition
    properties = {name: {key: LONG_TYPES.get(value, value) if key == "type" else value for key, value in p.items()}
                  for name, p in definition["parameters"].items()}
    schema = {"type": "object", "properties": properties, "required": required}
    if form == "anthropic":
        return {"name": definition["name"], "description": definition["description"], "input_schema": schema}
    return {"type": "function", "function": {"name": definition["name"], "description": definition["description"],
                                             "parameters": schema}}
