"""What our Amazon-shaped services share: signatures, the Query and JSON protocols, errors in both shapes."""
