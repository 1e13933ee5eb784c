"""One run over many targets: plan the units of work, examine each model, gather one report.

A ``Request`` says what to find out. :func:`skiplint.run.check.check` makes a ``Plan`` of each target. The
result of a ``Unit`` comes from the ``Cache``, or an ``Examiner`` finds it, here or in a worker process. What
comes of one model is an ``Outcome``; a ``Gathering`` makes one report of them all.
"""
