"""Settings, addresses and the home folder of an installation."""
