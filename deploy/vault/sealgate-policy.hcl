# What a gateway may do in Vault or OpenBao, and nothing else:
#   bao policy write sealgate deploy/vault/sealgate-policy.hcl
# Here the Transit key and the folder of secrets are called "sealgate".

# Wrap and unwrap. Only "update": with "create", too, Vault would make a key that is missing.
path "transit/encrypt/sealgate" {
  capabilities = ["update"]
}
path "transit/decrypt/sealgate" {
  capabilities = ["update"]
}

# See that the key exists and cannot be exported. This shows no key.
path "transit/keys/sealgate" {
  capabilities = ["read"]
}

# Secrets that the gateway reads instead of files, if [vault.secrets] names any.
path "secret/data/sealgate/*" {
  capabilities = ["read"]
}

# Its own token: looked at, renewed, given back. Vault's policy "default" has this, too; here it
# stands so that the gateway needs no other policy (token_no_default_policy=true).
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
