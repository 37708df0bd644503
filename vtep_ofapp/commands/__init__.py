"""The commands: what an operator asks the running application."""
