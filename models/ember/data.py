"""Conversations for Ember, generated on line and never repeated.

A conversation is a list of segments `(text, weight)`.  Weight 0 is context, 1 is text the model must produce, and 2
marks answers whose digits count double.  The text uses the chat template of the exported folder: role tokens without
newlines, tool definitions between <|tool|> and <|/tool|> in the system message, calls between <|tool_call|> and
<|/tool_call|>, results after <|tool_response|>.

    python3 data.py [train|test] [count]    prints samples
"""

import json
import sys

import chat
from grammar import Source
from tool_requests import TOOLS, request

SYSTEM_PROMPTS = """You are a helpful assistant with some tools.
You are a helpful assistant.
You are a coding assistant.
You are a coding agent with tools.
You help with code.
You are Ember, a small assistant.
You are Ember, the model in Hearth's box. Answer briefly.
You are a helpful AI assistant. Use the tools when they are needed.
You are a coder. Use the available tools to solve the task.
You are a researcher. Find what the user asks for.
You are a reviewer. Look at the code and report problems.
You are a tester. Run the tests and report the result.
You are an expert software engineer.
You are a documenter. Write clear text.
Answer the question. Call a tool if one fits.
You can use tools. Reply with a tool call or a short answer.
You are an assistant that calls tools.
Be brief and correct.
You are an agent that works in a project on the user's machine. Use the tools to read, write and search files.
You have access to the following tools. To use one, reply with a JSON list of calls.
You are a helpful assistant. Answer in one sentence.
You are an architect. Plan before you act.""".split("\n")

DESCRIPTIONS = {
    "read": ("Read a file", "Read the contents of a file", "Returns the text of a file", "Reads a file from disk"),
    "write": ("Write a file", "Write content to a file", "Create or overwrite a file", "Writes text to a file"),
    "bash": ("Run a shell command", "Execute a bash command", "Runs a command in the shell", "Execute a command"),
    "grep": ("Search file contents", "Search for a pattern in files", "Find text in files", "Searches text in files"),
    "glob": ("Find files by name pattern", "List files matching a glob", "Match file names", "Finds files by pattern"),
    "edit": ("Edit a file", "Replace text in a file", "Change part of a file", "Replaces text in a file"),
}
# standard argument names (the keys that `request` returns) and what definitions may call them
PARAMETERS = {"read": ("path",), "write": ("path", "content"), "bash": ("command",), "grep": ("pattern", "path"),
              "glob": ("pattern",), "edit": ("path", "old", "new")}
PARAMETER_HELP = {"path": ("File path", "Path of the file", "The path"), "content": ("Text to write", "New content"),
                  "command": ("Command to run", "The command"), "pattern": ("Pattern", "What to look for"),
                  "old": ("Text to replace", "Old text"), "new": ("New text", "Replacement")}
TOOL_NAMES = {"read": ("Read", "read_file", "view", "open_file"), "write": ("Write", "write_file", "create_file", "save"),
              "bash": ("Bash", "shell", "run_command", "execute"), "grep": ("Grep", "search", "search_files", "find_text"),
              "glob": ("Glob", "find_files", "list_files", "match_files"),
              "edit": ("Edit", "edit_file", "str_replace", "replace_text")}
PARAMETER_NAMES = {"path": ("file_path", "filename", "file"), "content": ("text", "contents", "data"),
                   "command": ("cmd", "script", "code"), "pattern": ("query", "regex", "glob"),
                   "old": ("old_string", "old_str", "old_text", "find"),
                   "new": ("new_string", "new_str", "new_text", "replace")}
EXTRA_PARAMETERS = (("limit", "int", "Most results"), ("timeout", "int", "Seconds"), ("offset", "int", "First line"),
                    ("description", "str", "Why"))
OTHER_TOOLS = (("get_weather", "Get the weather of a city", "city"), ("send_email", "Send an email", "to"),
               ("web_search", "Search the web", "query"), ("get_time", "Get the time", "zone"),
               ("translate", "Translate text", "text"), ("play_music", "Play a song", "song"))

CANNOT = {"read": "I cannot do that: I have no tool to read files.",
          "write": "I cannot do that: I have no tool to write files.",
          "bash": "I cannot do that: I have no tool to run commands.",
          "grep": "I cannot do that: I have no tool to search in files.",
          "glob": "I cannot do that: I have no tool to find files.",
          "edit": "I cannot do that: I have no tool to edit files."}


class Toolbox:
    """The tools of one conversation: which exist, and what they and their arguments are called."""

    def __init__(self, source, tools):
        self.tools = list(tools)
        self.names, self.keys, self.definitions = {}, {}, []
        renamed, defaults, extras = source.chance(.15), source.chance(.15), source.chance(.1)
        for tool in self.tools:
            self.names[tool] = source.pick(TOOL_NAMES[tool]) if renamed and source.chance(.7) else tool
            variant = source.random.randint(0, 3)
            self.keys[tool], parameters = {}, {}
            for key in PARAMETERS[tool]:
                shown = key
                if renamed and source.chance(.6):
                    options = PARAMETER_NAMES[key]
                    shown = options[variant % len(options)]
                if tool == "grep" and shown == "glob" or shown in parameters:
                    shown = key
                self.keys[tool][key] = shown
                parameters[shown] = {"description": source.pick(PARAMETER_HELP[key]), "type": "str"}
            if extras and source.chance(.4):
                name, kind, text = source.pick(EXTRA_PARAMETERS)
                parameters[name] = {"description": text, "type": kind}
            if defaults:
                for parameter in parameters.values():
                    parameter["default"] = ""
            self.definitions.append({"name": self.names[tool], "description": source.pick(DESCRIPTIONS[tool]),
                                     "parameters": parameters})
        if self.tools and source.chance(.08):
            name, text, key = source.pick(OTHER_TOOLS)
            self.definitions.insert(source.random.randint(0, len(self.definitions)), {
                "name": name, "description": text, "parameters": {key: {"description": key, "type": "str"}}})

    def call(self, tool, arguments):
        """The call that the model must write."""
        shown = {self.keys[tool][key]: value for key, value in arguments.items()}
        body = json.dumps([{"name": self.names[tool], "arguments": shown}], ensure_ascii=False)
        return "<|tool_call|>" + body + "<|/tool_call|>"


def system(source, toolbox=None):
    """The system message with its tool definitions."""
    text = SYSTEM_PROMPTS[0] if source.chance(.25) else source.template(SYSTEM_PROMPTS)
    if toolbox and toolbox.definitions:
        text += "<|tool|>" + json.dumps(toolbox.definitions, ensure_ascii=False) + "<|/tool|>"
    return "<|system|>" + text + "<|end|>"


def result(source, tool, arguments):
    """A tool's result and what the model says about it."""
    r, draw = source.random.random(), source.random
    path = arguments.get("path")
    if tool == "read":
        if r < .2:
            return f"error: no such file: {path}", f"I could not read {path}: the file does not exist."
        lines = [source.content() for _ in range(1 if r < .75 else draw.randint(2, 4))]
        if len(lines) == 1:
            return lines[0], f"{path} contains one line: {lines[0]}"
        return "\n".join(lines), f"{path} contains {len(lines)} lines. The first is: {lines[0]}"
    if tool == "write":
        if r < .2:
            return "error: permission denied", f"I could not write {path}: permission denied."
        return source.pick((f"wrote {len(arguments['content'])} bytes", "ok")), f"I wrote the text to {path}."
    if tool == "bash":
        if r < .2:
            return source.pick(("(no output)", "done", "exit code 0")), "The command finished without output."
        text = source.sentence(1, 4) if r < .6 else source.content()
        if r < .4:
            code = draw.randint(1, 127)
            return f"exit code {code}: {text}", f"The command failed with exit code {code}: {text}"
        return text, f"The command printed: {text}"
    if tool == "grep":
        if r < .2:
            return "no matches", f"There are no matches for {arguments['pattern']}."
        found = [(source.path(), draw.randint(1, 400)) for _ in range(draw.randint(1, 3))]
        shown = "\n".join(f"{p}:{n}: {source.word()} {arguments['pattern']}" for p, n in found)
        count = "1 match" if len(found) == 1 else f"{len(found)} matches"
        return shown, f"I found {count} for {arguments['pattern']}: " + ", ".join(f"{p}:{n}" for p, n in found)
    if tool == "glob":
        if r < .2:
            return "no files", f"No files match {arguments['pattern']}."
        found = [source.path() for _ in range(draw.randint(1, 4))]
        count = "1 file matches" if len(found) == 1 else f"{len(found)} files match"
        return "\n".join(found), f"{count}: " + ", ".join(found)
    if r < .25:
        return "error: text not found", f"I could not edit {path}: the text was not found."
    return "ok", f"I replaced {arguments['old']} with {arguments['new']} in {path}."


def turn(user, answer, weight=1):
    return [("<|user|>" + user + "<|end|><|assistant|>", 0), (answer + "<|end|>", weight)]


def chat_turns(source):
    if source.chance(.06):
        return [segment for user, answer in chat.memory(source) for segment in turn(user, answer)]
    user, answer = chat.chat(source)
    return turn(user, answer, 2 if " = " in answer else 1)


def tool_turns(source, toolbox, absent_rate=.5):
    """A request; the call or, where the tool is missing, the refusal; sometimes the result and its report."""
    missing = [t for t in TOOLS if t not in toolbox.tools]
    if missing and (not toolbox.tools or source.chance(absent_rate)):
        tool = source.pick(missing)
        return turn(request(source, tool)[0], CANNOT[tool])
    tool = source.pick(toolbox.tools)
    user, arguments = request(source, tool)
    segments = turn(user, toolbox.call(tool, arguments))
    if source.chance(.3):
        shown, report = result(source, tool, arguments)
        segments += [("<|tool_response|>" + shown + "<|end|><|assistant|>", 0), (report + "<|end|>", 1)]
    return segments


def conversation(source):
    """One conversation of the main mix."""
    kind = source.random.random()
    if kind < .20:
        return turn(*chat.drill(source), 2)
    if kind < .54:
        empty = Toolbox(source, ())
        segments = [(system(source), 0)] if source.chance(.5) else []
        for _ in range(source.pick((1, 2, 4, 6))):
            segments += tool_turns(source, empty) if source.chance(.12) else chat_turns(source)
        return segments
    count = 6 if source.chance(.3) else source.pick((1, 1, 2, 2, 3, 3, 4, 5))
    toolbox = Toolbox(source, source.random.sample(TOOLS, count))
    segments = [(system(source, toolbox), 0)]
    for _ in range(source.pick((2, 4, 6, 8, 10))):
        segments += chat_turns(source) if source.chance(.2) else tool_turns(source, toolbox, .5)
    return segments


def short_conversation(source):
    """The opening curriculum: short rows, much copying, present and absent tools in equal parts."""
    kind = source.random.random()
    if kind < .25:
        return turn(*chat.copying(source))
    if kind < .40:
        return turn(*chat.drill(source), 2)
    if kind < .58:
        return ([(system(source), 0)] if source.chance(.3) else []) + chat_turns(source)
    if kind < .62:
        return tool_turns(source, Toolbox(source, ()))
    toolbox = Toolbox(source, source.random.sample(TOOLS, source.pick((1, 1, 2))))
    segments = [(system(source, toolbox), 0)]
    for _ in range(2):
        segments += tool_turns(source, toolbox, .45)
    return segments


def main():
    source = Source(sys.argv[1] if len(sys.argv) > 1 else "train", 1)
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 5):
        print("".join(text for text, _ in conversation(source)), end="\n\n")


if __name__ == "__main__":
    main()
