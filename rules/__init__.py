"""The built-in rules: one module a rule, with its documentation, its options, its check and its examples.

Every rule that a module here defines belongs to the pack; there is no list to add it to.
"""
