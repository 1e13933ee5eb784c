"""Recording one forward: every torch call with its operands, module, source lines and storages."""
