"""Builds the compiled core as one abi3 module; where there is no compiler, the numpy kernels do the work."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

CORE = Extension(
    "dedup.kernels._native",
    sources=sorted(str(path) for path in Path("dedup/kernels/native").glob("*.c")),
    depends=sorted(str(path) for path in Path("dedup/kernels/native").glob("*.h")),
    define_macros=[("Py_LIMITED_API", "0x030B0000")],
    # MSVC optimises for speed (/O2) unless told otherwise.
    extra_compile_args=["/std:c11"] if sys.platform == "win32" else ["-O3", "-std=c11", "-fno-math-errno", "-pthread"],
    extra_link_args=[] if sys.platform == "win32" else ["-pthread"],
    py_limited_api=True,
)


class BuildCore(build_ext):
    """Builds the core, or says in one line that the numpy kernels will be used."""

    def run(self) -> None:
        try:
            super().run()
        except Exception as why:
            if self.editable_mode or not self.inplace:
                print(f"dedup: no compiled core ({why}); the numpy kernels do the work, slower", file=sys.stderr)
                self.extensions = []
            else:
                raise


class Abi3Wheel(bdist_wheel):
    """Tags the wheel for every CPython from 3.11 on."""

    def get_tag(self) -> tuple[str, str, str]:
        python, abi, platform = super().get_tag()
        return ("cp311", "abi3", platform) if python.startswith("cp") else (python, abi, platform)


setup(ext_modules=[CORE], cmdclass={"build_ext": BuildCore, "bdist_wheel": Abi3Wheel})
