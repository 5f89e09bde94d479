"""The token service; ``app`` puts it together."""
