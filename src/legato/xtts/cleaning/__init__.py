"""From text as people write it to text as XTTS was trained on it.

Numbers, symbols and abbreviations in words; Chinese, Japanese and Korean in Latin letters.
"""

from legato.xtts.cleaning.cleaner import clean_text

__all__ = ["clean_text"]
