"""Load tests: a fast stand-in for vLLM, a token-counting client and a benchmark of the two.

Nothing here is shipped with the product, and everything here stays on the loopback interface.
"""
