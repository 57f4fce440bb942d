"""Behaves towards whoever supervises it as `python -m mlc_llm serve` does: takes the same arguments, compiles and loads before it listens, has workers, answers with the name that it was
asked by, and encodes its errors twice. What it is told and asked is written to the file that STAND_IN_RECORD names, a line of JSON for each."""
import argparse
import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def record(**what):
    with open(os.environ["STAND_IN_RECORD"], "a", encoding="utf-8") as file:
        file.write(json.dumps(what) + "\n")


def overrides(text):
    names = argparse.ArgumentParser()
    for name in ("max_num_sequence", "max_total_seq_length", "prefill_chunk_size", "max_history_size", "spec_draft_length", "prefix_cache_max_num_recycling_seqs", "context_window_size"):
        names.add_argument("--" + name, type=int)
    names.add_argument("--gpu_memory_utilization", type=float)
    return vars(names.parse_args(["--" + one for one in text.split(";") if one]))


arguments = argparse.ArgumentParser("mlc_llm serve")
arguments.add_argument("command", choices=["serve"])
arguments.add_argument("model")
arguments.add_argument("--device", default="auto")
arguments.add_argument("--model-lib")
arguments.add_argument("--mode", choices=["local", "interactive", "server"], default="local")
arguments.add_argument("--enable-debug", action="store_true")
arguments.add_argument("--additional-models", nargs="*")
arguments.add_argument("--speculative-mode", choices=["disable", "small_draft", "eagle", "medusa"], default="disable")
arguments.add_argument("--prefix-cache-mode", choices=["disable", "radix"], default="radix")
arguments.add_argument("--prefill-mode", choices=["hybrid", "chunked"], default="hybrid")
arguments.add_argument("--overrides", type=overrides, default={})
arguments.add_argument("--enable-tracing", action="store_true")
arguments.add_argument("--host", default="127.0.0.1")
arguments.add_argument("--port", type=int, default=8000)
arguments.add_argument("--allow-origins", type=json.loads, default=["*"])
told = arguments.parse_args()

sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
workers = [subprocess.Popen(sleeper), subprocess.Popen(sleeper, start_new_session=True)]
record(argv=sys.argv[1:], overrides=told.overrides, workers=[w.pid for w in workers], policy=os.environ.get("MLC_DOWNLOAD_CACHE_POLICY"), own=os.environ.get("STAND_IN_OWN"), folder=os.getcwd())
print("INFO jit.py: Compiling using commands below:\nINFO jit.py: Using compiled model lib: lib.so", flush=True)
with open(os.path.join(told.model, "mlc-chat-config.json"), encoding="utf-8") as file:
    json.load(file)


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if "*" in told.allow_origins or self.headers.get("origin") in told.allow_origins:
            self.send_header("access-control-allow-origin", "*")
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, message):
        self.answer(400, json.dumps({"object": "error", "message": message, "code": 400}))

    def do_GET(self):
        if self.path == "/v1/models":
            self.answer(200, {"object": "list", "data": [{"id": told.model, "object": "model", "created": 1, "owned_by": "MLC-LLM"}]})
        else:
            self.answer(404, {"detail": "Not Found"})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        record(path=self.path, body=body)
        messages = body.get("messages", [])
        said = str(messages[-1].get("content")) if messages else str(body.get("prompt"))
        if body.get("best_of", 1) != 1:
            self.refuse("Request fields \"best_of\" are not supported right now.")
        elif "stream_options" in body and not body.get("stream"):
            self.answer(422, {"detail": [{"type": "value_error", "loc": ["body"], "msg": "Value error, stream must be set to True when stream_options is present"}]})
        elif any("tool_calls" in m for m in messages):
            self.refuse("Assistant message having `tool_calls` is not supported yet.")
        elif "a book" in said:
            self.refuse("Request prompt has 9000 tokens in total, larger than the model input length limit 8192.")
        elif body.get("stream"):
            self.stream(body)
        else:
            self.answer(200, {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body.get("model"), "system_fingerprint": "", "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "extra": None},
                              "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None, "message": {"role": "assistant", "content": "Hello from MLC.", "name": None, "tool_calls": None, "tool_call_id": None}}]})

    def stream(self, body):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": body.get("model"), "system_fingerprint": ""}
        for text, end in (("Hello ", None), ("from ", None), ("MLC.", None), ("", "stop")):
            self.event(json.dumps({**head, "choices": [{"index": 0, "finish_reason": end, "logprobs": None, "delta": {"role": "assistant", "content": text}}], "usage": None}))
            time.sleep(0.01)
        if body.get("stream_options", {}).get("include_usage"):
            self.event(json.dumps({**head, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6, "extra": None}}))
        self.event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def event(self, text):
        data = f"data: {text}\n\n".encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


ThreadingHTTPServer((told.host, told.port), Server).serve_forever()
