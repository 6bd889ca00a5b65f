"""Compiles the translations while a wheel, or an editable installation, is made.

Only the texts (``trueque.po``) are in the repository; what gettext reads at run
time (``trueque.mo``) is made from them here, so that the two cannot differ.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CATALOGUES = "node/locale/*/LC_MESSAGES/trueque.po"


class CompileTranslations(BuildHookInterface):  # type: ignore[type-arg]  # its configuration is not typed
    """Writes a ``trueque.mo`` beside each ``trueque.po``."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files."""
        for source in sorted(Path(self.root).glob(CATALOGUES)):
            with source.open("rb") as texts:
                catalogue = read_po(texts, abort_invalid=True)
            with source.with_suffix(".mo").open("wb") as compiled:
                write_mo(compiled, catalogue)
