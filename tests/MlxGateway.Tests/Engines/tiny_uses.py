"""Writes tiny models that do not chat, with weights at random, as mlx_vlm loads them: tiny_uses.py FOLDER. Run by a Python that has mlx_vlm.

vectors (BERT), vectors-embedding (Qwen3, which nothing but its name tells from one that chats), ranks (BERT with one label), hears (wav2vec 2, MMS),
speaks (Soprano, whose code needs a package that mlx_vlm does not bring), unlike (BERT whose files do not belong together).
"""
import importlib
import json
import os
import sys

import mlx.core as mx
from mlx.utils import tree_flatten

mx.set_default_device(mx.cpu)
mx.random.seed(7)
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hi", "hello", "world", "cat", "dog", "paris", "france"]
LENGTH = 64
BERT = {
    "model_type": "bert", "vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": LENGTH, "type_vocab_size": 2, "pad_token_id": 0,
}


def tokenizer():
    mark = lambda text, kind: {"SpecialToken": {"id": text, "type_id": kind}}
    part = lambda name, kind: {"Sequence": {"id": name, "type_id": kind}}
    start, end = mark("[CLS]", 0), mark("[SEP]", 0)
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": w, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True} for i, w in enumerate(WORDS[:5])],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing", "single": [start, part("A", 0), end], "pair": [start, part("A", 0), end, part("B", 1), mark("[SEP]", 1)],
            "special_tokens": {w: {"id": w, "ids": [WORDS.index(w)], "tokens": [w]} for w in ("[CLS]", "[SEP]")},
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {w: i for i, w in enumerate(WORDS)}},
    }


def write(name, config, weights, **files):
    folder = os.path.join(sys.argv[1], name)
    os.makedirs(folder)
    mx.save_safetensors(os.path.join(folder, "model.safetensors"), weights)
    words = {"tokenizer_class": "BertTokenizer", "model_max_length": LENGTH, **{f"{n}_token": f"[{n.upper()}]" for n in ("unk", "sep", "pad", "cls", "mask")}}
    for file, content in {"config.json": config, "tokenizer.json": tokenizer(), "tokenizer_config.json": words, **files}.items():
        with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
            json.dump(content, out)


def weights_of(module, config, kind="Model"):
    code = importlib.import_module(module)
    model = getattr(code, kind)(code.ModelConfig.from_dict(config))
    return {name: mx.random.normal(value.shape) * 0.5 if value.ndim > 1 else value for name, value in tree_flatten(model.parameters())}


write("vectors", {**BERT, "architectures": ["BertModel"]}, weights_of("mlx_vlm.models.bert", BERT))
write("unlike", {**BERT, "architectures": ["BertModel"], "num_hidden_layers": 3}, weights_of("mlx_vlm.models.bert", BERT))
ranks = {**BERT, "architectures": ["BertForSequenceClassification"], "num_labels": 1}
write("ranks", ranks, weights_of("mlx_vlm.models.bert", ranks, "SequenceClassificationModel"))
qwen = {
    "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8,
    "intermediate_size": 32, "max_position_embeddings": LENGTH, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": True,
}
write("vectors-embedding", qwen, weights_of("mlx_vlm.models.qwen3_embedding", qwen))
hears = {
    "model_type": "mms", "architectures": ["Wav2Vec2ForCTC"], "vocab_size": 8, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2, "do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True,
}
sound = weights_of("mlx_audio.stt.models.mms.mms", hears)
for key in [k for k in sound if k.endswith((".conv.weight", ".weight_v", ".weight_g"))]:
    sound[key] = mx.contiguous(sound[key].swapaxes(1, 2))  # as the design was published
write("hears", hears, sound, **{"vocab.json": {"<pad>": 0, "<s>": 1, "</s>": 2, "|": 3, "a": 4, "b": 5, "c": 6, "d": 7}})
speaks = {**qwen, "model_type": "soprano", "architectures": ["SopranoModel"]}
write("speaks", speaks, {"language_model.norm.weight": mx.ones(16)})
