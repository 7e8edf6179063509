"""The stand-in for vLLM's own image: its CPU build and this machine's interpreter, and little else.

Nothing is downloaded: the interpreter of `.venv-engine`, the few programs that containers call and
the shared libraries these load are copied from this machine, so that they fit each other.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from tests.image.podman import ROOT, environment, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ENGINE = ROOT / ".venv-engine"
NAME = "localhost/vllm/vllm-openai"
PROGRAMS = """
bash cat chmod chown cp cut date dirname echo env false find grep head id install ldconfig ln ls
lscpu mkdir mktemp mv nproc printf pwd readlink rm sed sh sleep sort stat tail tee test touch tr
true uname wc xargs
"""
FILES = ("/etc/ld.so.cache", "/etc/ssl/certs/ca-certificates.crt")
LINKS = ("/bin", "/lib", "/lib64", "/sbin")
OF_PYTHON = frozenset({"ensurepip", "idlelib", "site-packages", "test", "tkinter"})
# vLLM's CPU build does without Triton, a third of everything.
OF_PACKAGES = frozenset({"pip", "triton"})
# Which of its three builds of the kernels vLLM loads, by what the processor has.
KERNELS = {"avx512_bf16": "_C", "avx512f": "_C_AVX512", "": "_C_AVX2"}
TEXTS = {
    # As in vLLM's image, uid 2000 has no entry.
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n",
    "/etc/group": "root:x:0:\n",
    "/etc/nsswitch.conf": "hosts: files dns\n",
}
DIRECTORIES = {"/dev": 0o755, "/proc": 0o755, "/root": 0o755, "/run": 0o755, "/sys": 0o755}
DIRECTORIES |= {"/tmp": 0o1777, "/var/tmp": 0o1777, "/vllm-workspace": 0o755}
CHANGES = (
    'ENTRYPOINT ["vllm", "serve"]',
    "WORKDIR /vllm-workspace",
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
)
ASK = """
import json, sys, sysconfig
print(json.dumps([sys.executable, sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")]))
"""


def base_image() -> str:
    """Return the image's name; it is built once for each set of packages."""
    name = f"{NAME}:{_key()}"
    known = run("podman", "images", "--format", "{{.Repository}}:{{.Tag}}", NAME).split()
    if name not in known:
        for old in known:
            run("podman", "rmi", "--force", old)
        _import(name)
    return name


def _key() -> str:
    digest = hashlib.sha256((ENGINE / "pyvenv.cfg").read_bytes() + Path(__file__).read_bytes())
    digest.update((ROOT / "requirements-engine.txt").read_bytes())
    digest.update(str((ENGINE / "installed").stat().st_mtime_ns).encode())
    return digest.hexdigest()[:16]


def _import(name: str) -> None:
    changes = [word for change in CHANGES for word in ("--change", change)]
    command = ["podman", "import", "--quiet", *changes, "-", name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment()
    ) as importing:
        assert importing.stdin is not None
        with tarfile.open(fileobj=importing.stdin, mode="w|") as tar:
            _fill(tar)
    assert importing.returncode == 0, f"podman cannot import {name}"


def _fill(tar: tarfile.TarFile) -> None:
    for link in filter(os.path.islink, LINKS):
        _add(tar, link, tarfile.SYMTYPE, 0o777, target=str(Path(link).readlink()))
    for path, mode in DIRECTORIES.items():
        _add(tar, path, tarfile.DIRTYPE, mode)
    for path, text in TEXTS.items():
        _add(tar, path, tarfile.REGTYPE, 0o644, text.encode())
    executable, stdlib, packages = _interpreter()
    (engine,) = (ENGINE / "lib").glob("python*/site-packages")
    tar.add(stdlib, filter=_without(stdlib, OF_PYTHON))
    tar.add(engine, str(packages), filter=_without(packages, OF_PACKAGES | _other_kernels()))
    programs = [
        executable,
        *(Path(found) for name in PROGRAMS.split() if (found := shutil.which(name))),
    ]
    loaded = _loaded_by([*programs, *stdlib.rglob("*.so"), *engine.rglob("*.so*")])
    within = (stdlib, engine)
    libraries = [path for path in loaded if not any(map(path.is_relative_to, within))]
    for file in [*programs, *libraries, *map(Path, filter(os.path.exists, FILES))]:
        tar.add(file.resolve(), str(file.parent.resolve() / file.name), filter=_of_root)
    _add(tar, "/usr/bin/python3", tarfile.SYMTYPE, 0o777, target=str(executable))
    script = (ENGINE / "bin" / "vllm").read_text("utf-8").split("\n", 1)[1]
    start = f"#!/usr/bin/python3\n{script}".encode()
    _add(tar, "/usr/local/bin/vllm", tarfile.REGTYPE, 0o755, start)


def _interpreter() -> tuple[Path, Path, Path]:
    """Return where the interpreter behind `.venv-engine` lies, its library and its packages."""
    asked = [str(ENGINE / "bin" / "python"), "-c", "import sys; print(sys._base_executable)"]
    base = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    said = subprocess.run([base, "-I", "-c", ASK], capture_output=True, text=True, check=True)
    executable, stdlib, packages = map(Path, json.loads(said.stdout))
    return executable.resolve(), stdlib, packages


def _other_kernels() -> frozenset[str]:
    flags = {"", *Path("/proc/cpuinfo").read_text("utf-8").split()}
    wanted = next(kernels for flag, kernels in KERNELS.items() if flag in flags)
    return frozenset(f"vllm/{name}.abi3.so" for name in KERNELS.values() if name != wanted)


def _loaded_by(binaries: Iterable[Path]) -> list[Path]:
    """Return the shared libraries that `ldd` finds, the dynamic loader among them."""
    names = sorted(str(path) for path in binaries)
    said = subprocess.run(["ldd", *names], capture_output=True, text=True, check=False).stdout
    return sorted({Path(found) for found in re.findall(r"(/\S+) \(0x", said)})


def _without(
    tree: Path, names: frozenset[str]
) -> Callable[[tarfile.TarInfo], tarfile.TarInfo | None]:
    left_out = {str(tree / name).lstrip("/") for name in names}
    return lambda entry: None if entry.name in left_out else _of_root(entry)


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


def _add(
    tar: tarfile.TarFile, path: str, kind: bytes, mode: int, text: bytes = b"", target: str = ""
) -> None:
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.type, entry.mode, entry.size, entry.linkname = kind, mode, len(text), target
    tar.addfile(entry, BytesIO(text))
