"""What the law lets a person ask for: everything that is known of them, and that it is erased (STD-7, STD-8)."""
