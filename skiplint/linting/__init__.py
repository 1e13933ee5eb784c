"""From an analysis to findings: rules, where they come from, which of them run, and what they say."""
