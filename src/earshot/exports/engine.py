"""LiteRT.js, which runs a network inside a page: fetched from npm, packed into the page.

>>> script("import x from 'y';\\nconst a = 1;\\nexport {\\n  a\\n};\\n", "z")
'const a = 1;\\nglobalThis.z = {\\n  a\\n};\\n'
"""

import re
import tarfile
from pathlib import Path

from earshot.datasets import archives
from earshot.errors import EarshotError
from earshot.types import PathLike

__all__ = ["ABOUT", "PACKAGES", "parts", "script"]

REGISTRY = "https://registry.npmjs.org/@litertjs"
VERSION = "2.5.3"
ABOUT = f"LiteRT.js {VERSION} by Google, Apache License 2.0"
CORE_SHA256 = "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd"  # of its archive
UTILS_SHA256 = (
    "ce2a1f8379c067be49e59752e5a7f40db6be09f6e497f0f11e59f17b515366a7"  # of the other one
)
PACKAGES = {
    f"litertjs-core-{VERSION}.tgz": CORE_SHA256,
    f"litertjs-wasm-utils-{VERSION}.tgz": UTILS_SHA256,  # all that the first one needs
}
BINARY = "package/wasm/litert_wasm_compat_internal"
"""The build without relaxed SIMD, which Safari and older Firefox lack; no slower here."""
IMPORT = re.compile(r"^(import .*|//# sourceMappingURL.*)\n?", re.MULTILINE)
EXPORT = re.compile(r"^export \{", re.MULTILINE)


def parts(data_dir: PathLike) -> dict[str, bytes]:
    """Give the engine's scripts and binary, "litert", "loader" and "wasm".

    Its archives are looked for in the folder of the environment variable EARSHOT_DOWNLOADS and in
    ``<data_dir>/downloads``, and downloaded to it otherwise. Raises :class:`EarshotError` without
    the internet.
    """
    core, utils = (_archive(name, data_dir) for name in PACKAGES)
    first, second = (
        _member(archive, "package/dist/index.js").decode() for archive in (utils, core)
    )
    library = f"""(() => {{
{script(first, "wasmUtils")}
}})();
(() => {{
const {{ createWasmLib }} = globalThis.wasmUtils;
{script(second, "LiteRt")}
}})();
"""
    return {
        "litert": library.encode(),
        "loader": _member(core, f"{BINARY}.js"),
        "wasm": _member(core, f"{BINARY}.wasm"),
    }


def script(module: str, name: str) -> str:
    """Give an ECMAScript module as a plain script that puts what it exports into a global name."""
    return EXPORT.sub(f"globalThis.{name} = {{", IMPORT.sub("", module))


def _archive(name: str, data_dir: PathLike) -> Path:
    plain = name.removeprefix("litertjs-")
    url = f"{REGISTRY}/{plain.rpartition('-')[0]}/-/{plain}"
    return archives.find(url, name, data_dir, sha256=PACKAGES[name])


def _member(path: Path, name: str) -> bytes:
    try:
        with tarfile.open(path) as archive:
            file = archive.extractfile(name)
            if file:
                return file.read()
    except (tarfile.TarError, KeyError, EOFError, OSError) as error:
        raise EarshotError(f"{path} is damaged: delete it, and export again.") from error
    raise EarshotError(f"{path} holds no {name}: delete it, and export again.")
