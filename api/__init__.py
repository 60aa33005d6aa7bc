"""The assistant over HTTP. This package translates; it decides nothing."""

from api.app import create_app

__all__ = ["create_app"]
