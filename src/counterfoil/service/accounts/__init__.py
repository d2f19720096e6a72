"""People who sign in, and the role each holds in an organisation."""
