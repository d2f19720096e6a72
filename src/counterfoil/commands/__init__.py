"""The commands, by what they are about; each is a few lines over the library or the service."""
