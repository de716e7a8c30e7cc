"""The demo: a sample shop, a real mailbox and a webhook receiver around a real engine, on real sockets."""
