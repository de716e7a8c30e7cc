"""The pictures of conditional images: fetched from the operator's own addresses, checked, kept, kept fresh."""
