"""XTTS v2 in plain PyTorch: models, tokenizer and the engine that batches them.

Everything here is float32, and imports neither the native module nor any other TTS package.
"""
