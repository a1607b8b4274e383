// The style sheet of a drill's report: light and dark, phone and desktop, screen and print.

export const REPORT_STYLE = `
:root {
  --paper: oklch(0.958 0.017 80); --lit: oklch(0.99 0.012 88); --quiet: oklch(0.918 0.022 76);
  --ink: oklch(0.235 0.03 330); --soft: oklch(0.435 0.03 335); --line: oklch(0.84 0.02 70);
  --good: oklch(0.5 0.1 150); --end: oklch(0.505 0.185 22);
  --people: oklch(0.62 0.15 50); --stage: oklch(0.46 0.15 288); --edge: oklch(0.62 0.15 50);
  --api: oklch(0.6 0.09 200); --parent: oklch(0.55 0.03 330); --generator: oklch(0.78 0.05 75);
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: oklch(0.205 0.022 325); --lit: oklch(0.262 0.03 325); --quiet: oklch(0.3 0.03 322);
    --ink: oklch(0.945 0.018 82); --soft: oklch(0.785 0.025 60); --line: oklch(0.38 0.03 325);
    --good: oklch(0.8 0.12 150); --end: oklch(0.735 0.15 24);
    --people: oklch(0.78 0.13 70); --stage: oklch(0.74 0.12 292); --edge: oklch(0.76 0.13 65);
    --api: oklch(0.75 0.09 200); --parent: oklch(0.7 0.03 330); --generator: oklch(0.48 0.05 60);
  }
}
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); font: 400 1rem/1.5 "Bricolage Grotesque", "Segoe UI", system-ui, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word; -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 70rem; padding: 24px 16px 72px; }
@media (min-width: 48rem) { body { padding: 56px 40px 96px; } }
p { max-width: 68ch; margin: 0 0 8px; }
.what { color: var(--soft); max-width: none; margin: 0 0 32px; }
.what b { color: var(--ink); font-weight: 600; }
h1 { font-size: clamp(2.2rem, 1.2rem + 4.6vw, 4.3rem); line-height: 1.02; letter-spacing: -0.028em; font-weight: 700; margin: 0 0 16px; text-wrap: balance; max-width: 20ch; }
.lead { font-size: 1.2rem; line-height: 1.45; text-wrap: pretty; }
.bad { color: var(--end); }
.rehearsal { margin: 24px 0 0; padding: 12px 16px; background: var(--quiet); border-radius: 8px; max-width: 68ch; }
h2 { font-size: 1.44rem; line-height: 1.2; letter-spacing: -0.012em; margin: 64px 0 8px; }
h2 + p { color: var(--soft); margin-bottom: 24px; }
.after { margin-top: 32px; }
figure { margin: 0; }
.chart { min-width: 0; }
.large { margin-top: 48px; }
figcaption { margin-bottom: 12px; line-height: 1.35; }
figcaption b { display: block; font-weight: 600; }
figcaption > span { color: var(--soft); font-size: 0.875rem; display: block; min-height: 1.35em; }
.legend { margin-top: 2px; }
.legend > span { display: inline-block; margin-right: 14px; }
.legend i { display: inline-block; width: 12px; height: 10px; border-radius: 2px; margin-right: 6px; background: var(--key); }
.legend i.line { height: 3px; vertical-align: middle; }
.legend i.dashed { height: 0; border-top: 2px dashed var(--key); background: none; vertical-align: middle; border-radius: 0; }
.plot { position: relative; height: 150px; margin: 0 0 28px 52px; }
.large .plot { height: clamp(220px, 34vw, 380px); }
svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
svg path { vector-effect: non-scaling-stroke; fill: none; }
.grid { stroke: var(--line); stroke-width: 1; }
.line { stroke-width: 2; stroke-linejoin: round; }
svg .area { stroke: none; opacity: 0.92; }
.limit { stroke: var(--end); stroke-width: 1.5; stroke-dasharray: 2 4; }
.mark { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 1 3; }
.plot span { position: absolute; font-size: 0.75rem; color: var(--soft); line-height: 1; white-space: nowrap; }
.y { right: 100%; margin-right: 8px; transform: translateY(-50%); }
.x { top: 100%; margin-top: 8px; transform: translateX(-50%); }
.plot .flag { top: 0; transform: translate(-50%, -60%); background: var(--ink); color: var(--paper); min-width: 18px; text-align: center; padding: 3px 5px; border-radius: 9px; font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 32px 48px; margin-top: 32px; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 24px 32px; margin: 40px 0 0; padding: 0; }
.numbers div { border-top: 2px solid var(--ink); padding-top: 8px; }
dt { color: var(--soft); font-size: 0.875rem; line-height: 1.3; }
dd { margin: 0; font-size: 1.73rem; line-height: 1.25; letter-spacing: -0.02em; font-weight: 600; }
dd small { display: block; font-size: 0.875rem; font-weight: 400; letter-spacing: 0; color: var(--soft); line-height: 1.35; }
.scroll { overflow-x: auto; margin: 0 -16px; padding: 0 16px; }
table { border-collapse: collapse; width: 100%; font-size: 0.9375rem; line-height: 1.35; }
th { text-align: left; font-weight: 400; color: var(--soft); font-size: 0.8125rem; vertical-align: bottom; }
th, td { padding: 8px 16px 8px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; white-space: nowrap; }
td .no { display: inline-block; min-width: 20px; text-align: center; background: var(--ink); color: var(--paper); border-radius: 10px; font-size: 0.75rem; font-weight: 600; line-height: 20px; margin-right: 8px; }
@media (max-width: 40rem) {
  table.stacks thead { display: none; }
  table.stacks tr { display: block; padding: 12px 0; border-bottom: 1px solid var(--line); }
  table.stacks td { display: flex; justify-content: space-between; gap: 16px; border: 0; padding: 2px 0; text-align: right; white-space: normal; }
  table.stacks td::before { content: attr(data-is); color: var(--soft); text-align: left; }
  table.stacks td.none { display: none; }
  table.stacks td:first-child { display: block; text-align: left; font-weight: 600; }
  table.stacks td:first-child::before { content: none; }
}
footer { margin-top: 72px; color: var(--soft); font-size: 0.875rem; }
footer p { max-width: 80ch; }
@media print { body { max-width: none; padding: 0; } h2 { break-after: avoid; } figure, tr { break-inside: avoid; } }
`;
