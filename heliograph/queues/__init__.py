"""Messages that wait to be fetched: durable queues in one file, with Amazon SQS's semantics."""
