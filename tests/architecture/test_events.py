"""What the product's own code logs, and what it must not import or show."""

from __future__ import annotations

import ast
import re

from gateway.core.events import EVENT_FIELDS, Event
from tests.architecture.source import name_of, source_files, tree

LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
SERVER = [
    path
    for path in source_files()
    if name_of(path).startswith("gateway/") and not name_of(path).startswith("gateway/client/")
]
# Each of these writes what is in memory to where it does not belong: files, terminals, dumps.
BANNED_IMPORTS = {"tempfile", "pdb", "cgitb", "tracemalloc", "multipart", "python_multipart"}
CONTENT = re.compile(r"private|secret|password|token|prompt|body|payload|plaintext|(^|_)key$")
NO_SECRET = {
    "_Rule.key",  # the name of a counter
    "IssuedToken.token_type",  # "Bearer" or "DPoP"
    "KeyConfig.public_key",
    "Pkcs11Place.token_label",  # the name of a token in a security module
    "_Exported.encapsulated_key",  # public, and part of the message
    "Received.body",  # an iterator, which shows nothing of what it yields
}


def test_only_events_of_the_table_are_logged():
    """Every call of a logger names an event and no field that the event may not have."""
    wrong = []
    for path in SERVER:
        for node in ast.walk(tree(path)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner = ast.unparse(node.func.value)
            if node.func.attr in LEVELS and re.search("logg", owner, re.IGNORECASE):
                wrong += [f"{name_of(path)}:{node.lineno}"] * (not _is_event(node))
    assert wrong == []


def _is_event(call: ast.Call) -> bool:
    if len(call.args) != 1 or not ast.unparse(call.args[0]).startswith("Event."):
        return False
    event = Event[ast.unparse(call.args[0]).removeprefix("Event.")]
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    extra = named.pop("extra", ast.Dict(keys=[], values=[]))
    if named or not isinstance(extra, ast.Dict):
        return False
    return {ast.literal_eval(key) for key in extra.keys if key} <= EVENT_FIELDS[event]


def test_nothing_writes_memory_to_files():
    """No temporary files, no debugger, no parser that keeps uploads on disk."""
    found = {
        f"{name_of(path)}: {name}"
        for path in SERVER
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        if name.partition(".")[0] in BANNED_IMPORTS
    }
    assert found == set()


def test_what_holds_a_secret_hides_it():
    """A value class with a field that sounds like content hides it, or holds a ``Secret``."""
    shown = {
        f"{kind.name}.{field.target.id}"
        for path in SERVER
        for kind in ast.walk(tree(path))
        if isinstance(kind, ast.ClassDef) and _is_value(kind) and not _has_own_repr(kind)
        for field in kind.body
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and CONTENT.search(field.target.id)
        and _is_shown(field)
    }
    assert shown == NO_SECRET


def _is_value(kind: ast.ClassDef) -> bool:
    made = [ast.unparse(each) for each in (*kind.decorator_list, *kind.bases)]
    return any("dataclass" in each or each == "NamedTuple" for each in made)


def _has_own_repr(kind: ast.ClassDef) -> bool:
    return any(isinstance(each, ast.FunctionDef) and each.name == "__repr__" for each in kind.body)


def _is_shown(field: ast.AnnAssign) -> bool:
    annotation = ast.unparse(field.annotation)
    is_text = re.search(r"\b(bytes|str|Any)\b", annotation) and "Secret" not in annotation
    return bool(is_text) and "repr=False" not in (ast.unparse(field.value) if field.value else "")
