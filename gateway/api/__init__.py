"""HTTP face: the only room that knows FastAPI and Starlette."""
