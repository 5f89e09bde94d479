"""What applications install: transports that seal each request to the gateway."""
