/** Style and the one small script of the HTML report, inlined so that the file stands alone. */

export const STYLE = `
:root { color-scheme: light dark; --fg: #1b1f24; --bg: #ffffff; --soft: #f3f5f7; --line: #d5dae0; --good: #14713a; --bad: #b3261e; --warn: #8a5a00; --kit: #6f35a5; --muted: #5d6773; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6e9ed; --bg: #14171a; --soft: #1d2125; --line: #353b42; --good: #5fce8a; --bad: #ff8a80; --warn: #e8b04a; --kit: #c9a0f0; --muted: #9aa4af; --link: #8ab4f8; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg); }
main, header { max-width: 1080px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 28px; } h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 36px 0 10px; } h3 { font-size: 15px; margin: 18px 0 4px; }
a { color: var(--link); } code, pre, .mono { font: 13px/1.5 ui-monospace, monospace; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px; overflow-x: auto; margin: 6px 0; }
.meta { color: var(--muted); } .banner { margin: 18px 0; padding: 14px 18px; border-radius: 8px; border: 1px solid var(--line); background: var(--soft); font-size: 17px; }
.banner.good { border-left: 6px solid var(--good); } .banner.bad { border-left: 6px solid var(--bad); }
td:nth-child(2) { white-space: nowrap; } table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: 5px 10px; border-bottom: 1px solid var(--line); vertical-align: top; } th { color: var(--muted); font-weight: 600; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); } .kit { color: var(--kit); } .muted { color: var(--muted); } .verdict { font-weight: 600; white-space: nowrap; }
details { border: 1px solid var(--line); border-radius: 8px; margin: 8px 0; padding: 0 14px; } details[open] { padding-bottom: 14px; } summary { cursor: pointer; padding: 9px 0; display: flex; gap: 12px; align-items: baseline; } summary .id { font: 13px ui-monospace, monospace; } summary .title { flex: 1; } summary::-webkit-details-marker { display: none; }
details:target { outline: 2px solid var(--link); } blockquote { margin: 6px 0; padding: 6px 14px; border-left: 4px solid var(--line); background: var(--soft); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 16px; } @media (max-width: 700px) { .pair { grid-template-columns: 1fr; } }
.matrix { display: flex; flex-wrap: wrap; gap: 5px; } .matrix a { font: 12px ui-monospace, monospace; padding: 2px 7px; border-radius: 4px; border: 1px solid var(--line); text-decoration: none; color: inherit; background: var(--soft); } .matrix a.bad { color: #fff; background: #b3261e; } .matrix a.warn { border-color: var(--warn); } .matrix a.good { border-color: var(--good); } .matrix a.muted { opacity: .65; }
.controls { display: flex; gap: 12px; align-items: center; margin: 12px 0; flex-wrap: wrap; } .controls input[type=search] { padding: 6px 10px; border: 1px solid var(--line); border-radius: 6px; background: var(--bg); color: var(--fg); min-width: 260px; font: inherit; }
.scroll { overflow-x: auto; } svg.sequence { font: 12px ui-monospace, monospace; } svg text { fill: var(--fg); } svg .actor { font-weight: 700; } svg .time { fill: var(--muted); } svg .lane { stroke: var(--line); stroke-dasharray: 3 4; } svg .arrow { stroke: var(--fg); } svg .head, svg .dot { fill: var(--fg); } svg .marked { stroke: var(--bad); fill: var(--bad); } svg text.marked { stroke: none; font-weight: 700; }
footer { max-width: 1080px; margin: 40px auto; padding: 12px 20px; color: var(--muted); border-top: 1px solid var(--line); }
`;

/** Filters the list of checks, and opens the section that the address names. The report reads well without it. */
export const SCRIPT = `
const box = document.getElementById('filter'), red = document.getElementById('red');
function apply() { const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean); for (const d of document.querySelectorAll('details.check')) { const text = d.dataset.search; d.hidden = (red.checked && d.dataset.red !== '1') || !words.every((w) => text.includes(w)); } }
function reveal() { const id = decodeURIComponent(location.hash.slice(1)); const d = id && document.getElementById(id); if (d && d.tagName === 'DETAILS') { d.hidden = false; d.open = true; d.scrollIntoView(); } }
box.addEventListener('input', apply); red.addEventListener('change', apply); addEventListener('hashchange', reveal); reveal();
`;
