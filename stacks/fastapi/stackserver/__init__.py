"""A model server on FastAPI: one model, one process, two interchangeable runtimes."""
