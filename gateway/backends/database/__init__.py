"""The control plane's store in a relational database, through SQLAlchemy."""
