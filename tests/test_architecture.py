"""The shape of the house, read from the code itself."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import api
import assistant
import corpus

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "corpus": {"corpus"},
    "assistant": {"corpus", "assistant"},
    "api": {"corpus", "assistant", "api"},
}
FLOORS = [
    {"errors", "config", "metrics", "matching", "network", "rows"},
    {"vectors", "lexical", "tokens", "disk", "model_files", "adapter", "catalog", "records"},
    {"embedding", "questions", "manifest", "cataloguing", "keys", "feedback", "job_records", "uploads"},
    {"onnx_export", "passage_vectors", "wording", "commands"},
    {"store", "conversation"},
    {"earlier", "migration", "retrieval", "evaluation_data", "suggestions", "spelling"},
    {"generation_files", "salvage", "regions", "citations", "understanding"},
    {"building"},
    {"indexing", "checking"},
    {"archive", "products"},
    {"statements"},
    {"ranking", "reading", "verifying"},
    {"calibration", "coverage", "quoting", "reranking"},
    {"answering"},
    {"opening", "evaluation"},
    {"service"},
    {"rendering", "job_process", "faults", "plots", "report_table"},
    {"jobs", "calibration_run", "evaluation_run"},
    {"report_faults"},
    {"report_page"},
    {"cli"},
    {"__main__"},
]


def imports(file: Path) -> set[str]:
    """Modules a file imports: at its top, inside functions, or for types only."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {name for alias in node.names if is_module(name := f"{node.module}.{alias.name}")}
    return found


def is_module(name: str) -> bool:
    """Whether it is a module or a package of ours, and no name inside one."""
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_run_one_way(package: str) -> None:
    for file in (ROOT / package).rglob("*.py"):
        inner = {name.split(".")[0] for name in imports(file)} & set(MAY_IMPORT)
        assert inner <= MAY_IMPORT[package], file


def test_no_import_of_the_assistant_runs_up_a_floor() -> None:
    floor = {name: height for height, names in enumerate(FLOORS) for name in names}
    top = ROOT / "assistant"
    files = {file.relative_to(top): file for file in top.rglob("*.py") if file != top / "__init__.py"}
    names = {path: path.parts[0].removesuffix(".py") for path in files}
    assert set(names.values()) == set(floor)
    for path, file in files.items():
        for module in imports(file):
            if module.startswith("assistant.") and (name := module.split(".")[1]) != names[path]:
                assert floor[name] < floor[names[path]], f"{path} imports {module}"


def test_a_module_names_what_others_import_of_it() -> None:
    public: dict[str, set[str]] = {}
    imported: set[tuple[str, str]] = set()
    for file in (f for package in MAY_IMPORT for f in (ROOT / package).rglob("*.py")):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                public[module] = set(ast.literal_eval(node.value))
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = {alias.name for alias in node.names}
                imported |= {(node.module, name) for name in names if not is_module(f"{node.module}.{name}")}
    hidden = {(m, name) for m, name in imported if m in public and name not in public[m]}
    assert hidden == set()


@pytest.mark.parametrize(("library", "only"), [("faiss", "vectors.py"), ("tantivy", "lexical.py")])
def test_a_store_is_imported_in_one_file(library: str, only: str) -> None:
    using = {f.name for p in MAY_IMPORT for f in (ROOT / p).rglob("*.py") if library in imports(f)}
    assert using == {only}


def test_only_the_edges_read_the_environment() -> None:
    reading = {
        str(f.relative_to(ROOT))
        for p in MAY_IMPORT
        for f in (ROOT / p).rglob("*.py")
        if re.search(r"os\.environ|getenv", f.read_text(encoding="utf-8"))
    }
    assert reading <= {"assistant/cli/__init__.py", "api/server.py"}


@pytest.mark.parametrize("package", [corpus, assistant, api])
def test_public_names_are_sorted_and_documented(package: object) -> None:
    names = package.__all__  # type: ignore[attr-defined]  # a module
    assert list(names) == sorted(names)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in names if f"`{name}`" not in readme] == []


@pytest.mark.parametrize("name", assistant.__all__)
def test_a_public_name_of_the_assistant_is_that_of_its_module(name: str) -> None:
    assert getattr(assistant, name).__name__ == name
    assert name in dir(assistant)


def test_the_assistant_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="module 'assistant' has no attribute 'Answers'"):
        assistant.Answers  # type: ignore[attr-defined]  # noqa: B018  that it is not there is the test


def test_the_command_line_starts_without_what_answers() -> None:
    code = "import sys, assistant.cli, assistant.keys, assistant.rendering; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"faiss", "numpy", "rich", "tantivy", "tokenizers"} & set(done.stdout.split())


def test_the_readme_names_every_command_and_ci_runs_its_test_command() -> None:
    from assistant.cli import main

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in main.commands if f"assistant {name}" not in readme] == []
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    test_command = next(line for line in commands if line.endswith("&& pytest"))
    assert test_command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
