"""What tools return, and what the model says about it."""


def report_error(source, tool, arguments):
    """A failed call: (result, report)."""
    path = arguments.get("path")
    if tool == "read":
        shown = source.pick((f"error: no such file: {path}", f"Error: {path} not found", "No such file or directory",
                             f"File not found: {path}", f"ENOENT: no such file or directory, open '{path}'",
                             f"cat: {path}: No such file or directory", f"cannot open {path}: no such file",
                             f"The file {path} does not exist.", "error: file does not exist", "file not found",
                             f"FileNotFoundError: [Errno 2] No such file or directory: '{path}'"))
        return shown, f"I could not read {path}: the file does not exist."
    if tool == "write":
        shown = source.pick(("error: permission denied", f"EACCES: permission denied, open '{path}'",
                             f"{path}: Permission denied", "Permission denied",
                             f"error: cannot write {path}: permission denied", f"Error: no permission to write {path}",
                             f"PermissionError: [Errno 13] Permission denied: '{path}'", "access denied",
                             f"open {path}: permission denied"))
        return shown, f"I could not write {path}: permission denied."
    if tool == "bash":
        text, code = source.sentence(1, 4), source.random.randint(1, 127)
        shown = source.pick((f"exit code {code}: {text}", f"exit code: {code}\n{text}", f"{text}\nexit code {code}",
                             f"Exit code {code}\n{text}", f"command failed with exit code {code}: {text}",
                             f"error: {text} (exit code {code})", f"[exit {code}] {text}"))
        return shown, f"The command failed with exit code {code}: {text}"
    if tool == "grep":
        shown = source.pick(("no matches", "No matches found", "0 matches", "(nothing found)", "no results", "0 results",
                             "No matches.", "nothing found", "[]", "Found 0 matches"))
        return shown, f"There are no matches for {arguments['pattern']}."
    if tool == "glob":
        return source.pick(("no files", "No files found", "0 files", "[]", "no matching files", "No files.",
                            "(no files)", "Found 0 files", "nothing found")), f"No files match {arguments['pattern']}."
    shown = source.pick(("error: text not found", f"String to replace not found in {path}", "old text not found",
                         f"error: {arguments['old']} not found in {path}",
                         "text not found", "0 replacements", f"no match in {path}", "Error: no match for the old text",
                         f"{path}: text not found"))
    return shown, f"I could not edit {path}: the text was not found."


def shown_lines(source, mentions=None):
    """A few lines of a file, one of them with the text `mentions`."""
    lines = [source.content() for _ in range(source.pick((1, 1, 1, 2, 3)))]
    if mentions:
        lines[source.random.randrange(len(lines))] = source.pick((
            "{}", "{} = 1", "call {}", "# {}", "use {}", "{}: 1", "({})", "- {}", "// {}", "return {}")).format(mentions)
    return "\n".join(lines)


def result(source, tool, arguments, errors=True):
    """A tool's result and what the model says about it."""
    if errors and source.chance(.2):
        return report_error(source, tool, arguments)
    r, draw = source.random.random(), source.random
    path = arguments.get("path")
    if tool == "read":
        lines = [line for _ in range(1 if r < .7 else draw.randint(2, 4)) for line in source.content().split("\n")]
        if source.chance(.12):
            numbered = "\n".join(f"{i}\t{line}" for i, line in enumerate(lines, 1))
        else:
            numbered = "\n".join(lines)
        if len(lines) == 1:
            return numbered, f"{path} contains one line: {lines[0]}"
        return numbered, f"{path} contains {len(lines)} lines. The first is: {lines[0]}"
    if tool == "write":
        shown = source.pick((f"wrote {len(arguments['content'])} bytes", "ok", "success", f"File written: {path}",
                             f"File created successfully at: {path}", "done", "true", f"Wrote {path}",
                             f"{path} written", f"created {path}", "File saved", f"Successfully wrote to {path}",
                             "written", "OK", f"saved {path}", f"{len(arguments['content'])} bytes written to {path}"))
        return shown, f"I wrote the text to {path}."
    if tool == "bash":
        if r < .25:
            return source.pick(("(no output)", "done", "exit code 0", "", "exit code: 0", "(empty)", "(no content)")), \
                "The command finished without output."
        text = source.sentence(1, 4) if r < .7 else source.content().split("\n")[0]
        return text, f"The command printed: {text}"
    if tool == "grep":
        found = [(source.path(), draw.randint(1, 400)) for _ in range(draw.randint(1, 3))]
        shown = "\n".join(f"{p}:{n}: {source.word()} {arguments['pattern']}" for p, n in found)
        count = "1 match" if len(found) == 1 else f"{len(found)} matches"
        return shown, f"I found {count} for {arguments['pattern']}: " + ", ".join(f"{p}:{n}" for p, n in found)
    if tool == "glob":
        found = [source.path() for _ in range(draw.randint(1, 4))]
        count = "1 file matches" if len(found) == 1 else f"{len(found)} files match"
        return "\n".join(found), f"{count}: " + ", ".join(found)
    shown = source.pick(("ok", "done", "1 replacement", f"The file {path} has been updated.", "success", "edited",
                         f"edited {path}",
                         f"{path} updated", "1 change", "Replaced 1 occurrence", f"Successfully edited {path}", "OK", "true",
                         f"replaced 1 occurrence in {path}", "changed"))
    return shown, f"I replaced {arguments['old']} with {arguments['new']} in {path}."
