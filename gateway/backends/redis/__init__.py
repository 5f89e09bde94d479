"""Redis or Valkey, shared by gateways on several hosts: who was here already, and how often."""
