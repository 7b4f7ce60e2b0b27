"use strict";
// Texts of a data set come in by attributes and go out by textContent: nothing of them is ever read as HTML.
(() => {
  const main = document.querySelector("main");
  const sheet = main.querySelector(".sheet");
  const tools = main.querySelector(".tools");
  const status = main.querySelector(".status");
  const download = main.querySelector(".download");
  const { people: digest, columns, folder } = main.dataset;
  const KEY = `gcdr corrections ${digest}`;
  const STEP = 0.01, LEAP = 0.05;
  const cards = Array.from(sheet.children, (article, place) => ({
    article,
    place,
    id: article.dataset.person,
    image: article.dataset.image,
    answer: article.dataset.answer,
    doubt: Number(article.dataset.doubt),
    error: Number(article.dataset.error),
    point: article.dataset.point ? article.dataset.point.split(",").map(Number) : null,
  }));
  const byId = new Map(cards.map((card) => [card.id, card]));
  let kept = true;
  let said = read();

  function sound(one) {
    const inside = (value) => typeof value === "number" && value >= 0 && value <= 1;
    if (!one || typeof one.date !== "string" || /[^0-9TZ:-]/.test(one.date)) return false;
    if (one.said === "point") return inside(one.x) && inside(one.y);
    return one.said === "out of frame" || one.said === "cannot tell";
  }

  function read() {
    try {
      const stored = JSON.parse(localStorage.getItem(KEY) || "{}");
      return new Map(Object.entries(stored).filter(([id, one]) => byId.has(id) && sound(one)));
    } catch {
      kept = false; // a browser that keeps nothing for files
      return new Map();
    }
  }

  function keep() {
    try {
      localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(said)));
      kept = true;
    } catch {
      kept = false;
    }
  }

  function say(card, answer) {
    if (answer) said.set(card.id, { ...answer, date: `${new Date().toISOString().slice(0, 19)}Z` });
    else said.delete(card.id);
    keep();
    show(card);
    count(`${card.image}, person ${card.id}: ${words(said.get(card.id)) || "as it was"}. `);
  }

  const rounded = (value) => Math.round(Math.min(1, Math.max(0, value)) * 1e5) / 1e5;
  const at = (x, y) => ({ said: "point", x: rounded(x), y: rounded(y) });

  function words(one) {
    if (!one) return "";
    if (one.said === "point") return `Corrected: ${one.x.toFixed(2)}, ${one.y.toFixed(2)}`;
    return one.said === "cannot tell" ? "Cannot tell" : "Out of the frame";
  }

  function show(card) {
    const one = said.get(card.id);
    const stage = card.article.querySelector(".stage");
    let mark = stage.querySelector(".said");
    if (one && one.said === "point") {
      if (!mark) {
        mark = document.createElement("span");
        mark.className = "mark said";
        stage.append(mark);
      }
      mark.style.left = `${100 * one.x}%`;
      mark.style.top = `${100 * one.y}%`;
    } else if (mark) mark.remove();
    card.article.querySelector(".told").textContent = words(one);
    for (const button of card.article.querySelectorAll("button")) {
      const meant = button.dataset.say;
      if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", String(Boolean(one) && one.said === meant));
      if (meant === "") button.disabled = !one;
    }
  }

  function count(first = "") {
    const shown = cards.filter((card) => !card.article.hidden).length;
    const lost = kept ? "" : " This browser keeps nothing: download before you close the page.";
    const number = (value) => value.toLocaleString("en");
    status.textContent = `${first}${number(cards.length)} people, ${number(shown)} shown, ${number(said.size)} corrected.${lost}`;
    download.disabled = said.size === 0;
  }

  function answer(card, meant) {
    if (meant === "right" && card.point) say(card, at(...card.point));
    else if (meant === "") say(card, null);
    else if (meant !== "right") say(card, { said: meant });
  }

  function move(card, x, y) {
    const one = said.get(card.id);
    const [fromX, fromY] = one && one.said === "point" ? [one.x, one.y] : card.point || [0.5, 0.5];
    say(card, at(fromX + x, fromY + y));
  }

  function cardOf(event) {
    const article = event.target.closest("article");
    return article && byId.get(article.dataset.person);
  }

  function go(card, step) {
    const order = Array.from(sheet.children).filter((article) => !article.hidden);
    const next = order[order.indexOf(card.article) + step];
    if (next) next.querySelector(".stage").focus();
  }

  sheet.addEventListener("click", (event) => {
    const card = cardOf(event);
    const button = event.target.closest("button");
    if (!card) return;
    if (button) {
      const focused = document.activeElement === button;
      answer(card, button.dataset.say);
      if (focused && button.disabled) card.article.querySelector(".stage").focus();
      return;
    }
    const stage = event.target.closest(".stage");
    if (!stage) return;
    const box = stage.querySelector("img").getBoundingClientRect();
    say(card, at((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height));
  });

  const KEYS = { r: "right", o: "out of frame", c: "cannot tell", u: "" };
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  sheet.addEventListener("keydown", (event) => {
    const card = cardOf(event);
    if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const arrow = event.target.closest(".stage") && ARROWS[key];
    if (arrow) move(card, ...arrow.map((way) => way * (event.shiftKey ? LEAP : STEP)));
    else if (key in KEYS) answer(card, KEYS[key]);
    else if (key === "n") go(card, 1);
    else if (key === "p") go(card, -1);
    else return;
    event.preventDefault();
  });

  const field = (name) => (tools.elements[name] ? tools.elements[name].value : "");

  function fits(card) {
    const one = said.get(card.id);
    const state = field("state");
    const least = (name) => field(name) === "" || card[name] >= Number(field(name)); // NaN is never enough
    const meant = { "": true, open: !one, done: Boolean(one) }[state] ?? (one && one.said === state);
    const named = card.image.toLowerCase().includes(field("image").toLowerCase());
    return meant && named && (!field("answer") || card.answer === field("answer")) && least("doubt") && least("error");
  }

  function compare(order) {
    const name = order.replace("-", "");
    if (!name) return (a, b) => a.place - b.place;
    if (name === "answer" || name === "image") return (a, b) => a[name].localeCompare(b[name], "en") || a.place - b.place;
    const sign = order.startsWith("-") ? -1 : 1;
    const value = (card) => (Number.isNaN(card[name]) ? Infinity : sign * card[name]); // not known: last
    return (a, b) => (value(a) === value(b) ? a.place - b.place : value(a) - value(b));
  }

  function arrange() {
    for (const card of cards) card.article.hidden = !fits(card);
    const order = [...cards].sort(compare(field("order"))).map((card) => card.article);
    if (order.some((article, place) => article !== sheet.children[place])) sheet.append(...order);
    count();
  }

  function change() {
    const view = tools.elements.view;
    for (const card of cards) {
      const image = card.article.querySelector("img");
      image.src = `${folder}/${card.article.dataset.stem}-${view.value}.jpg`;
      image.alt = `${card.image}: ${view.selectedOptions[0].text}`;
    }
  }

  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("input", (event) => (event.target.name === "view" ? change() : arrange()));

  // As gcdr.base.csvtext writes a cell: no spreadsheet computes it, and blanks at its ends stay.
  function cell(value) {
    let text = String(value ?? "");
    const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
    if (/^'*[=+\-@]/.test(text) && !number.test(text)) text = `'${text}`;
    return /[",]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
  }

  function table() {
    const names = columns.split(",");
    const lines = cards.filter((card) => said.has(card.id)).map((card) => {
      const one = said.get(card.id);
      const [x0, y0, x1, y1] = card.article.dataset.box.split(",");
      const frame = { point: "true", "out of frame": "false" }[one.said];
      const row = {
        people: digest, sample_id: card.id, image: card.image, head_x0: x0, head_y0: y0, head_x1: x1, head_y1: y1,
        said: one.said, gaze_x: one.x, gaze_y: one.y, in_frame: frame, date: one.date,
      };
      return names.map((name) => cell(row[name])).join(",");
    });
    return `${[columns, ...lines].join("\n")}\n`;
  }

  download.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
    link.download = `corrections-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });

  window.addEventListener("storage", (event) => {
    if (event.key !== KEY && event.key !== null) return;
    said = read(); // another tab of the same people
    cards.forEach(show);
    arrange();
  });

  for (const id of said.keys()) show(byId.get(id));
  tools.reset(); // a browser may bring back what was chosen before a reload
  count();
})();
