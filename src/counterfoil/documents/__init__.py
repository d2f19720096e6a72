"""Hospital letters into medicine lines, each with its place in the letter.

``read`` takes a file or its bytes and returns a :class:`Letter`; nothing in a list of medicines is
dropped: what cannot be read as a medicine stands in ``Letter.unread``.
"""

from counterfoil.documents.letter import read, read_text
from counterfoil.documents.model import Letter, LetterPatient, MedicineLine, Mention, Span, Stated
from counterfoil.documents.quality import Criterion, quality
from counterfoil.documents.setting import SETTINGS, Setting

__all__ = [
    "SETTINGS",
    "Criterion",
    "Letter",
    "LetterPatient",
    "MedicineLine",
    "Mention",
    "Setting",
    "Span",
    "Stated",
    "quality",
    "read",
    "read_text",
]
