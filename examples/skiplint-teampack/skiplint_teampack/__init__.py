"""Rules of one team. skiplint looks into every module of this package for classes of rules."""
