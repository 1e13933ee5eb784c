"""Faults planted in stock architectures: do the rules find them, and where they are?"""
