"""Puts the JSON-LD context of RO-Crate 1.1 into the cache of rocrate-validator, which has no copy.

    python crate_context.py CACHE

The Python must be the validator's, with a rocrate that has the context of version 1.1: no network
is asked.
"""

from __future__ import annotations

import io
import sys
from importlib import resources
from typing import Any

import requests
import requests_cache
import urllib3
from requests.adapters import BaseAdapter

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


class ContextAdapter(BaseAdapter):
    """Answers every request with the context that comes with the package rocrate."""

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        """The context, as its address would answer."""
        data = resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
        assert f'"@id": "{CONTEXT}"'.encode() in data[:100], "another version's context"
        response = requests.Response()
        response.request, response.url, response.status_code = request, CONTEXT, 200
        response.headers["Content-Type"] = "application/ld+json"
        response.raw = urllib3.HTTPResponse(
            io.BytesIO(data),
            headers=dict(response.headers),
            status=200,
            preload_content=False,
            request_url=CONTEXT,
        )
        return response

    def close(self) -> None:
        """Nothing is open."""


if __name__ == "__main__":
    session = requests_cache.CachedSession(sys.argv[1], backend="sqlite", expire_after=-1)
    session.mount(CONTEXT, ContextAdapter())
    session.get(CONTEXT).raise_for_status()
