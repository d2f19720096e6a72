"""An organisation's own rules: drafts, versions, approvals, and which rules are in force where."""
