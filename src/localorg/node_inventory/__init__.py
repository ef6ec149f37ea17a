"""Systems Manager inventory: what nodes report of their software, and what people note about them."""
