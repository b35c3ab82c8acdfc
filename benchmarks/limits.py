"""Limits: what any program pays that reads the text at all."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from pathlib import Path


class PlainDecoder:
    """The compiled loop."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._function = library.plain_decode
        self._function.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
        self._function.restype = ctypes.c_uint64

    def __call__(self, text: bytes) -> int:
        """Decode valid UTF-8 and return the sum of its code points."""
        return int(self._function(text, len(text)))


def plain_decoder() -> PlainDecoder | None:
    """`plain_decode.c`, compiled now; None where there is no compiler."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "plain_decode.so"
        source = Path(__file__).with_name("plain_decode.c")
        command = [*compiler.split(), "-O3", "-shared", "-fPIC", "-o", str(library), str(source)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return None
        return PlainDecoder(ctypes.CDLL(str(library)))
