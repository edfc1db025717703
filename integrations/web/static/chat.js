"use strict";
// The chat page. Answers arrive as typed blocks; every text becomes a text node, so nothing in it is ever markup.

const log = document.getElementById("log");
const form = document.getElementById("ask");
const field = document.getElementById("question");
const role = document.getElementById("role");
const button = form.querySelector("button");
const OPENERS = ["How should we choose KPIs?", "How long should a shadow period be?", "Why do pilots work and rollouts fail?",
  "How do IT and OT share risk?", "Should we buy more compute first?"];
let conversation = null;
let count = 0;

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function cite(numbers, turn) {
  return numbers.map((number) => {
    const mark = make("button", { type: "button", class: "cite", "aria-label": `Source ${number}` }, String(number));
    mark.addEventListener("click", () => show(turn, number));
    return mark;
  });
}

function show(turn, number) {
  const entry = document.getElementById(`source-${turn}-${number}`);
  if (!entry) return;
  entry.closest("details").open = true;
  for (const other of document.querySelectorAll(".shown")) other.classList.remove("shown");
  entry.classList.add("shown");
  entry.scrollIntoView({ block: "nearest", behavior: "smooth" });
}

function sentence(item, turn) {
  return [item.strong ? make("strong", {}, item.text) : item.text, ...cite(item.citations, turn)];
}

function list(tag, block, turn, name) {
  return make(tag, name ? { class: name } : {}, ...block.items.map((item) => make("li", {}, ...sentence(item, turn))));
}

function table(block, turn) {
  const head = make("tr", {}, ...block.columns.map((column) => make("th", { scope: "col" }, column)));
  const rows = block.rows.map((row) => {
    const cells = row.cells.map((cell) => make("td", {}, cell));
    cells[cells.length - 1].append(...cite(row.citations, turn));
    return make("tr", {}, ...cells);
  });
  return make("div", { class: "scroll" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
}

function render(block, turn) {
  const title = block.title ? [make("h2", {}, block.title)] : [];
  switch (block.type) {
    case "paragraph": return [make("p", {}, ...(block.title ? [make("span", { className: "whose" }, block.title + ": ")] : []), ...block.sentences.flatMap((s, i) => [...(i ? [" "] : []), ...sentence(s, turn)]))];
    case "list": return [...title, list(block.ordered ? "ol" : "ul", block, turn)];
    case "checklist": return [...title, list("ul", block, turn, "tasks")];
    case "table": return [...title, table(block, turn)];
    default: return [make("p", { class: "waiting" }, block.text)];
  }
}

function sources(citations, turn) {
  const entries = citations.map((citation) => {
    const behind = citation.sources.map((s) => s.title + (s.note ? ` (${s.note})` : "")).join("; ");
    return make("li", { id: `source-${turn}-${citation.number}`, value: String(citation.number) },
      make("strong", {}, `${citation.title} > ${citation.section}`), make("q", {}, citation.quote), behind);
  });
  return make("details", { class: "sources" }, make("summary", {}, `Sources (${citations.length})`), make("ol", {}, ...entries));
}

function asks(questions) {
  return make("div", { class: "asks" }, ...questions.map((question) => {
    const choice = make("button", { type: "button" }, question);
    choice.addEventListener("click", () => ask(question));
    return choice;
  }));
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    held += value;
    for (let end; (end = held.indexOf("\n\n")) >= 0; held = held.slice(end + 2)) {
      const lines = held.slice(0, end).split("\n");
      const pick = (name) => lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length).trim()).join("\n");
      if (pick("data:")) yield { name: pick("event:"), data: JSON.parse(pick("data:")) };
    }
  }
}

async function ask(question) {
  const text = question.trim();
  if (!text || button.disabled) return;
  button.disabled = true;
  const turn = ++count;
  const waiting = make("p", { class: "waiting" }, "Reading the playbooks …");
  const box = make("article", { class: "answer" }, waiting);
  log.append(make("div", { class: "asked" }, text), box);
  box.scrollIntoView({ block: "end" });
  try {
    await receive(text, turn, box, waiting);
  } catch (error) {
    waiting.remove();
    box.append(make("p", { class: "problem" }, error instanceof TypeError ? "The advisor cannot be reached. Is it still running?" : error.message));
  }
  button.disabled = false;
  field.focus();
}

async function receive(question, turn, box, waiting) {
  const response = await fetch("/api/v1/ask", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify({ question, role: role.value, conversation_id: conversation }),
  });
  if (!response.ok) {
    const problem = await response.json();
    if (response.status === 404) conversation = null;
    throw new Error(`${problem.detail} ${problem.remedy}`);
  }
  for await (const { name, data } of events(response)) {
    if (name === "status") waiting.textContent = `${data.text} …`;
    if (name === "error") throw new Error(`${data.detail} ${data.remedy}`);
    if (name === "block") {
      waiting.remove();
      box.append(...render(data.block, turn));
    }
    if (name === "done") {
      conversation = data.conversation_id;
      if (data.citations.length) box.append(sources(data.citations, turn));
      if (data.suggestions.length) box.after(asks(data.suggestions));
    }
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value;
  field.value = "";
  ask(text);
});
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
log.append(asks(OPENERS));
