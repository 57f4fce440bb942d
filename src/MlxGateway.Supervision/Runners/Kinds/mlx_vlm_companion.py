#!/usr/bin/env python3
"""Hosts the installed mlx_vlm.server, unchanged, in this process, and keeps web pages out of it.

    mlx_vlm_companion.py [any argument of mlx_vlm.server]

By itself that server lets every web page read what it answers, and has no switch against that; and what only tells (its list of
models, its description) it tells to whoever asks. Hosted here

* what a web page sends is answered with 403, by no word of what is behind it: anything with an "Origin", and anything that a browser
  says comes from another place. A WebSocket of a page is not opened.
* with MLX_VLM_SERVER_API_KEY in the environment nothing at all is answered without "Authorization: Bearer" and that key.

If the server is built in another way, one JSON object on a line of standard output says so, and it serves as it is:
    {"event": "unhooked", "what": …}

Made for mlx-vlm 0.7, whose server is an ASGI application that uvicorn runs; needs nothing beside it; Python 3.9 and later.
"""

import hmac
import json
import os
import runpy

KEY = "MLX_VLM_SERVER_API_KEY"


class Door:
    """Before the whole application, so that it does not matter what that thinks of pages."""

    def __init__(self, application, key):
        self.application, self.key = application, key and f"Bearer {key}".encode()

    async def __call__(self, scope, receive, send):
        refusal = self.refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self.application(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
        else:
            status, why = refusal
            body = json.dumps({"error": {"message": why}}).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    def refusal(self, scope):
        """(status, why), or None: it may come in."""
        headers = dict(scope["headers"])
        if self.key and not hmac.compare_digest(headers.get(b"authorization", b""), self.key):
            return 401, "not without the key"
        if b"origin" in headers or headers.get(b"sec-fetch-site", b"none") != b"none":
            return 403, "not for web pages"
        return None


def put_door(key):
    """Every application that uvicorn loads in this process gets the door."""
    from uvicorn import Config

    load = Config.load

    def load_behind_door(config):
        load(config)
        config.loaded_app = Door(config.loaded_app, key)

    Config.load = load_behind_door


if __name__ == "__main__":
    try:
        put_door(os.environ.get(KEY))
    except Exception as error:
        print(json.dumps({"event": "unhooked", "what": f"{type(error).__name__}: {error}"}), flush=True)
    runpy.run_module("mlx_vlm.server", run_name="__main__", alter_sys=True)
