# SPDX-License-Identifier: MIT
"""./kite bench"""


def add_arguments(sub):
    """Options of ./kite bench."""


def cmd_bench(args):
    """./kite bench"""
