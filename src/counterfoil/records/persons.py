"""One person, one id: the same at every practice of an installation.

A source may give its own person ids (they are kept). Otherwise the id is derived from the NHS
number, keyed, so that it cannot be turned back into the number by whoever holds an export without
the key. Somebody without a usable number is one person per practice and patient.
"""

from __future__ import annotations

import hashlib
import hmac

DEMO_KEY = b"counterfoil demo: not a secret"
"""The key where an installation gives none: ids are then stable, and not protected."""


def person_id_for(
    nhs_number: str | None, practice: str, patient_id: str, key: bytes = DEMO_KEY
) -> str:
    """A person id of 20 hexadecimal digits.

    *nhs_number* must be valid and ten digits, or ``None`` where there is none to trust.
    """
    subject = f"nhs:{nhs_number}" if nhs_number else f"patient:{practice}:{patient_id}"
    return hmac.new(key, subject.encode(), hashlib.sha256).hexdigest()[:20]
