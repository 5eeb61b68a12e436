"""The pages of reference: a module makes one of them."""
