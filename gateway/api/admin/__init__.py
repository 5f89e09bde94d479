"""The admin API, one file per noun; ``app`` puts them together."""
