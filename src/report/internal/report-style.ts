/** Of the report's page. Colours are told apart by their brightness, too; text has a contrast of at least 4.5 in both schemes. */
export const reportStyle = `
:root { color-scheme: light dark; --page: #fbfbf9; --card: #fff; --ink: #1d2126; --soft: #5a626b; --edge: #dcdfe3; --grid: #e7e9ec;
  --c0: #2f6db5; --c1: #c8442f; --c2: #d69a1b; --c3: #2f8f6b; --c4: #7a57b8; --c5: #8a929b; --c6: #b5457f; --c7: #17707f; }
@media (prefers-color-scheme: dark) { :root { --page: #15181c; --card: #1d2126; --ink: #e8eaed; --soft: #a3abb4; --edge: #343a42; --grid: #2a2f36;
  --c0: #6ea8ec; --c1: #f0826c; --c2: #e9bd58; --c3: #5fc69b; --c4: #b597ec; --c5: #8f979f; --c6: #ea86b8; --c7: #56b6c6; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem clamp(0.75rem, 3vw, 2rem) 3rem; max-width: 72rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.25rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 0.75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 0.5rem; }
p { margin: 0 0 0.75rem; }
.soft, figcaption .legend, caption { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.75rem; margin: 1.25rem 0; padding: 0; }
.cards > div { background: var(--card); border: 1px solid var(--edge); border-radius: 8px; padding: 0.7rem 0.9rem; }
.cards dt { color: var(--soft); font-size: 0.85rem; }
.cards dd { margin: 0; font-size: 1.45rem; font-weight: 600; line-height: 1.3; }
.cards dd small { display: block; font-size: 0.8rem; font-weight: 400; color: var(--soft); }
.cards .bad dd { color: var(--c1); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(28rem, 100%), 1fr)); gap: 1rem; align-items: start; }
.plot, .box { margin: 0; background: var(--card); border: 1px solid var(--edge); border-radius: 8px; padding: 0.8rem 0.9rem; min-width: 0; }
.box + .box, .after { margin-top: 1rem; }
figcaption { font-weight: 600; display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; margin-bottom: 0.6rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.1rem 0.9rem; font-weight: 400; font-size: 0.85rem; }
.legend span { display: inline-flex; align-items: center; gap: 0.35rem; }
.swatch { display: inline-block; width: 0.75em; height: 0.75em; border-radius: 2px; margin-right: 0.3em; background: var(--c); }
.legend .swatch { margin: 0; }
.dash { display: inline-block; width: 1.2em; border-top: 3px solid var(--c); }
.dash.c1 { border-top-style: dashed; } .dash.c2 { border-top-style: dotted; }
.frame { display: grid; grid-template-columns: auto 1fr; column-gap: 0.5rem; }
.frame svg { width: 100%; height: 11rem; display: block; overflow: visible; }
.y, .x { display: flex; justify-content: space-between; color: var(--soft); font-size: 0.78rem; line-height: 1; }
.y { flex-direction: column; text-align: right; margin: -0.39em 0; white-space: nowrap; }
.x { grid-column: 2; padding-top: 0.45rem; gap: 0.5rem; }
.grid { stroke: var(--grid); stroke-width: 1; vector-effect: non-scaling-stroke; }
.line { fill: none; stroke: var(--c); stroke-width: 2; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.line.c1 { stroke-dasharray: 7 4; } .line.c2 { stroke-dasharray: 2 3; }
.layer, rect { fill: var(--c); }
.layer { shape-rendering: crispEdges; }
${Array.from({ length: 8 }, (_, at) => `.c${String(at)} { --c: var(--c${String(at)}); }`).join(' ')}
.scroll { overflow-x: auto; max-width: 100%; }
details { margin-top: 0.6rem; font-size: 0.9rem; }
details .scroll { max-height: 20rem; overflow: auto; }
summary { cursor: pointer; color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
caption { text-align: left; padding-bottom: 0.3rem; }
th, td { padding: 0.28rem 0.6rem 0.28rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--grid); }
thead th, thead td { color: var(--soft); font-weight: 500; vertical-align: bottom; }
tbody th { font-weight: 400; }
tbody th[scope=row] { min-width: 6.5rem; }
tbody tr:last-child > * { border-bottom: 0; }
.number { text-align: right; white-space: nowrap; }
th .swatch { display: block; margin: 0 0 0.2rem auto; }
.box > h3:first-child { margin-top: 0; }
th.number { white-space: normal; overflow-wrap: normal; }
.bars th[scope=row] { max-width: 22rem; }
.bars.cross thead .number { min-width: 4.5rem; }
.bars.cross th[scope=row] { min-width: 12rem; } .bars.cross .bar { width: 26%; }
.failures th, .failures td { min-width: 7rem; } .failures td:last-child { min-width: 16rem; }
.failures td:nth-child(2) { white-space: nowrap; }
.bar { width: 40%; min-width: 6rem; vertical-align: middle; }
.bar svg { display: block; width: 100%; height: 0.85rem; border-radius: 2px; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; margin: 0; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; }
:focus-visible { outline: 2px solid var(--c0); outline-offset: 2px; }
@media (max-width: 30rem) { .failures thead { display: none; } .failures tr { display: block; padding: 0.4rem 0; border-bottom: 1px solid var(--grid); } .failures tbody tr > * { display: block; white-space: normal; border: 0; padding: 0; min-width: 0; } .failures tbody th { font-weight: 600; } .bars.cross th[scope=row] { min-width: 7rem; } .frame svg { height: 8.5rem; } .facts { grid-template-columns: 1fr; } .facts dd { margin-bottom: 0.4rem; } .cards { grid-template-columns: 1fr 1fr; gap: 0.5rem; } .cards dd { font-size: 1.2rem; } }
@media print { body { max-width: none; } .plot, .box { break-inside: avoid; } details { display: none; } }
`;
