"""Stands in for mlx_vlm.server where a model of its own cannot be had: it says what it was started with and what it was sent."""
import base64
import http.server
import json
import os
import sys

GROUPS = {"--tts-model": "tts", "--image-model": "image_generation"}
OPTION, MODEL = sys.argv[1:3]
PORT = int(sys.argv[sys.argv.index("--port") + 1])
SENT = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        loaded = {GROUPS[OPTION]: {"model": MODEL}}
        self.answer({"/sent": {"argv": sys.argv[1:], "sent": SENT}, "/metrics": {"server": {"preload_failures": {}, "loaded_models": loaded}}}.get(self.path, {"data": []}))

    def do_POST(self):
        SENT.append([self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))])
        if self.path.endswith("/speech"):
            self.answer(bytes(range(256)) + MODEL.encode(), "audio/mp3")
        else:
            self.answer({"created": 1, "data": [{"b64_json": base64.b64encode(b"image").decode(), "mime_type": "image/png", "width": 8, "height": 8, "seed": 1}], "output_format": "png", "size": "8x8"})

    def answer(self, content, kind="application/json"):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        allowed = self.headers["authorization"] == "Bearer " + os.environ["MLX_VLM_SERVER_API_KEY"]
        self.send_response(200 if allowed else 401)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
