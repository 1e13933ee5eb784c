"""One run over many targets: plan them, examine each model, gather one report; cache and workers."""
