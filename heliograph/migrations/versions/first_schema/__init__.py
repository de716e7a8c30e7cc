"""The tables of the first schema, a module for each area: each table is a function that makes it with its indexes."""
