"""Recipes: which files a program wants, in what format, order and mode, and what to write into its configuration.

Each recipe is data, a file in ``data/``, with the program's documentation as its source. To add one, write one: its
schema is :mod:`easycert.recipes.schema`, and the tests find it.
"""
