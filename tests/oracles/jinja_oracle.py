"""Jinja itself, set up as Hugging Face's libraries set it up to render chat templates: immutable sandbox, trim_blocks,
lstrip_blocks, loop controls, their own tojson, raise_exception, strftime_now and {% generation %}. The clock stands still.
Needs Debian's python3-jinja2 (3.1)."""
import datetime
import json

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, do, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

# The date of render_templates.cc and of the unit tests.
NOW = datetime.datetime(2024, 8, 3, 14, 5, 9)


class GenerationTag(Extension):
    """{% generation %} prints its body."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def refuse(message):
    raise TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def make_environment():
    # `do` is not among what Hugging Face loads; a template that uses it would not be published, and does no harm.
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, loopcontrols, do])
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda format: NOW.strftime(format)
    return environment


ENVIRONMENT = make_environment()


def render(source, variables):
    """{"output": text} or {"error": "Kind: message"}: an error is an answer too."""
    try:
        return {"output": ENVIRONMENT.from_string(source).render(**variables)}
    except Exception as error:  # pylint: disable=broad-except
        return {"error": f"{type(error).__name__}: {error}"}
