"""Renders every template and snippet here with PyPI's Jinja2, set up as transformers' apply_chat_template sets it up.

Needs: pip install Jinja2==3.1.6. Writes expected_templates.json and expected_snippets.json beside itself.
    python3 make_expected.py [FOLDER OF MORE TEMPLATES, OUTPUT FILE]
"""
import datetime
import itertools
import json
import pathlib
import re
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox
from jinja2 import nodes

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2025, 7, 4, 15, 6, 7)


class GenerationTag(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_body")
        return nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def strftime_now(format):
    return NOW.strftime(format)


def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = strftime_now
    return env


def render(source, variables):
    try:
        return {"text": environment().from_string(source).render(**variables)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def unstable(result):
    """Texts that hold an address differ from run to run; the runtime refuses to print such values."""
    return re.search(r"object at 0x|built-in method|<function|<bound method|<class", result.get("text", "")) is not None


def template_cases(folder):
    scenarios = json.loads((HERE / "scenarios.json").read_text())
    out = []
    for path in sorted(folder.glob("*.jinja")):
        source = path.read_bytes().decode()
        for name, given in scenarios.items():
            variables = {"messages": [], "tools": None, "documents": None, "add_generation_prompt": False,
                         "bos_token": "<s>", "eos_token": "</s>", **given}
            out.append({"template": path.stem, "scenario": name, **render(source, variables)})
    return out


def grids():
    """Every operator, filter and test on values of every type."""
    values = ["1", "-7", "0", "2.5", "-0.0", "true", "none", "'ab c'", "''", "'7'", "[1, 2, 2]", "[]", "(1, 'a')",
              "{'a': 1, 'b': [2]}", "{}", "undefined_name", "range(3)", "[3, 1]", "['B', 'a']", "'Ünï code-x'"]
    some = ["1", "-7", "2.5", "true", "none", "'ab'", "[1, 2]", "(1,)", "{'a': 1}", "undefined_name", "range(2)"]
    for op, left, right in itertools.product(
            ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"],
            some, some):
        yield "{{ (%s) %s (%s) }}" % (left, op, right)
    for name, value in itertools.product(
            ["abs", "capitalize", "center(9)", "count", "d('x')", "default('x', true)", "dictsort", "e", "first", "float",
             "float('x')", "forceescape", "groupby(0)", "indent(2, true)", "int", "int(9)", "join('-')", "last", "length",
             "list", "lower", "items|list", "max", "min", "replace('a', 'X')", "reverse|list", "round", "round(1)",
             "round(0, 'ceil')", "safe", "sort", "sort(reverse=true)", "string", "sum", "title", "tojson", "trim",
             "unique|list", "upper", "urlencode", "wordcount", "map('string')|list", "select|list", "reject|list",
             "batch(2)|list", "slice(2)|list", "attr('a')", "tojson(indent=1)", "filesizeformat", "truncate(3, true, '')",
             "first|upper", "selectattr('a')|list", "map(attribute='a')|list", "nonsense"], values):
        yield "{{ (%s)|%s }}" % (value, name)
    for name, value in itertools.product(
            ["odd", "even", "divisibleby(2)", "defined", "undefined", "filter", "test", "none", "boolean", "false", "true",
             "integer", "float", "lower", "upper", "string", "mapping", "number", "sequence", "iterable", "callable",
             "sameas none", "escaped", "in [1, 'a']", "eq 1", "ne 1", "gt 1", "le 1", "lessthan(2)", "nonsense"], values):
        yield "{{ (%s) is %s }}" % (value, name)
    for tail, value in itertools.product(
            ["[0]", "[-1]", "['a']", ".a", ".b.c", "[1:]", "[::-1]", "[:2]", "[5]", "['upper']", ".upper", "[none]",
             ".__class__", ".append", "[0:9:2]", "()", "[1.0]", "[true]", ".items()"], values):
        yield "{{ (%s)%s }}" % (value, tail)
        yield "{{ (%s)%s is defined }}" % (value, tail)
    for value in values:
        yield "{%% for x in (%s) %%}{{ loop.index }}{{ x }}{%% else %%}none{%% endfor %%}" % value
        yield "{%% set a, b = %s %%}{{ a }}|{{ b }}" % value
        yield "{{ [%s] }}{{ '%%s|%%r' %% ((%s), (%s)) }}" % (value, value, value)
        yield "{{ '{}|{!r}'.format((%s), (%s)) }}" % (value, value)


def snippet_cases():
    given = json.loads((HERE / "snippets.json").read_text())
    variables = given["variables"]
    sources = [s if isinstance(s, str) else "\n".join(s) for s in given["snippets"]]
    seen = set()
    out = []
    for source in itertools.chain(sources, grids()):
        if source in seen:
            continue
        seen.add(source)
        result = render(source, {"messages": [], "tools": None, "documents": None, "add_generation_prompt": False,
                                 "bos_token": "<s>", "eos_token": "</s>", **variables})
        if not unstable(result):
            out.append({"source": source, **result})
    return {"variables": variables, "cases": out}


def write(path, data):
    pathlib.Path(path).write_text(json.dumps(data, ensure_ascii=False, indent=0) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        write(sys.argv[2], template_cases(pathlib.Path(sys.argv[1])))
    else:
        write(HERE / "expected_templates.json", template_cases(HERE / "templates"))
        write(HERE / "expected_snippets.json", snippet_cases())
