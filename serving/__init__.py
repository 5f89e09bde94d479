"""The GPU side: seals a fine-tuned model into a signed, encrypted bundle, opens it and runs vLLM.

It promises that a model which was changed, swapped or signed by somebody else is never served,
and that the weights lie open only in a private folder while vLLM runs. It imports nothing of the
gateway but ``gateway.core``, and never vLLM itself, which is a command line to it.
"""
