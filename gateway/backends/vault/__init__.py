"""OpenBao or HashiCorp Vault over HTTP: keys wrapped by Transit, secrets kept in KV v2."""
