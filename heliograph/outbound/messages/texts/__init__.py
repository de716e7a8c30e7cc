"""Texts and push messages before they leave: counting, short links, and the desks that write them."""
