"""The rules of the house, read from the source: who may import whom, and what each backend must have."""

import ast
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(importlib.util.find_spec("pycnn").origin).parent

LAYERS = (
    {"config", "registration", "threads", "dtype_policies"},
    {"backend"},
    {"autograd"},
    {"ops"},
    {"random"},
    {"layers", "initializers", "regularizers", "constraints", "losses", "metrics", "optimizers", "activations"},
    {"models", "callbacks", "utils", "preprocessing", "datasets", "filters", "explain", "installation"}
    | {"saving", "data", "mixed_precision"},
    {"applications", "analysis", "detection"},
    {"captioning"},
    {"visualize", "distributed"},
)
"""Imports point down: a name may import those of its own set and of sets above it here."""

LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
BACKENDS = ("reference", "cpu", "cuda")
MAX_LINES = 400


def module_name(path):
    parts = ("pycnn", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text()) for name, path in FILES.items()}


def imports_of(name):
    """Full names of all that module ``name`` imports, inside functions too; modules of pycnn as modules."""
    found = []
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import in line {node.lineno}: write the full name"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.append(inner if inner in FILES else node.module)
    return found


IMPORTS = {name: imports_of(name) for name in FILES}
MODULES = [name for name in FILES if name != "pycnn"]


def family(name):
    return name.split(".")[1]


def docstrings(tree):
    """The string nodes that are documentation."""
    strings = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                strings.add(statement.value)
    return strings


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_down(name):
    assert family(name) in LEVEL, f"{name}: give its family a place in LAYERS"
    for target in IMPORTS[name]:
        assert target != "pycnn", f"{name} imports the package pycnn itself, which is above all"
        if target.startswith("pycnn."):
            assert LEVEL[family(target)] <= LEVEL[family(name)], f"{name} imports {target}, which is above it"


def test_config_imports_nothing_of_pycnn():
    assert not [t for t in IMPORTS["pycnn.config"] if t.startswith("pycnn")]


def test_no_import_cycles():
    done, path = set(), []

    def visit(name):
        assert name not in path, f"import cycle: {' -> '.join([*path[path.index(name) :], name])}"
        if name not in done:
            path.append(name)
            for target in IMPORTS[name]:
                if target in FILES:
                    visit(target)
            path.pop()
            done.add(name)

    for name in FILES:
        visit(name)


@pytest.mark.parametrize("name", [m for m in MODULES if family(m) not in ("backend", "config", "threads")])
def test_no_backend_is_named_outside_backend(name):
    devices = tuple(f"pycnn.backend.{b}" for b in BACKENDS)
    for target in IMPORTS[name]:
        assert not target.startswith((*devices, "cupy")), f"{name} imports {target}"
    texts = docstrings(TREES[name])
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in texts:
            assert node.value not in BACKENDS, f"{name} names the backend {node.value!r} in line {node.lineno}"


@pytest.mark.parametrize("name", [m for m in MODULES if m.startswith("pycnn.backend.")])
def test_backends_do_not_import_each_other(name):
    own = name.split(".")[2]
    for target in IMPORTS[name]:
        parts = target.split(".")
        if parts[:2] == ["pycnn", "backend"] and len(parts) > 2 and parts[2] in BACKENDS:
            assert parts[2] == own, f"{name} imports {target}"


def test_compiled_kernels_are_called_by_their_backend_alone():
    callers = {name for name in FILES if any(t.split(".")[0] == "pycnn_ext" for t in IMPORTS[name])}
    others = {name for name in callers if not name.startswith("pycnn.backend.cpu.")}
    # Two ask what was compiled, and set its threads; the others search images of the host, whatever the device.
    search = {"pycnn.detection.regions", "pycnn.detection.colour_spaces"}
    assert others <= {"pycnn.threads", "pycnn.installation", *search}


@pytest.mark.parametrize("name", FILES)
def test_files_are_short(name):
    lines = len(FILES[name].read_text().splitlines())
    assert lines <= MAX_LINES, f"{name} has {lines} lines: split it by a family word"


PROTOCOL = {
    node.name: node
    for node in TREES["pycnn.backend.protocol"].body
    if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases)
}
SIBLINGS = [b for b in BACKENDS if f"pycnn.backend.{b}" in FILES]


def test_protocol_lists_its_families():
    (families,) = [
        node.value
        for node in TREES["pycnn.backend.protocol"].body
        if isinstance(node, ast.Assign) and node.targets[0].id == "FAMILIES"
    ]
    assert [e.id for e in families.elts] == list(PROTOCOL)
    assert "reference" in SIBLINGS
    assert "cpu" in SIBLINGS


@pytest.mark.parametrize("sibling", SIBLINGS)
@pytest.mark.parametrize("family_name", PROTOCOL)
def test_siblings_have_the_members_of_the_protocol(sibling, family_name):
    module = f"pycnn.backend.{sibling}.{family_name.lower()}"
    assert module in FILES, f"{module} is missing"
    functions = {n.name: n for n in TREES[module].body if isinstance(n, ast.FunctionDef)}
    values = {
        t.id for n in TREES[module].body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)
    }
    gathered = {
        alias.asname or alias.name
        for node in TREES[f"pycnn.backend.{sibling}"].body
        if isinstance(node, ast.ImportFrom) and node.module == module
        for alias in node.names
    }
    for member in PROTOCOL[family_name].body:
        if isinstance(member, ast.FunctionDef):
            assert member.name in functions, f"{module} lacks {member.name}"
            actual, expected = ast.unparse(functions[member.name].args), ast.unparse(member.args)
            assert actual == expected, f"{module}.{member.name}({actual}) should be ({expected})"
            assert member.name in gathered, f"pycnn.backend.{sibling} does not gather {member.name}"
        elif isinstance(member, ast.AnnAssign):
            assert member.target.id in values, f"{module} lacks {member.target.id}"
            assert member.target.id in gathered, f"pycnn.backend.{sibling} does not gather {member.target.id}"


def test_lines_of_kernels_have_120_columns():
    """Of C and CUDA, which ruff does not read."""
    source = Path(__file__).parents[1]
    folders = source / "pycnn_ext" / "microkernels", source / "pycnn" / "backend" / "cuda" / "kernels"
    for path in (path for folder in folders for path in sorted(folder.iterdir()) if path.is_file()):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            assert len(line) <= 120, f"{path.name}:{number}"
