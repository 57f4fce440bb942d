"""Says in one line of JSON what this Python has of MLX and MLC. Run by the gateway with -c; whatever else the imports print does not matter."""
import importlib
import importlib.util
import json
import os
import re
import sys

try:
    import resource

    # mlx_lm sets its limit of open files when it is imported, and dies where it may not: the companion bears that, so it is no reason here.
    resource.setrlimit = lambda *_: None
except ImportError:
    pass

MODULES = {"mlx": "mlx.core", "mlx_lm": "mlx_lm.server", "mlx_vlm": "mlx_vlm", "huggingface_hub": "huggingface_hub"}


def version_of(name, stamps):
    try:
        from importlib import metadata

        found = metadata.distribution(name.replace("_", "-"))
        stamps.append(str(getattr(found, "_path", "")))
        return found.version
    except Exception:
        return None


def mlc(stamps):
    # Not imported: that loads a compiler, which takes longer than all else here, and must not make the others late.
    try:
        spec = importlib.util.find_spec("mlc_llm")
        if spec is None:
            return None
        if importlib.util.find_spec("tvm") is None:
            return {"failure": "ModuleNotFoundError: No module named 'tvm', which comes with the packages mlc-ai-…"}
        from importlib import metadata

        # Each build has a package of another name: mlc-llm-nightly-cpu, mlc-llm-nightly-cu128.
        for found in metadata.distributions():
            if (found.metadata["Name"] or "").replace("_", "-").startswith("mlc-llm"):
                stamps.append(str(getattr(found, "_path", "")))
                return {"version": found.version}
        stamps.append(os.path.dirname(spec.origin or ""))
        return {"version": "of unknown version"}
    except BaseException as error:
        return {"failure": (type(error).__name__ + ": " + " ".join(str(error).split()))[:400]}


def look(name, stamps):
    try:
        if importlib.util.find_spec(name) is None:
            return None
        version = version_of(name, stamps)
        module = importlib.import_module(MODULES[name])
        return {"version": version or "of unknown version", "options": options(name, module)}
    except BaseException as error:
        return {"failure": (type(error).__name__ + ": " + " ".join(str(error).split()))[:400]}


def options(name, module):
    """The options of the server's command line, by its text: to import it takes seconds."""
    if name != "mlx_vlm":
        return None
    for place in ("server/cli.py", "server.py"):
        try:
            with open(os.path.join(os.path.dirname(module.__file__), place), encoding="utf-8") as file:
                return sorted(set(re.findall(r"[\"'](--[a-z][a-z0-9-]*)[\"']", file.read())))
        except OSError:
            continue
    return None


def device():
    try:
        import mlx.core as mx

        known = mx.device_info() if hasattr(mx, "device_info") else mx.metal.device_info()
        return {"name": known.get("device_name"), "recommended_working_set": known.get("max_recommended_working_set_size"), "memory": known.get("memory_size")}
    except Exception:
        return {}


stamps = [folder for folder in sys.path if folder.endswith("-packages") and os.path.isdir(folder)]
modules = {name: look(name, stamps) for name in MODULES}
modules["mlc_llm"] = mlc(stamps)
answer = {"python": sys.version.split()[0], "modules": modules, "device": device() if modules["mlx"] else {}, "stamps": [s for s in stamps if s]}
sys.stdout.flush()
os.write(1, ("\nmlxgateway " + json.dumps(answer) + "\n").encode())
os._exit(0)
