"""Write `built/payloads.d.ts` from `payloads.py`: `python -m pages.widgets.live.typescript`."""

from __future__ import annotations

import ast
from pathlib import Path

HERE = Path(__file__).parent
SOURCE, TARGET = HERE / "payloads.py", HERE / "built" / "payloads.d.ts"
NAMES = {"int": "number", "float": "number", "str": "string", "bool": "boolean", "None": "null"}
HEAD = "// What the views are sent. Written by `python -m pages.widgets.live.typescript` from `payloads.py`."


def written(source: str) -> str:
    """Give the TypeScript of a file of typed dictionaries, comments and all."""
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    return "\n\n".join([HEAD, *(_interface(node, source.splitlines()) for node in classes)]) + "\n"


def _interface(node: ast.ClassDef, lines: list[str]) -> str:
    base = node.bases[0]
    above = f" extends {base.id}" if isinstance(base, ast.Name) and base.id != "TypedDict" else ""
    fields = [_field(each, lines) for each in node.body if isinstance(each, ast.AnnAssign)]
    return "\n".join([f"/** {ast.get_docstring(node)} */", f"export interface {node.name}{above} {{", *fields, "}"])


def _field(node: ast.AnnAssign, lines: list[str]) -> str:
    _, _, comment = lines[node.lineno - 1].partition("  # ")
    kind, mark = node.annotation, ""
    if isinstance(kind, ast.Subscript) and ast.unparse(kind.value) == "NotRequired":
        kind, mark = kind.slice, "?"
    return f"  {ast.unparse(node.target)}{mark}: {_type(kind)};" + f" // {comment}" * bool(comment)


def _type(node: ast.expr) -> str:
    """Give a type in TypeScript's words."""
    if isinstance(node, ast.BinOp):
        return f"{_type(node.left)} | {_type(node.right)}"
    if not isinstance(node, ast.Subscript):
        return NAMES.get(name := ast.unparse(node), name)
    parts = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    match ast.unparse(node.value):
        case "list":
            item = _type(parts[0])
            return f"({item})[]" if "|" in item else f"{item}[]"
        case "tuple":
            return f"[{', '.join(map(_type, parts))}]"
        case "dict":
            return f"Record<{', '.join(map(_type, parts))}>"
        case "Literal":
            return " | ".join(ast.unparse(part).replace("'", '"') for part in parts)
    raise ValueError(f"{ast.unparse(node)} has no word in TypeScript here.")


if __name__ == "__main__":
    TARGET.write_text(written(SOURCE.read_text("utf-8")), "utf-8")
