"""The ``sealgate`` command: one small module for each noun."""
