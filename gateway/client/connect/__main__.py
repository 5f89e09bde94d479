"""``python -m gateway.client.connect``."""

from gateway.client.connect.command import main

main()
