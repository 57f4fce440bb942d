"""Fetches one model from the Hub into the Hugging Face cache, by the huggingface_hub of the Python that runs it.

Run by the gateway with one argument of JSON; tells in lines of JSON, each behind "mlxgateway ", how it goes and how it ended. It may be killed at any moment: what has come of a
file stays as blobs/HASH.incomplete and is gone on with the next time. A file gets its name in the cache only when its hash is the one that the Hub says.

The transfer is huggingface_hub's own (its requests, redirects, headers and tokens); which files, where they go on, and whether they are whole is decided here, because newer
versions of it throw away what was begun, and none compares a hash.
"""
import hashlib
import json
import os
import re
import shutil
import sys
import threading
import time

os.environ["HF_HUB_DISABLE_XET"] = "1"  # transfers of its own, which hang and tell nothing
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

BLOCK = 128 * 1024  # small, so that progress is seen on slow lines and little is lost by a kill
GLANCE = 0.25
LONGEST_PAUSE = 30
MOST_BREAKS = 1000

# What is in these folders is the same model for other programs.
FOREIGN_FOLDERS = {"onnx", "original", "openvino", "coreml", "metal", "gguf", "flax", "tflite", "runs", "checkpoints", "figures", "assets"}
OF_MLX = (".safetensors", ".json", ".jsonl", ".jinja", ".py", ".txt", ".model", ".tiktoken", ".npz")

# By which a repository in MLC's form is known, as mlc_llm itself does.
MLC_CONFIG = "mlc-chat-config.json"
MLC_LISTS = {"tensor-cache.json", "ndarray-cache.json"}
OF_MLC = (".json", ".bin", ".txt", ".model", ".tiktoken", ".jinja")

# What is taken of several, the best first: the least loss that most machines have memory for, then smaller steps away from it.
QUANTISATIONS = ["Q4_K_M", "Q4_K_S", "Q4_K_XL", "Q4_K_L", "Q4_0", "Q4_1", "IQ4_NL", "IQ4_XS", "MXFP4", "Q5_K_M", "Q5_K_S", "Q5_0", "Q5_1", "Q6_K", "Q8_0", "Q3_K_M", "Q3_K_L", "Q3_K_S", "IQ3_M", "Q2_K", "BF16", "F16", "F32"]
QUANTISATION = re.compile(r"(?i)(?:^|[-._])((?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|BF16|FP?16|FP?32|MXFP4(?:_MOE)?))(?=$|[-._])")
SERIES = re.compile(r"^(.+)-(\d{5})-of-(\d{5})$")


class Failed(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def say(event, **members):
    os.write(1, ("\nmlxgateway " + json.dumps({"event": event, **members}) + "\n").encode())


def gigabytes(size):
    return f"{size / 2**30:.2f} GB" if size >= 2**30 else f"{size / 2**20:.2f} MB"


def size_of(path):
    try:
        return os.stat(path).st_size
    except OSError:
        return None


class File:
    """One file of the repository. Its hash is also the name of its blob, as the cache's other users expect."""

    def __init__(self, sibling):
        lfs = getattr(sibling, "lfs", None)
        self.name = sibling.rfilename
        self.size = sibling.size
        self.sha256 = None if not lfs else lfs["sha256"] if isinstance(lfs, dict) else lfs.sha256
        self.hash = self.sha256 or getattr(sibling, "blob_id", None)
        if self.size is None or not re.fullmatch("[0-9a-f]{40,64}", self.hash or ""):
            raise Failed("hub_unreachable", f"The Hub does not say how large the file {self.name} is, or what its hash is.")

    @property
    def stem(self):
        return os.path.splitext(os.path.basename(self.name))[0]

    @property
    def series(self):
        match = SERIES.match(self.stem)
        return match[1] if match else self.stem

    def digest(self, path):
        # Small files are named by git, which puts a head in front.
        known = hashlib.sha256() if self.sha256 else hashlib.sha1(f"blob {self.size}\0".encode())
        with open(path, "rb") as source:
            while block := source.read(4 << 20):
                known.update(block)
        return known.hexdigest()


def is_safe(name):
    return not name.startswith("/") and ".." not in name.split("/") and "\\" not in name and "\0" not in name


def quantisation(stem):
    found = QUANTISATION.findall(stem)
    return found[-1].upper().replace("FP", "F") if found else None


def rank(label):
    bare = (label or "").removeprefix("UD-")
    return (QUANTISATIONS.index(bare) if bare in QUANTISATIONS else len(QUANTISATIONS), label or "")


def choose_gguf(files, part):
    models = [f for f in files if f.name.lower().endswith(".gguf") and "mmproj" not in f.stem.lower()]
    series = {}
    for file in models:
        series.setdefault((os.path.dirname(file.name), file.series), []).append(file)
    labels = {key: quantisation(key[1]) or quantisation(key[0]) for key in series}
    there = ", ".join(sorted({labels[key] or key[1] for key in series}))
    if part:
        wanted = part.upper()
        keys = [k for k in series if wanted in ((labels[k] or "").upper(), (labels[k] or "").upper().removeprefix("UD-"), k[1].upper())]
        if not keys:
            raise Failed("hub_no_quantisation", f"It has no file of '{part}'. There are: {there}.")
    else:
        keys = list(series)
    key = min(keys, key=lambda k: (rank(labels[k]), len(k[0]), k))
    chosen = sorted(series[key], key=lambda f: f.name)
    match = SERIES.match(chosen[0].stem)
    if match and len(chosen) != int(match[3]):
        raise Failed("hub_no_model", f"It has {len(chosen)} of the {int(match[3])} files of {key[1]}.")
    projectors = sorted((f for f in files if f.name.lower().endswith(".gguf") and "mmproj" in f.stem.lower()), key=lambda f: (rank_of_projector(f), f.name))
    choice = None if len(series) == 1 else f"{labels[key] or key[1]} of {there}" + ("" if part else "; a colon and another behind the id chooses that one")
    return projectors[:1] + chosen, choice, chosen[0].name


# A projector is small and loses much by quantisation.
def rank_of_projector(file):
    return {"F16": 0, "BF16": 1, "Q8_0": 2, "F32": 3}.get(quantisation(file.stem), 4)


def choose_mlx(files):
    def is_wanted(file):
        folders = file.name.lower().split("/")[:-1]
        return file.name.lower().endswith(OF_MLX) and not FOREIGN_FOLDERS.intersection(folders) and not file.name.lower().endswith((".bin.index.json", ".h5.index.json"))

    wanted = [f for f in files if is_wanted(f)]
    if any(f.name.startswith("model") and f.name.endswith(".safetensors") for f in wanted):
        wanted = [f for f in wanted if not os.path.basename(f.name).startswith("consolidated")]  # the same weights once more

    # Weights last: until they are there, nobody takes the folder for a model.
    return sorted(wanted, key=lambda f: (f.name.endswith((".safetensors", ".npz")), f.name))


def choose_mlc(files):
    # All that lies beside its configuration; the shards last.
    return sorted((f for f in files if "/" not in f.name and f.name.lower().endswith(OF_MLC)), key=lambda f: (f.name.endswith(".bin"), f.name))


def choose(files, part, kinds):
    names = {f.name for f in files}
    has_gguf = any(n.lower().endswith(".gguf") and "mmproj" not in n.lower() for n in names)
    has_mlx = "config.json" in names and any(n.endswith((".safetensors", ".npz")) and "/" not in n for n in names)
    if part and not has_gguf:
        raise Failed("hub_no_quantisation", f"It has no GGUF files, so there is no '{part}' of it. Leave out ':{part}'.")
    if has_gguf and (part or not has_mlx or "mlx" not in kinds):
        return choose_gguf(files, part)
    has_mlc = MLC_CONFIG in names and MLC_LISTS & names
    if has_mlc and (not has_mlx or "mlx" not in kinds):
        return choose_mlc(files), None, None
    if has_mlx:
        return choose_mlx(files), ("the safetensors, not the GGUF files" if has_gguf else None), None
    other = sorted({os.path.splitext(n)[1] for n in names if n.endswith((".bin", ".pt", ".pth", ".onnx", ".h5", ".msgpack", ".safetensors"))})
    raise Failed("hub_no_model", "It has no model that an engine here could serve: no GGUF files, no config.json with safetensors beside it, and nothing in MLC's form" + (f", only {', '.join(other)}." if other else "."))


class Download:
    def __init__(self, order, hub):
        self.order = order
        self.hub = hub
        self.folder = os.path.join(order["cache"], "models--" + order["repository"].replace("/", "--"))
        self.locks = os.path.join(order["cache"], ".locks", os.path.basename(self.folder))
        self.here = 0  # bytes of files that are whole
        self.current = None

    def blob(self, file):
        return os.path.join(self.folder, "blobs", file.hash)

    def partial(self, file):
        return self.blob(file) + ".incomplete"

    def come(self, file):
        if size_of(self.blob(file)) == file.size:
            return file.size
        have = size_of(self.partial(file)) or 0
        return have if have <= file.size else 0

    def run(self):
        order, hub = self.order, self.hub
        api = hub.HfApi()
        info = self.patiently(lambda: api.model_info(order["repository"], revision="main", files_metadata=True), lambda: None)
        if not re.fullmatch("[0-9a-zA-Z]{1,64}", info.sha or ""):
            raise Failed("hub_unreachable", "The Hub does not say which revision it has.")
        files, choice, first = choose([File(s) for s in info.siblings or [] if is_safe(s.rfilename)], order.get("part"), order["kinds"])
        total = sum(f.size for f in files)
        left = total - sum(self.come(f) for f in files)
        say("plan", total=total, done=total - left, choice=choice)
        for folder in ("blobs", "refs", os.path.join("snapshots", info.sha)):
            os.makedirs(os.path.join(self.folder, folder), exist_ok=True)
        os.makedirs(self.locks, exist_ok=True)
        free = shutil.disk_usage(self.folder).free
        if left > free:
            raise Failed("insufficient_disk", f"{gigabytes(left)} are still to come, and the disk of {order['cache']} has {gigabytes(free)} left. Make room, or let HF_HOME name a folder on a larger disk.")
        threading.Thread(target=self.tell, daemon=True).start()
        snapshot = os.path.join(self.folder, "snapshots", info.sha)
        for file in files:
            with hub.WeakFileLock(os.path.join(self.locks, file.hash + ".lock")):
                self.current = file
                if size_of(self.blob(file)) != file.size:
                    self.fetch(file, info.sha)
                self.current, self.here = None, self.here + file.size
            point(os.path.join(snapshot, file.name), self.blob(file))
        # Last: whoever serves an older revision goes on with it until the new one is whole.
        write(os.path.join(self.folder, "refs", "main"), info.sha)
        say("done", path=os.path.join(snapshot, first) if first else snapshot)

    def fetch(self, file, commit):
        partial = self.partial(file)
        while True:
            resumed = (size_of(partial) or 0) > 0
            self.patiently(lambda: self.transfer(file, commit), lambda: size_of(partial))
            say("verifying", file=file.name)
            found = file.digest(partial)
            if found == file.hash:
                os.replace(partial, self.blob(file))
                return
            os.remove(partial)
            if not resumed:
                kind = "SHA-256" if file.sha256 else "hash"
                raise Failed("hub_checksum", f"The file {file.name} came with the {kind} {found}, and the Hub says {file.hash}. It was removed; try again, and if it stays so, the source cannot be trusted.")
            # What an earlier run had left may have been the damaged part.
            say("retry", file=file.name, reason="what was left of an earlier download does not fit the rest; it comes anew")

    def transfer(self, file, commit):
        have = size_of(self.partial(file)) or 0
        with open(self.partial(file), "r+b" if have else "wb", buffering=0) as out:
            if have > file.size:
                out.truncate(0)
                have = 0
            if have == file.size:
                return
            out.seek(have)
            url = self.hub.hf_hub_url(self.order["repository"], file.name, revision=commit)
            self.hub.http_get(url, out, resume_size=have, headers=self.hub.build_hf_headers(), expected_size=file.size, displayed_filename=file.name, _nb_retries=0)

    def patiently(self, act, progress):
        """Does it again after a pause as long as it fails for a reason that may pass; without progress so and so often at most."""
        failures = breaks = 0
        while True:
            before = progress()
            try:
                return act()
            except Exception as error:
                reason = self.reason(error)
                breaks += 1
                failures = 1 if progress() not in (before, None) else failures + 1
                if failures >= self.order["attempts"] or breaks >= MOST_BREAKS:
                    what = f" while {self.current.name} came" if self.current else ""
                    raise Failed("hub_unreachable", f"The Hub at {self.hub.endpoint} could not be reached{what}, {failures} times in a row: {reason}. What has come is kept; the next download goes on from there.") from error
                say("retry", file=self.current.name if self.current else None, reason=reason)
                time.sleep(min(self.order["pause"] * 2 ** (failures - 1), LONGEST_PAUSE))

    def reason(self, error):
        """What may pass, in a few words. Raises where it will not."""
        repository, endpoint = self.order["repository"], self.hub.endpoint
        names = {c.__name__ for c in type(error).__mro__}
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(error, Failed):
            raise error
        if "OfflineModeIsEnabled" in names:
            raise Failed("hub_offline", "HF_HUB_OFFLINE is set in the gateway's environment, so nothing is fetched. Start it without that.")
        if "GatedRepoError" in names:
            raise Failed("hub_gated", f"Its authors give '{repository}' only to those who have accepted their terms: accept them at {endpoint}/{repository}, and start the gateway with HF_TOKEN set to a token of that account.")
        if "RepositoryNotFoundError" in names or "DisabledRepoError" in names:
            raise Failed("hub_not_found", f"The Hub at {endpoint} has no model '{repository}', or it is private. If it is private, start the gateway with HF_TOKEN set to a token that may read it.")
        if "RevisionNotFoundError" in names or "EntryNotFoundError" in names:
            raise Failed("hub_not_found", f"The Hub at {endpoint} does not have all of '{repository}' that it lists. Try again: it may have been changed in this moment.")
        if "HFValidationError" in names:
            raise Failed("invalid_request", f"'{repository}' is not the name of a repository.")
        if status in (401, 403):
            raise Failed("hub_forbidden", f"The Hub at {endpoint} does not let the gateway read '{repository}' (HTTP {status}). Start the gateway with HF_TOKEN set to a token that may, or without one that has expired.")
        if status in (404, 410):  # a mirror says no more than that
            raise Failed("hub_not_found", f"The Hub at {endpoint} does not have " + (f"the file {self.current.name} of '{repository}' that it lists." if self.current else f"'{repository}' (HTTP {status})."))
        if status is not None and 400 <= status < 500 and status not in (408, 416, 429):
            raise Failed("hub_refused", f"The Hub at {endpoint} answered HTTP {status} for '{repository}'.")
        if status is not None:
            return f"HTTP {status}"
        if isinstance(error, OSError) and error.errno in (28, 122):  # no space, over quota
            raise Failed("insufficient_disk", f"The disk of {self.order['cache']} is full. Make room; what has come is kept.")
        if isinstance(error, OSError) and error.errno in (1, 13, 30):
            raise Failed("cache_not_writable", f"The gateway may not write into {self.order['cache']} ({error.strerror}).")
        if names & {"TypeError", "AttributeError", "NameError", "KeyError", "ImportError"}:
            raise error
        return " ".join(str(error).split())[:200] or type(error).__name__

    def tell(self):
        last = None
        while True:
            time.sleep(GLANCE)
            file, here = self.current, self.here
            done = here + (self.come(file) if file else 0)
            if (done, file) != last and file:
                last = (done, file)
                say("progress", done=done, file=file.name, at=time.monotonic())


def point(link, blob):
    """Names a blob in a snapshot, in one step, so that nobody sees half of it."""
    os.makedirs(os.path.dirname(link), exist_ok=True)
    temporary = link + ".mlxgateway"
    if os.path.lexists(temporary):
        os.remove(temporary)
    try:
        os.symlink(os.path.relpath(blob, os.path.dirname(link)), temporary)
    except OSError:
        shutil.copyfile(blob, temporary)  # a file system without links
    os.replace(temporary, link)


def write(path, text):
    with open(path + ".mlxgateway", "w", encoding="ascii") as out:
        out.write(text)
    os.replace(path + ".mlxgateway", path)


class Hub:
    """What is used of huggingface_hub. It is the same in all versions that engines of these years come with."""

    def __init__(self):
        from huggingface_hub import HfApi, constants, hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import WeakFileLock, build_hf_headers

        constants.DOWNLOAD_CHUNK_SIZE = BLOCK
        self.HfApi, self.hf_hub_url, self.http_get, self.WeakFileLock, self.build_hf_headers = HfApi, hf_hub_url, http_get, WeakFileLock, build_hf_headers
        self.endpoint = constants.ENDPOINT


def main():
    order = json.loads(sys.argv[1])
    try:
        try:
            hub = Hub()
        except ImportError as error:
            raise Failed("hub_client_missing", f"The huggingface_hub of {sys.executable} cannot be used: {error}. Upgrade it with: {sys.executable} -m pip install --upgrade huggingface_hub") from error
        try:
            Download(order, hub).run()
        except OSError as error:
            Download(order, hub).reason(error)
            raise
    except Failed as failed:
        say("failed", code=failed.code, message=str(failed))
        sys.stdout.flush()
        os._exit(1)


main()
