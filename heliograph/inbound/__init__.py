"""In: requests that become events."""
