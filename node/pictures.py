"""Pictures: a photo as a telephone takes it, made small enough to travel, and without what it betrays.

Decides the size and the form of what is kept: JPEG, upright, at most
`PHOTO_PIXELS` on its longer side. Where and when it was taken, and by which
telephone, is left behind with all else that is not the picture. What is kept
where is `blobs`'s.
"""

from __future__ import annotations

import io
import warnings
from math import ceil
from typing import Final

from .errors import InputError
from .limits import MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS

PHOTO_PIXELS: Final = 1_280
"""pixels of the longer side of a photo: what a telephone shows, some 150 KB."""

DECODED_PIXELS: Final = 16_000_000
"""pixels that are held in memory at once, 64 MB and some copies; of a JPEG a part is decoded."""

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""What telephones, scanners and browsers make; what reads TIFF says on standard error what it likes."""

QUALITY: Final = 78
"""of 95; below it skies and walls show blocks."""


def small(data: bytes) -> bytes:
    """A photo as it is kept. Raises InputError on what is no picture, or too large to be looked at."""
    from PIL import Image, ImageOps

    if len(data) > MAX_IMAGE_BYTES:
        raise InputError("The picture is larger than a photo can be: choose a smaller one.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_size(image.size, MAX_IMAGE_PIXELS)
                part = PHOTO_PIXELS / max(image.size)
                # A JPEG need not be decoded whole: at least of the size that is kept is enough.
                image.draft("RGB", (ceil(image.width * part), ceil(image.height * part)))
                _check_size(image.size, DECODED_PIXELS)
                image.thumbnail((PHOTO_PIXELS, PHOTO_PIXELS))
                upright = ImageOps.exif_transpose(image)
                flat = Image.new("RGB", upright.size, "white")  # what is transparent becomes paper
                shown = upright.convert("RGBA")
                flat.paste(shown, mask=shown.getchannel("A"))
        kept = io.BytesIO()
        flat.save(kept, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError("The picture is larger than a photo can be: choose a smaller one.") from error
    except Exception as error:  # Pillow's readers raise whatever their formats bring about
        raise InputError("This is no picture that can be read: choose a photo, as JPEG or PNG.") from error
    return kept.getvalue()


def _check_size(size: tuple[int, int], most: int) -> None:
    if size[0] * size[1] > most:
        raise InputError("The picture is larger than a photo can be: choose a smaller one.")
