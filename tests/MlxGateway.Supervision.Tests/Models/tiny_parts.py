#!/usr/bin/env python3
"""Writes tiny GGUF files that llama-server loads: models that make vectors or ranks, and what goes with the models of the generator of tiny models (hidden size 512). Standard library only.

    tiny_parts.py embedder OUT.gguf [--context N] [--hidden N] [--feed-forward N] [--layers N] [--files N]    of the architecture bert, mean pooling
    tiny_parts.py reranker OUT.gguf [the same]
    tiny_parts.py lora OUT.gguf [--layers N] [--rank N]
    tiny_parts.py control OUT.gguf [--layers N]
    tiny_parts.py projector OUT.gguf [--hidden N] [--feed-forward N] [--layers N] [--image N]
"""
import argparse
import struct

TEXT = 512  # the hidden size of the models of the generator


class Short(int):
    """A number of 16 bits, as the numbers of a series are."""


class Signed(int):
    """A number with a sign, as the count of all tensors is."""


def write(path, values, tensors):
    """values: key -> value; tensors: name -> (shape, {flat index: value}), all of F32; what is not named is zero, and the file sparse."""
    def text(t):
        return struct.pack("<Q", len(t.encode())) + t.encode()

    def value(v):
        if isinstance(v, bool):
            return struct.pack("<IB", 7, v)
        if isinstance(v, Short):
            return struct.pack("<IH", 2, v)
        if isinstance(v, int):
            return struct.pack("<Ii", 5, v) if isinstance(v, Signed) else struct.pack("<II", 4, v)
        if isinstance(v, float):
            return struct.pack("<If", 6, v)
        if isinstance(v, str):
            return struct.pack("<I", 8) + text(v)
        kind, pack = {int: (5, lambda e: struct.pack("<i", e)), float: (6, lambda e: struct.pack("<f", e))}.get(type(v[0]), (8, text))
        return struct.pack("<IIQ", 9, kind, len(v)) + b"".join(map(pack, v))

    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(values)) + b"".join(text(k) + value(v) for k, v in values.items())
    places, end = {}, 0
    for name, (shape, _) in tensors.items():
        head += text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", n) for n in reversed(shape)) + struct.pack("<IQ", 0, end)
        places[name] = end
        size = 4
        for n in shape:
            size *= n
        end += -(-size // 32) * 32
    head += b"\0" * (-len(head) % 32)
    with open(path, "wb") as file:
        file.write(head)
        file.truncate(len(head) + end)
        for name, (_, filled) in tensors.items():
            for index, v in filled.items():
                file.seek(len(head) + places[name] + 4 * index)
                file.write(struct.pack("<f", v))


def zero(*shape):
    return list(shape), {}


def ones(n):
    return [n], {i: 1.0 for i in range(n)}


def reader(a, pooling):
    """A model that reads only. Each letter is a token of its own and has an axis of its own."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *("\u2581" + c for c in letters), *letters]
    n, h, f = len(words), a.hidden, a.feed_forward
    tensors = {
        "token_embd.weight": ([n, h], {i * h + i % h: 1.0 for i in range(n)}), "token_types.weight": zero(2, h), "position_embd.weight": zero(a.context, h),
        "token_embd_norm.weight": ones(h), "token_embd_norm.bias": zero(h)}
    for i in range(a.layers):
        b = f"blk.{i}."
        for part, shape in (("attn_q", (h, h)), ("attn_k", (h, h)), ("attn_v", (h, h)), ("attn_output", (h, h)), ("ffn_up", (f, h)), ("ffn_down", (h, f))):
            tensors |= {b + part + ".weight": zero(*shape), b + part + ".bias": zero(shape[0])}
        for part in ("attn_output_norm", "layer_output_norm"):
            tensors |= {b + part + ".weight": ones(h), b + part + ".bias": zero(h)}
    if pooling == 4:
        tensors |= {"cls.output.weight": ([1, h], {i: i / h for i in range(h)}), "cls.output.bias": zero(1)}
    values = {
        "general.architecture": "bert", "general.name": "reader", "bert.block_count": a.layers, "bert.context_length": a.context, "bert.embedding_length": h, "bert.feed_forward_length": f,
        "bert.attention.head_count": 4, "bert.attention.layer_norm_epsilon": 1e-5, "bert.attention.causal": False, "bert.pooling_type": pooling, "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.tokens": words, "tokenizer.ggml.token_type": [3] * 5 + [1] * (n - 5), "tokenizer.ggml.token_type_count": 2, "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.ggml.unknown_token_id": 1, "tokenizer.ggml.cls_token_id": 2, "tokenizer.ggml.bos_token_id": 2, "tokenizer.ggml.eos_token_id": 3,
        "tokenizer.ggml.seperator_token_id": 3, "tokenizer.ggml.mask_token_id": 4}
    if a.files == 1:
        write(a.out, values, tensors)
        return
    names = list(tensors)
    for i in range(a.files):
        split = {"split.no": Short(i), "split.count": Short(a.files), "split.tensors.count": Signed(len(names))}
        mine = {name: tensors[name] for name in names[i::a.files]}
        write(a.out.replace(".gguf", f"-{i + 1:05}-of-{a.files:05}.gguf"), (values if i == 0 else {"general.architecture": "bert"}) | split, mine)


def lora(a):
    tensors = {}
    for i in range(a.layers):
        tensors |= {f"blk.{i}.ffn_gate.weight.lora_a": zero(a.rank, TEXT), f"blk.{i}.ffn_gate.weight.lora_b": zero(a.feed_forward, a.rank)}
    write(a.out, {"general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora", "adapter.lora.alpha": 16.0}, tensors)


def control(a):
    write(a.out, {"general.architecture": "controlvector", "controlvector.model_hint": "llama", "controlvector.layer_count": a.layers}, {f"direction.{i}": zero(TEXT) for i in range(1, a.layers)})


def projector(a):
    patch, h, f = 14, a.hidden, a.feed_forward
    tensors = {
        "v.patch_embd.weight": zero(h, 3, patch, patch), "v.class_embd": zero(h), "v.position_embd.weight": zero((a.image // patch) ** 2 + 1, h), "v.pre_ln.weight": zero(h), "v.pre_ln.bias": zero(h),
        "mm.0.weight": zero(TEXT, h), "mm.0.bias": zero(TEXT), "mm.2.weight": zero(TEXT, TEXT), "mm.2.bias": zero(TEXT)}
    for i in range(a.layers):
        b = f"v.blk.{i}."
        for part, shape in (("attn_q", (h, h)), ("attn_k", (h, h)), ("attn_v", (h, h)), ("attn_out", (h, h)), ("ffn_up", (f, h)), ("ffn_down", (h, f))):
            tensors |= {b + part + ".weight": zero(*shape), b + part + ".bias": zero(shape[0])}
        for part in ("ln1", "ln2"):
            tensors |= {b + part + ".weight": zero(h), b + part + ".bias": zero(h)}
    write(a.out, {
        "general.architecture": "clip", "general.type": "mmproj", "clip.has_vision_encoder": True, "clip.projector_type": "mlp", "clip.use_gelu": True, "clip.vision.image_size": a.image,
        "clip.vision.patch_size": patch, "clip.vision.embedding_length": h, "clip.vision.feed_forward_length": f, "clip.vision.projection_dim": TEXT, "clip.vision.block_count": a.layers,
        "clip.vision.attention.head_count": 4, "clip.vision.attention.layer_norm_epsilon": 1e-5, "clip.vision.image_mean": [0.5] * 3, "clip.vision.image_std": [0.5] * 3}, tensors)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["embedder", "reranker", "lora", "control", "projector"])
    parser.add_argument("out")
    for name, standard in (("context", 512), ("hidden", 64), ("feed-forward", 256), ("layers", 2), ("rank", 8), ("image", 56), ("files", 1)):
        parser.add_argument("--" + name, type=int, default=standard)
    a = parser.parse_args()
    {"embedder": lambda: reader(a, 1), "reranker": lambda: reader(a, 4), "lora": lambda: lora(a), "control": lambda: control(a), "projector": lambda: projector(a)}[a.what]()


main()
