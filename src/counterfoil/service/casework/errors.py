"""Why an action was refused, in words that a page can show."""

from __future__ import annotations


class ActionError(Exception):
    """The base of what actions refuse. Nothing was changed. ``str()`` is fit to show."""


class PolicyError(ActionError):
    """This role may not do this to this class of finding, or something it needs is missing."""


class ConflictError(ActionError):
    """Somebody else was faster: they hold the case, or changed it since it was shown."""


class ScopeError(ActionError):
    """There is no such thing in the user's organisations. A view answers 404."""
