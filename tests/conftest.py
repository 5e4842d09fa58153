"""Fixtures for all tests."""

from tests.browser import chromium, lab, page

__all__ = ["chromium", "lab", "page"]
