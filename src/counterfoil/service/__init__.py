"""The multi-user application: accounts, organisations, casework, published records, pages."""
