"""Practices, PCNs and trusts."""
