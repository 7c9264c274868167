"""Chinese, Japanese and Korean in Latin letters, the only form in which XTTS reads them.

Each language needs a package of its own, which an extra of Legato's brings.
"""
