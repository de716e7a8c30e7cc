"""Files of rows, CSV or NDJSON, however long, wrongly coded and broken: what imports and recipient lists both read."""
