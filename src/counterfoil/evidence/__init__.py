"""Evidence: what the work itself shows. Series, charts, the registered protocol and its report."""
