"use strict";

// Colours come from the style sheet, so that a figure follows the page from light to dark and onto paper.
function colours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return { ink: read("--ink"), line: read("--line"), grid: read("--grid"), card: read("--card"), soft: read("--soft") };
}

function themed(layout) {
  const c = colours();
  const changes = {
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font.color": c.ink,
    "modebar.bgcolor": "rgba(0,0,0,0)",
    "modebar.color": c.soft,
    "modebar.activecolor": c.ink,
    "hoverlabel.bgcolor": c.card,
    "hoverlabel.bordercolor": c.line,
    "hoverlabel.font.color": c.ink,
  };
  for (const name of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
    changes[name + ".gridcolor"] = c.grid;
    changes[name + ".linecolor"] = c.line;
    changes[name + ".tickcolor"] = c.line;
  }
  return changes;
}

async function draw() {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const options = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
  const drawn = [];
  for (const [index, figure] of figures.entries()) {
    const place = document.getElementById("plot-" + index);
    await Plotly.newPlot(place, figure.data, figure.layout, options);
    await Plotly.relayout(place, themed(figure.layout));
    drawn.push([place, figure.layout]);
  }
  return drawn;
}

function follow(drawn) {
  const restyle = () => drawn.forEach(([place, layout]) => Plotly.relayout(place, themed(layout)));
  const paper = (on) => {
    document.documentElement.classList.toggle("paper", on);
    restyle();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
  addEventListener("beforeprint", () => paper(true));
  addEventListener("afterprint", () => paper(false));
}

function sortBy(head) {
  const table = head.closest("table");
  const column = [...head.parentNode.children].indexOf(head);
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const key = (row) => row.children[column].textContent;
  const compare = (a, b) => {
    const difference = parseFloat(key(a)) - parseFloat(key(b));
    return Number.isNaN(difference) ? key(a).localeCompare(key(b)) : difference;
  };
  const rows = [...table.tBodies[0].rows].sort((a, b) => (down ? compare(b, a) : compare(a, b)));
  table.tBodies[0].append(...rows);
}

for (const head of document.querySelectorAll(".sortable th")) {
  head.tabIndex = 0;
  head.addEventListener("click", () => sortBy(head));
  head.addEventListener("keydown", (event) => event.key === "Enter" && sortBy(head));
}

// "12" is sample 12, "10-20" a range of them; anything else is looked for in the whole row.
function wanted(text) {
  const range = /^#?(\d+)(?:\s*[-–]\s*#?(\d+))?$/.exec(text);
  if (!range) return (row) => row.textContent.toLowerCase().includes(text);
  const low = Number(range[1]);
  const high = Number(range[2] ?? range[1]);
  return (row) => low <= Number(row.dataset.number) && Number(row.dataset.number) <= high;
}

function filterSamples(card) {
  const [search, place, shown] = ["input", "select", "output"].map((name) => card.querySelector(name));
  const rows = [...card.querySelector("tbody").rows];
  const filter = () => {
    const fits = wanted(search.value.trim().toLowerCase());
    for (const row of rows) {
      row.hidden = !(fits(row) && (!place.value || row.dataset.stations.split(" ").includes(place.value)));
    }
    const left = rows.filter((row) => !row.hidden).length;
    shown.textContent = left === rows.length ? "" : left ? `${left} of ${rows.length}` : "no sample fits";
  };
  search.addEventListener("input", filter);
  place.addEventListener("change", filter);
}

const samples = document.getElementById("samples");
if (samples) filterSamples(samples);

draw().then((drawn) => {
  follow(drawn);
  document.documentElement.dataset.drawn = String(drawn.length);
});
