"""Events told to other systems: subscriptions to the stream, each in the dialect its receiver already reads."""
