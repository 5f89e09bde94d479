"""The steps by which the schema of the store came to be, run by Alembic from inside the program."""
