"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const grid = byId("photographs"), viewer = byId("viewer"), count = byId("count");
  const cards = [...grid.children], none = document.createElement("p");
  none.className = "none";
  none.textContent = "No photograph is like this.";
  none.hidden = true;
  grid.after(none);

  const threshold = Number(grid.dataset.threshold);
  const names = new Intl.Collator(undefined, { numeric: true });
  const ORDERS = {
    worst: (a, b) => b.dataset.score - a.dataset.score,
    best: (a, b) => a.dataset.score - b.dataset.score,
    close: (a, b) => Math.abs(a.dataset.score - threshold) - Math.abs(b.dataset.score - threshold),
    name: (a, b) => names.compare(a.dataset.name, b.dataset.name),
    given: (a, b) => a.dataset.index - b.dataset.index,
  };
  const FILTERS = {
    all: () => true,
    rejected: (card) => card.dataset.verdict === "rejected",
    passed: (card) => card.dataset.verdict === "passed",
    missed: (card) => card.dataset.outcome === "missed",
    false: (card) => card.dataset.outcome === "false",
  };
  const tools = ["verdict", "kind", "order", "search"].map(byId).filter(Boolean);
  const value = (id) => byId(id)?.value ?? "";

  let current = null; // the card that the arrow keys start from: the only one that Tab reaches
  const visible = () => cards.filter((card) => !card.hidden);
  const choose = (card, focus) => {
    if (current) current.tabIndex = -1;
    current = card;
    if (!card) return;
    card.tabIndex = 0;
    if (focus) card.focus();
  };

  const update = () => {
    const wanted = value("search").trim().toLowerCase(), kind = value("kind");
    for (const card of cards) {
      card.hidden = !(FILTERS[value("verdict")](card) && (!kind || card.dataset.truth === kind)
        && card.dataset.name.toLowerCase().includes(wanted));
    }
    cards.sort(ORDERS[value("order")]);
    grid.append(...cards);
    const shown = visible();
    count.textContent = `${shown.length} of ${cards.length} shown`;
    none.hidden = shown.length > 0;
    if (!current || current.hidden) choose(shown[0] ?? null, false);
  };

  // Cards in one row of the grid: as many as stand as high as the first.
  const columns = (shown) => {
    const beyond = shown.findIndex((card) => card.offsetTop > shown[0].offsetTop);
    return beyond < 0 ? shown.length : beyond;
  };

  const show = (card) => {
    const picture = viewer.querySelector("img"), small = card.querySelector("img").src;
    picture.onerror = () => { picture.onerror = null; picture.src = small; picture.className = "small"; };
    picture.className = card.dataset.panel ? "" : "small";
    picture.src = card.dataset.panel || small;
    picture.alt = card.dataset.name;
    viewer.querySelector("h2").textContent = card.dataset.name;
    const truth = card.dataset.truth && ` · truth: ${card.dataset.truth.replace(/^defect /, "")}`;
    viewer.querySelector(".facts").textContent = `${card.querySelector("b").textContent} · ${card.dataset.verdict}${truth}`;
    if (!viewer.open) viewer.showModal();
  };

  const step = (by) => {
    const shown = visible(), to = shown[shown.indexOf(current) + by];
    if (!to) return;
    choose(to, !viewer.open);
    if (viewer.open) show(to);
  };

  grid.addEventListener("click", (event) => {
    const card = event.target.closest(".photograph");
    if (card) { choose(card, true); show(card); }
  });
  grid.addEventListener("keydown", (event) => {
    const shown = visible(), across = columns(shown), ends = { Home: 0, End: shown.length - 1 };
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across };
    if (event.key in steps) step(steps[event.key]);
    else if (event.key in ends) choose(shown[ends[event.key]], true);
    else if (event.key === "Enter" || event.key === " ") show(current);
    else return;
    event.preventDefault();
  });
  viewer.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  viewer.addEventListener("click", (event) => {
    if (event.target.dataset.step) step(Number(event.target.dataset.step));
    else if (event.target === viewer) viewer.close(); // beside the picture
  });
  viewer.addEventListener("close", () => current?.focus());
  for (const tool of tools) tool.addEventListener("input", update);
  update();
})();
