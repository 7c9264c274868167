"""The page's style sheet. The figures' neutral colours are its variables."""

from __future__ import annotations

from legato.report.palette import DARK, NAMES


def _variables(dark: bool) -> str:
    told = (f"--{name}: {DARK[light] if dark else light}" for light, name in NAMES.items())
    return "; ".join(told)


_FONTS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'

STYLE = f"""
:root {{ color-scheme: light dark; {_variables(dark=False)};
  --panel: #f6f8fa; --accent: #0072b2; --bad: #a63f00; }}
@media screen and (prefers-color-scheme: dark) {{
  :root {{ {_variables(dark=True)}; --panel: #1c2229; --accent: #7cc4f2; --bad: #ff9f5a; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 1160px; padding: 2rem 1.25rem 4rem; background: var(--surface);
  color: var(--ink); line-height: 1.5;
  font-family: {_FONTS}; }}
h1 {{ font-size: 1.55rem; line-height: 1.2; margin: 0 0 .2rem; letter-spacing: -.01em; }}
h2 {{ font-size: 1.2rem; margin: 2.6rem 0 .3rem; letter-spacing: -.005em; }}
h3 {{ font-size: 1rem; margin: 2rem 0 .2rem; }}
p {{ margin: .4rem 0; max-width: 75ch; }}
a {{ color: var(--accent); }}
.made, .note, .words, figcaption {{ color: var(--muted); }}
.made {{ font-size: .92rem; max-width: none; }}
.made span {{ white-space: nowrap; }}
.verdict {{ font-size: 1.18rem; font-weight: 600; margin: 1.4rem 0 .8rem; max-width: none;
  padding: .1rem 0 .1rem .8rem; border-left: 5px solid #009e73; }}
.verdict.broken {{ border-left-color: #d55e00; }}
.verdict.unheard {{ border-left-color: var(--muted); }}
.cards {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(7.9rem, 1fr)); gap: .6rem;
  margin: 0 0 1rem; }}
.cards div {{ background: var(--panel); border-radius: .5rem; padding: .55rem .8rem .6rem; }}
.cards dt {{ font-size: .8rem; color: var(--muted); line-height: 1.3; }}
.cards dd {{ margin: .1rem 0 0; font-size: 1.35rem; font-weight: 600; line-height: 1.2;
  font-variant-numeric: tabular-nums; }}
.notes {{ background: var(--panel); border-radius: .5rem; margin: 1rem 0;
  padding: .5rem 1rem .6rem 2rem; }}
figure {{ margin: 1rem 0 1.4rem; }}
.scroll {{ overflow-x: auto; }}
figure svg {{ display: block; width: 100%; min-width: 640px; height: auto; }}
figure svg * {{ stroke-linejoin: round; }}
figure svg text {{ font-family: {_FONTS} !important; font-variant-numeric: tabular-nums; }}
figure svg .tip:hover {{ opacity: .7; }}
figcaption {{ font-size: .88rem; margin-top: .3rem; max-width: 90ch; }}
table {{ border-collapse: collapse; font-size: .9rem; margin: .6rem 0;
  font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; white-space: nowrap; color: var(--muted); font-size: .88rem;
  padding-bottom: .3rem; }}
th, td {{ padding: .28rem .9rem .28rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--grid); }}
thead th {{ font-weight: 600; font-size: .82rem; color: var(--muted); vertical-align: bottom; }}
tbody th {{ font-weight: 400; white-space: pre-wrap; }}
.wide {{ min-width: 46rem; }}
.number {{ text-align: right; white-space: nowrap; }}
.cause {{ white-space: nowrap; }}
.swatch {{ display: inline-block; width: .8em; height: .8em; border: 1px solid var(--ink);
  margin-right: .4em; vertical-align: -.05em; }}
summary {{ cursor: pointer; color: var(--accent); margin: .5rem 0; }}
nav {{ font-size: .92rem; margin: .6rem 0 0; }}
nav a {{ margin-right: 1rem; white-space: nowrap; }}
footer {{ margin-top: 3rem; padding-top: .8rem; color: var(--muted);
  border-top: 1px solid var(--grid); font-size: .88rem; }}
@media (max-width: 640px) {{
  body {{ padding: 1.2rem .9rem 3rem; }} .cards dd {{ font-size: 1.15rem; }}
  table {{ font-size: .84rem; }}
}}
@page {{ margin: 13mm; }}
@media print {{
  body {{ max-width: none; padding: 0; font-size: 10pt; }}
  h2 {{ margin-top: 1.4rem; }} p {{ max-width: none; }} nav, summary {{ display: none; }}
  figure, tr, .cards {{ break-inside: avoid; }} h2, h3 {{ break-after: avoid; }}
  figure svg {{ max-height: 235mm; }} caption {{ break-after: avoid; }}
  figure svg, .wide {{ min-width: 0; }} .scroll {{ overflow: visible; }}
  .verdict {{ margin-top: .8rem; }} .cards {{ grid-template-columns: repeat(8, 1fr); gap: .3rem; }}
  .cards div {{ padding: .3rem .5rem; }} .cards dt {{ font-size: .68rem; }}
  .cards dd {{ font-size: .95rem; }} .cards div, .notes {{ border: 1px solid #c8ced4; }}
}}
""".strip()
