"""The pilot as this installation sees it: the work log, weekly series, and the page's figures."""
