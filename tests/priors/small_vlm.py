"""Qwen-VL models of the real architecture, small and with random weights."""

from pathlib import Path

import torch
from tokenizers import pre_tokenizers

CPU = torch.device("cpu")
TOKENS = ["<|endoftext|>", "<|im_end|>", "<|im_start|>", "<|vision_start|>", "<|vision_end|>",
          "<|image_pad|>", "<|video_pad|>"]  # fmt: skip
TEMPLATE = """{% for message in messages %}<|im_start|>{{ message.role }}
{% for part in message.content %}{% if part.type == "image" %}<|vision_start|><|image_pad|><|vision_end|>
{%- else %}{{ part.text }}{% endif %}{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
# What a model is loaded with.
LOADED = {"precision": "fp32", "max_new_tokens": 6, "max_pixels": 2**16}


def make_model(folder: Path, family: str) -> Path:
    """A model of the real architecture with random weights; every byte is a token."""
    import transformers

    newer = family == "qwen3_vl"
    name = "Qwen3VL" if newer else "Qwen2_5_VL"
    patch = 16 if newer else 14
    letters = {
        letter: row for row, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))
    }
    tokenizer = transformers.Qwen2Tokenizer(vocab=letters, merges=[], eos_token=TOKENS[1])
    tokenizer.add_special_tokens({"additional_special_tokens": TOKENS})
    ids = dict(zip(TOKENS, tokenizer.convert_tokens_to_ids(TOKENS), strict=True))
    videos = "Qwen3VLVideoProcessor" if newer else "Qwen2VLVideoProcessor"
    getattr(transformers, f"{name}Processor")(
        transformers.Qwen2VLImageProcessor(
            patch_size=patch, size={"shortest_edge": 1024, "longest_edge": 2**24},
            image_mean=[0.5] * 3, image_std=[0.5] * 3,
        ),
        tokenizer, getattr(transformers, videos)(), chat_template=TEMPLATE,
    ).save_pretrained(folder)  # fmt: skip
    text = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
        "initializer_range": 0.3, "bos_token_id": None, "eos_token_id": ids["<|im_end|>"],
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [4, 2, 2]},
    }  # fmt: skip
    vision = {
        "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "patch_size": patch,
        "out_hidden_size": 32, "initializer_range": 0.3,
    }  # fmt: skip
    if newer:
        text |= {"head_dim": 16}
        vision |= {"num_position_embeddings": 16, "deepstack_visual_indexes": [0]}
    else:
        vision |= {"fullatt_block_indexes": [1], "window_size": 112}
    places = {f"{key}_token_id": ids[f"<|{key}{end}|>"] for key, end in (
        ("image", "_pad"), ("video", "_pad"), ("vision_start", ""), ("vision_end", ""))}  # fmt: skip
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(
        text_config=text, vision_config=vision, **places
    )
    model = getattr(transformers, f"{name}ForConditionalGeneration")(config)
    # As released folders do, it asks for sampling and penalties, which are not to be taken.
    model.generation_config.update(
        do_sample=True, top_k=20, temperature=0.7, repetition_penalty=9.0
    )
    model.generation_config.eos_token_id = ids["<|im_end|>"]
    model.save_pretrained(folder)
    return folder
