"use strict";
// The chat widget: <ai-advisor>, or one script tag with data-attributes. No build and no libraries. Answers arrive as
// typed blocks and become DOM nodes; every text becomes a text node, so nothing that anyone wrote is ever markup.

(() => {
  if (customElements.get("ai-advisor")) return;
  const SCRIPT = document.currentScript;
  const BASE = new URL(SCRIPT?.dataset.base || ".", SCRIPT?.src || location.href).href.replace(/\/$/, "");
  const ROLES = ["executive", "change_lead", "plant_manager", "engineer"];
  const REFRESH_EARLY_MS = 60_000;
  const NO_STOP_MS = 600; // the second click of a double click is not meant for Stop
  const STYLE = `
:host { --_accent: var(--advisor-accent, light-dark(#14532d, #86cfa3)); --_on-accent: var(--advisor-on-accent, light-dark(#fff, #10201a));
  --_ink: var(--advisor-ink, light-dark(#1c2421, #e6ebe8)); --_soft: var(--advisor-soft, light-dark(#525d58, #a5b1ab));
  --_paper: var(--advisor-paper, light-dark(#fff, #1c2320)); --_ground: var(--advisor-ground, light-dark(#f4f6f4, #141917));
  --_line: var(--advisor-line, light-dark(#d9dfdb, #36403b)); --_edge: light-dark(#7c8781, #77837d);
  --_tint: var(--advisor-tint, light-dark(#e7f0ea, #23322b)); --_bad: light-dark(#9b1c1c, #f0a0a0); --_radius: var(--advisor-radius, .8rem);
  color-scheme: light dark; display: block; color: var(--_ink); text-align: start;
  font: var(--advisor-font, 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif); }
:host([theme=light]) { color-scheme: light; } :host([theme=dark]) { color-scheme: dark; }
[hidden], :host([hidden]) { display: none !important; }
:host([mode=inline]) { height: min(100%, 90dvh); min-height: min(26rem, 90dvh); }
* { box-sizing: border-box; }
button, input, select, textarea { font: inherit; color: inherit; }
button { cursor: pointer; min-height: 1.75rem; }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.launcher { position: fixed; inset-block-end: var(--advisor-offset, 1.25rem); inset-inline-end: var(--advisor-offset, 1.25rem); z-index: 2147483000;
  display: inline-flex; gap: .5rem; align-items: center; min-height: 3rem; padding: .6rem 1.1rem; border: 0; border-radius: 2rem;
  background: var(--_accent); color: var(--_on-accent); font-weight: 600; box-shadow: 0 4px 16px #0004; }
dialog { border: 1px solid var(--_line); padding: 0; margin: 0; color: inherit; background: var(--_ground); border-radius: var(--_radius); overflow: hidden; z-index: 2147483001; }
dialog[open], .frame { display: flex; flex-direction: column; }
dialog.float { position: fixed; inset: auto; inset-block-end: 1.25rem; inset-inline-end: 1.25rem; width: min(27rem, calc(100vw - 2rem));
  height: min(46rem, calc(100dvh - 2.5rem)); max-height: none; box-shadow: 0 12px 40px #0005; }
dialog.side { position: fixed; inset: 0 0 0 auto; width: min(30rem, 100vw); height: 100dvh; max-height: none; border-radius: 0; border-width: 0 0 0 1px; }
dialog:modal { inset: 0; width: 100vw; height: 100dvh; max-width: none; max-height: none; border: 0; border-radius: 0; }
dialog::backdrop { background: #0006; }
.frame { height: 100%; min-height: inherit; background: var(--_ground); border-radius: var(--_radius); overflow: hidden; }
header { display: flex; gap: .25rem; align-items: center; padding: .5rem .9rem; border-block-end: 1px solid var(--_line); background: var(--_paper); }
h2 { font-size: 1.05rem; margin: 0; flex: 1; } h3 { font-size: .95rem; margin: .9rem 0 .2rem; }
.icon { border: 0; background: none; border-radius: .5rem; min-width: 2.25rem; min-height: 2.25rem; padding: .3rem; display: grid; place-items: center; }
.icon:hover, .act:hover { background: var(--_tint); }
.icon svg, .launcher svg { width: 1.25rem; height: 1.25rem; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.main { flex: 1; overflow-y: auto; padding: .9rem; overscroll-behavior: contain; position: relative; }
.main > :first-child { margin-block-start: 0; }
.asked { scroll-margin-block-start: .7rem; margin: 1.2rem 0 .5rem auto; width: fit-content; max-width: 88%; padding: .5rem .9rem; border-radius: 1rem 1rem .2rem 1rem; background: var(--_accent); color: var(--_on-accent); white-space: pre-wrap; overflow-wrap: anywhere; }
.answer { background: var(--_paper); border: 1px solid var(--_line); border-radius: .2rem 1rem 1rem 1rem; padding: .3rem 1rem .4rem; overflow-wrap: anywhere; }
.answer p, .answer ul, .answer ol { margin: .6rem 0; } .answer ul, .answer ol { padding-inline-start: 1.3rem; } .answer li { margin: .3rem 0; }
.answer ul.tasks { list-style: none; padding: 0; } ul.tasks > li::before { content: "☐ "; color: var(--_accent); }
.answer > h3 { font-size: .85rem; color: var(--_accent); margin: .8rem 0 0; } .answer > h3 + * { margin-block-start: .15rem; }
.quiet { color: var(--_soft); font-size: .87rem; } .problem { color: var(--_bad); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .93rem; }
th, td { text-align: start; vertical-align: top; padding: .35rem .6rem; border-block-end: 1px solid var(--_line); min-width: 7rem; }
.cite { font-size: .75rem; line-height: 1; vertical-align: .15em; border: 0; margin: -.35rem 0 -.35rem .15rem; min-width: 1.5rem; min-height: 1.5rem; padding: .1rem .3rem; border-radius: .6rem; background: var(--_tint); color: var(--_accent); font-weight: 600; }
.quote { position: fixed; inset: auto; margin: 0; width: min(21rem, calc(100vw - 1rem)); max-height: 60dvh; overflow: auto; padding: .8rem 1rem; border: 1px solid var(--_line); border-radius: var(--_radius); background: var(--_paper); color: var(--_ink); box-shadow: 0 8px 28px #0005; }
.quote blockquote { margin: 0 0 .6rem; padding-inline-start: .7rem; border-inline-start: 3px solid var(--_accent); }
.quote p { margin: .3rem 0; } a { color: var(--_accent); }
details { border-block-start: 1px solid var(--_line); margin-block-start: .6rem; padding: .5rem 0 .2rem; font-size: .9rem; color: var(--_soft); } summary { cursor: pointer; min-height: 1.5rem; }
details li { margin: .35rem 0; } details b { color: var(--_ink); font-weight: 600; }
.acts { display: flex; flex-wrap: wrap; gap: .1rem .2rem; margin: .2rem -.4rem .1rem; }
.act { border: 0; background: none; border-radius: .5rem; padding: .2rem .5rem; font-size: .87rem; color: var(--_soft); }
.act[aria-pressed=true] { color: var(--_accent); font-weight: 600; background: var(--_tint); }
.asks { display: flex; flex-wrap: wrap; gap: .45rem; margin: .5rem 0; } .asks h3 { width: 100%; margin: .2rem 0 0; color: var(--_soft); font-weight: 600; font-size: .87rem; }
.ask, .plain { text-align: start; border: 1px solid var(--_edge); background: var(--_paper); color: var(--_accent); border-radius: 1rem; padding: .35rem .8rem; font-size: .92rem; }
.ask:hover, .plain:hover { background: var(--_tint); }
.primary { border: 0; background: var(--_accent); color: var(--_on-accent); font-weight: 600; border-radius: .7rem; padding: .45rem 1rem; }
.primary:disabled { opacity: .55; cursor: default; }
form.send { display: flex; flex-wrap: wrap; gap: .5rem; padding: .6rem .9rem .8rem; border-block-start: 1px solid var(--_line); background: var(--_paper); }
textarea, input, select { border: 1px solid var(--_edge); border-radius: .6rem; padding: .45rem .6rem; background: var(--_paper); min-width: 0; max-width: 100%; }
form.send textarea { flex: 1 0 100%; resize: none; max-height: 9rem; field-sizing: content; min-height: 2.6rem; }
form.send label { display: flex; flex: 1; align-items: center; gap: .4rem; color: var(--_soft); font-size: .87rem; min-width: 0; } form.send select { flex: 1; }
.card { border: 1px solid var(--_line); border-radius: .6rem; padding: .7rem .8rem; margin: .5rem 0; display: grid; gap: .5rem; }
.card label { display: grid; gap: .15rem; font-size: .87rem; color: var(--_soft); } .card label.pick { grid-template-columns: auto 1fr; color: var(--_ink); font-size: .95rem; }
.row { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; } .ends { display: flex; flex-wrap: wrap; gap: .5rem; }
.past { list-style: none; margin: 0; padding: 0; } .past li { display: flex; gap: .3rem; align-items: center; border-block-end: 1px solid var(--_line); }
.past .plain { flex: 1; border: 0; background: none; border-radius: .4rem; color: var(--_ink); overflow-wrap: anywhere; } .past small { display: block; color: var(--_soft); }
.latest { position: sticky; inset-block-end: 0; margin-inline: auto; display: block; box-shadow: 0 2px 8px #0003; }
@media (max-width: 26rem) { .row { grid-template-columns: 1fr; } .main { padding: .6rem; } }
@media (prefers-reduced-motion: no-preference) { .main { scroll-behavior: smooth; } }
@media (forced-colors: active) { .asked, .answer, .cite, .launcher, .primary { border: 1px solid; } }
@media (max-height: 26rem) { dialog, .frame { overflow-y: auto; } .main { flex: none; overflow: visible; } header { padding-block: .1rem; } }
@media print { .launcher, dialog, form.send, .acts, .asks, header .icon { display: none; } :host([mode=inline]), .frame, .main { height: auto; overflow: visible; } }`;
  const ICONS = {
    chat: "M4 5h16v11H9l-5 4z", close: "M6 6l12 12M18 6L6 18", more: "M12 5v14M5 12h14", past: "M12 7v5l3 2M4 12a8 8 0 1 0 3-6.2M4 4v4h4",
  };

  const h = (tag, props = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name in node && typeof value !== "string") node[name] = value;
      else if (value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  };
  const icon = (name) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", ICONS[name]);
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.append(path);
    return svg;
  };
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

  async function* readEvents(response) {
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

  class Problem extends Error {
    constructor(problem, wait) {
      super([problem.detail, problem.remedy].filter(Boolean).join(" "));
      this.status = problem.status;
      this.wait = wait;
    }
  }

  class Client {
    constructor(tokenSource) {
      this.tokenSource = tokenSource;
      this.token = "";
      this.until = 0;
    }

    async headers(fresh) {
      if (!this.tokenSource) return {};
      if (fresh || Date.now() > this.until - REFRESH_EARLY_MS) {
        const given = await this.fetchToken();
        this.token = given.token;
        this.until = Date.now() + (given.expires_in || 900) * 1000;
      }
      return { Authorization: `Bearer ${this.token}` };
    }

    async fetchToken() {
      if (typeof this.tokenSource === "function") {
        const given = await this.tokenSource();
        return typeof given === "string" ? { token: given } : given;
      }
      const response = await fetch(this.tokenSource, { method: "POST", credentials: "include", headers: { Accept: "application/json" } });
      if (!response.ok) throw new TypeError("no token");
      return response.json();
    }

    async call(method, path, body, { stream = false, signal } = {}) {
      for (const fresh of [false, true]) {
        const response = await fetch(`${BASE}/api/v1${path}`, {
          method, signal, credentials: this.tokenSource ? "omit" : "include",
          headers: { Accept: stream ? "text/event-stream" : "application/json", ...(body ? { "Content-Type": "application/json" } : {}), ...(await this.headers(fresh)) },
          body: body ? JSON.stringify(body) : undefined,
        });
        if (response.status === 401 && this.tokenSource && !fresh) continue;
        if (!response.ok) {
          const problem = await response.json().catch(() => ({ status: response.status, detail: response.statusText }));
          throw new Problem(problem, Number(response.headers.get("Retry-After")) || 0);
        }
        return stream ? response : response.status === 204 ? null : response.json();
      }
    }
  }

  class AdvisorElement extends HTMLElement {
    connectedCallback() { this.whole ||= this.start(); }

    async start() {
      const root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      this.client = new Client(this.tokenSource || this.getAttribute("token-url"));
      this.words = await this.loadWords();
      this.build();
      this.ready = this.begin();
    }

    get mode() { return this.getAttribute("mode") || "launcher"; }
    get storage() { return this.hasAttribute("remember") ? localStorage : sessionStorage; }
    get place() { // two widgets on one page do not share a conversation
      const others = [...document.querySelectorAll("ai-advisor")].indexOf(this);
      return `ai-advisor/${this.id || Math.max(0, others)}`;
    }
    read(name) { try { return this.storage.getItem(`${this.place}/${name}`); } catch { return this.memory?.[name] || null; } }
    keep(name, value) {
      (this.memory ||= {})[name] = value;
      try { value ? this.storage.setItem(`${this.place}/${name}`, value) : this.storage.removeItem(`${this.place}/${name}`); } catch { /* storage is off: the page remembers */ }
    }
    get conversation() { return this.read("conversation"); }
    set conversation(id) { this.keep("conversation", id); }
    saveDraft() { this.keep("draft", this.field.value.trim() ? this.field.value : null); }

    async loadWords() {
      const lang = (this.getAttribute("lang") || document.documentElement.lang || navigator.language || "en").slice(0, 2).toLowerCase();
      for (const name of [lang, "en"]) {
        if (!/^[a-z]{2}$/.test(name)) continue;
        try {
          const response = await fetch(`${BASE}/static/strings/${name}.json`);
          if (response.ok) { this.language = name; return await response.json(); }
        } catch { /* the fallback comes next */ }
      }
      return null;
    }

    build() {
      if (!this.words) {
        if (this.mode === "inline") this.shadowRoot.append(h("p", { class: "problem", role: "alert" }, "The advisor cannot be reached."));
        console.warn("ai-advisor: its strings cannot be loaded; is this page in ADVISOR_ALLOWED_ORIGINS?");
        return;
      }
      const w = this.words;
      const iconButton = (name, label, onclick) => h("button", { type: "button", class: "icon", "aria-label": label, title: label, onclick }, icon(name));
      this.log = h("div", { role: "log", "aria-live": "off", "aria-label": w.conversation, tabindex: "-1" });
      this.aside = h("div", { hidden: true });
      this.latest = h("button", { type: "button", class: "plain latest", hidden: true, onclick: () => this.showLatest(true) }, w.latest);
      this.main = h("div", { class: "main", tabindex: "0", role: "region", "aria-label": w.conversation, onscroll: () => this.noteScroll() }, this.log, this.aside, this.latest);
      this.live = h("div", { class: "sr", role: "status", "aria-live": "polite" });
      this.field = h("textarea", { rows: "1", placeholder: w.placeholder, "aria-label": w.field, onkeydown: (event) => this.key(event), oninput: () => this.saveDraft() });
      this.field.value = this.read("draft") || "";
      this.role_ = h("select", { onchange: () => this.keep("role", this.role_.value) }, ...ROLES.map((role) => h("option", { value: role }, w[role])));
      this.role_.value = [this.read("role"), this.getAttribute("answer-role")].find((role) => ROLES.includes(role)) || "executive";
      this.button = h("button", { class: "primary", type: "submit" }, w.send);
      this.form = h("form", { class: "send", onsubmit: (event) => { event.preventDefault(); this.busy ? this.stop(NO_STOP_MS) : this.ask(this.field.value); } },
        this.field, h("label", {}, w.role, this.role_), this.button);
      const floating = this.mode !== "inline";
      this.pastButton = iconButton("past", w.history, () => this.showHistory());
      const top = h("header", {}, h("h2", { id: "title" }, this.getAttribute("heading") || w.heading), this.pastButton,
        iconButton("more", w.newConversation, () => this.restart()), floating ? iconButton("close", w.close, () => this.close()) : null);
      this.quote = h("div", { class: "quote", popover: "auto", role: "dialog", "aria-label": w.sources.replace(/ *\(.*/, "") });
      this.quote.addEventListener("toggle", (event) => { if (event.newState === "closed") this.chip?.focus(); });
      const parts = [top, this.main, this.form, this.live, this.quote];
      if (floating) {
        this.dialog = h("dialog", { class: this.mode === "panel" ? "side" : "float", "aria-labelledby": "title" }, ...parts);
        this.dialog.addEventListener("keydown", (event) => { if (event.key === "Escape" && !this.quote.matches(":popover-open")) { event.preventDefault(); this.close(); } });
        this.launcher = h("button", { type: "button", class: "launcher", part: "launcher", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => this.open() }, icon("chat"), w.open);
        this.shadowRoot.append(this.launcher, this.dialog);
        if (this.mode === "panel") this.launcher.hidden = true;
        if (this.hasAttribute("open")) this.open();
      } else {
        this.shadowRoot.append(h("section", { class: "frame", "aria-labelledby": "title" }, ...parts));
      }
    }

    async begin() {
      if (!this.words) return;
      this.welcome();
      try {
        this.me = await this.client.call("GET", "/me");
      } catch (error) {
        this.log.append(this.failure(error));
        return;
      }
      this.pastButton.hidden = this.me.anonymous;
      if (this.conversation) await this.load(this.conversation).catch(() => { this.conversation = null; });
    }

    welcome() {
      const given = (this.getAttribute("questions") || "").split("|").map((text) => text.trim()).filter(Boolean);
      this.log.replaceChildren(h("p", { class: "quiet" }, this.words.intro), this.choices(this.words.suggested, given.length ? given : this.words.questions));
    }

    open() {
      if (!this.dialog || this.dialog.open) return;
      this.opener = document.activeElement;
      matchMedia("(max-width: 34rem)").matches ? this.dialog.showModal() : this.dialog.show();
      this.launcher.setAttribute("aria-expanded", "true");
      this.launcher.hidden = true;
      this.field.focus();
      this.tell("open");
    }

    close() {
      if (!this.dialog?.open) return;
      this.dialog.close();
      this.launcher.setAttribute("aria-expanded", "false");
      this.launcher.hidden = this.mode === "panel";
      (this.mode === "panel" ? this.opener : this.launcher)?.focus?.();
      this.tell("close");
    }

    tell(name, detail) { this.dispatchEvent(new CustomEvent(`advisor:${name}`, { detail, bubbles: true, composed: true })); }
    announce(text) { this.live.textContent = ""; setTimeout(() => { this.live.textContent = text; }, 50); }

    key(event) {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!this.busy) this.form.requestSubmit();
    }

    noteScroll() {
      const { scrollTop, scrollHeight, clientHeight } = this.main;
      this.away = scrollHeight - scrollTop - clientHeight > 80;
      if (!this.away) this.latest.hidden = true;
    }

    showLatest(force) {
      if (this.away && !force) { this.latest.hidden = false; return; }
      this.latest.hidden = true;
      const last = [...this.log.querySelectorAll(".asked")].at(-1) || this.log.lastElementChild;
      last?.scrollIntoView({ block: "start" });
    }

    choices(title, questions) {
      return h("div", { class: "asks" }, h("h3", {}, title), ...questions.map((text) => h("button", { type: "button", class: "ask", lang: "en", dir: "ltr", onclick: () => { this.ask(text); this.field.focus(); } }, text)));
    }

    async ask(question) {
      await this.whole;
      await this.ready;
      const text = question.trim();
      if (!text || this.busy || !this.words) return;
      this.showTalk();
      const turn = new AbortController();
      this.busy = turn;
      this.since = performance.now();
      this.button.textContent = this.words.stop;
      if (this.field.value.trim() === text) this.field.value = "";
      this.saveDraft();
      this.log.querySelector(".asks")?.remove();
      const status = h("p", { class: "quiet" }, `${this.words.answering} …`);
      const box = h("article", { class: "answer", lang: "en", dir: "ltr", "aria-label": this.words.answer, "aria-busy": "true" }, status);
      const asked = h("div", { class: "asked", dir: "auto" }, h("span", { class: "sr" }, `${this.words.you}: `), text);
      this.log.append(asked, box);
      this.away = false;
      this.showLatest(true);
      this.announce(this.words.answering);
      try {
        const answer = await this.receive(text, box, status, turn.signal);
        if (this.busy === turn) this.finish(answer, box);
      } catch (error) {
        if (this.busy === turn) this.fail(error, text, box, asked);
      }
      box.removeAttribute("aria-busy");
      if (this.busy === turn) this.rest();
    }

    rest() {
      this.busy = null;
      this.button.textContent = this.words.send;
    }

    leave() { // another conversation comes to the front: what is still on its way is dropped without a word
      const turn = this.busy;
      if (!turn) return;
      this.rest();
      turn.abort();
    }

    async receive(question, box, status, signal) {
      const body = { question, role: this.role_.value, conversation_id: this.conversation };
      const response = await this.client.call("POST", "/ask", body, { stream: true, signal });
      const cited = new Map();
      const parts = [];
      for await (const { name, data } of readEvents(response)) {
        if (name === "status") status.textContent = `${data.text} …`;
        if (name === "query" && data.query && data.query !== question) box.prepend(h("p", { class: "quiet" }, fill(this.words.understood, data)));
        if (name === "citation") cited.set(data.citation.number, data.citation);
        if (name === "block") {
          status.remove();
          const part = h("div", { class: "part" }, ...this.render(data.block, cited));
          parts[data.place] ? parts[data.place].replaceWith(part) : box.append(part);
          parts[data.place] = part;
          this.showLatest(false);
        }
        if (name === "error") throw new Problem(data);
        if (name === "done") {
          for (const part of parts.splice(data.blocks.length)) part.remove(); // what the checks took back
          return data;
        }
      }
      throw new Error("cut");
    }

    stop(notBefore = 0) { if (this.busy && performance.now() - this.since >= notBefore) this.busy.abort(); }

    finish(answer, box) {
      this.conversation = answer.conversation_id;
      this.dress(answer, box);
      if (answer.suggestions.length) this.log.append(this.choices(this.words.next, answer.suggestions));
      const count = answer.citations.length ? ` ${fill(this.words.sources, { count: answer.citations.length })}` : "";
      this.announce(`${this.words.ready} ${answer.text.replace(/ ?\[\d+\]|\*\*/g, "")}${count}`);
      this.tell("answer", { id: answer.id, outcome: answer.outcome });
    }

    fail(error, question, box, asked) {
      const kept = !this.field.value.trim();
      if (kept) this.field.value = question;
      this.saveDraft();
      if (error.name === "AbortError") {
        box.remove();
        asked.remove();
        const said = kept ? this.words.stopped : this.words.stoppedAside;
        this.announce(said);
        this.log.append(h("p", { class: "quiet" }, said));
        if (!kept) this.log.append(this.choices(this.words.again, [question]));
        this.field.focus();
        return;
      }
      if (error.status === 404) this.conversation = null;
      const again = () => { // what was written since is what is asked
        const text = this.field.value.trim() || question;
        box.remove();
        asked.remove();
        this.ask(text);
      };
      const partly = [...box.childNodes].filter((node) => node !== box.querySelector(".quiet"));
      box.replaceChildren(...(partly.length && error.message === "cut" ? partly : []), this.failure(error, again));
      this.tell("error", { status: error.status || 0 });
    }

    failure(error, again) {
      const w = this.words;
      const plain = navigator.onLine === false ? w.offline : error instanceof TypeError ? w.unreachable : w.broken;
      const wait = error.wait ? ` ${fill(w.wait, { seconds: error.wait })}` : "";
      const said = error instanceof Problem ? error.message + (error.message.includes(String(error.wait)) ? "" : wait) : again ? `${plain} ${w.kept}` : plain;
      this.announce(said);
      return h("div", {}, h("p", { class: "problem" }, said), again ? h("button", { type: "button", class: "plain", onclick: again }, w.retry) : null);
    }

    // Blocks as nodes

    render(block, cited) {
      const title = block.title ? [h("h3", {}, block.title)] : [];
      switch (block.type) {
        case "paragraph": return [...title, h("p", {}, ...block.sentences.flatMap((s, i) => [i ? " " : "", ...this.sentence(s, cited)]))];
        case "list": return [...title, this.list(block.ordered ? "ol" : "ul", block, cited)];
        case "checklist": return [...title, this.list("ul", block, cited, "tasks")];
        case "table": return [...title, this.table(block, cited)];
        default: return [h("p", { class: "quiet" }, block.text)];
      }
    }

    list(tag, block, cited, name) { return h(tag, { class: name }, ...block.items.map((item) => h("li", {}, ...this.sentence(item, cited)))); }

    table(block, cited) {
      const head = h("tr", {}, ...block.columns.map((column) => h("th", { scope: "col" }, column)));
      const rows = block.rows.map((row) => {
        const cells = row.cells.map((cell) => h("td", {}, cell));
        cells.at(-1)?.append(...this.chips(row.citations, cited));
        return h("tr", {}, ...cells);
      });
      return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": block.title || block.columns.join(", ") }, h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows)));
    }

    sentence(item, cited) { return [item.strong ? h("strong", {}, item.text) : item.text, ...this.chips(item.citations, cited)]; }

    chips(numbers, cited) {
      return numbers.filter((number) => cited.has(number)).map((number) => {
        const citation = cited.get(number);
        const chip = h("button", { type: "button", class: "cite", "aria-haspopup": "dialog", "aria-label": fill(this.words.source, citation), onclick: () => this.showQuote(chip, citation) }, String(number));
        return chip;
      });
    }

    link(citation) {
      const [playbook, section = ""] = citation.section_id.split("/");
      if (citation.kind === "document") {
        const place = citation.page ? `/pages/${citation.page}` : `#${encodeURIComponent(section)}`;
        return { url: `${BASE}/documents/${encodeURIComponent(playbook)}${place}`, text: this.words.openDocument };
      }
      if (citation.kind === "playbook") return { url: `${BASE}/playbooks/${encodeURIComponent(playbook)}#${encodeURIComponent(section)}`, text: this.words.openPlaybook };
      return citation.kind === "register" ? { url: `${BASE}/program`, text: this.words.openProgram } : null;
    }

    age(citation) { // an entry of the register says itself when it was made
      if (!citation.as_of || citation.kind === "register") return "";
      return fill(this.words.asOf, { day: new Date(`${citation.as_of}T12:00`).toLocaleDateString(this.language, { day: "numeric", month: "short", year: "numeric" }) });
    }

    showQuote(chip, citation) {
      const w = this.words;
      const answer = chip.closest("article")?.dataset.answer;
      const misfit = answer ? h("button", { type: "button", class: "act", onclick: () => this.refuse(answer, citation, misfit) }, w.misfit) : null;
      const link = this.link(citation);
      const where = [`${citation.title} › ${citation.section}`, citation.page ? fill(w.page, citation) : "", this.age(citation)].filter(Boolean).join(", ");
      this.quote.replaceChildren(
        h("blockquote", { lang: "en" }, citation.quote), h("p", { lang: "en" }, h("strong", {}, where)),
        ...citation.sources.map((s) => h("p", { class: "quiet", lang: "en" }, `${s.title}${s.publisher ? `, ${s.publisher}` : ""}${s.note ? ` (${s.note})` : ""}`)),
        h("div", { class: "ends" }, link ? h("a", { href: link.url, target: "_blank", rel: "noopener noreferrer" }, link.text) : null,
          misfit, h("button", { type: "button", class: "act", onclick: () => this.quote.hidePopover() }, w.quoteClose)));
      this.chip = null;
      if (this.quote.matches(":popover-open")) this.quote.hidePopover();
      this.quote.showPopover();
      this.chip = chip;
      const at = chip.getBoundingClientRect(), size = this.quote.getBoundingClientRect();
      const below = at.bottom + 6 + size.height < innerHeight;
      this.quote.style.setProperty("left", `${Math.max(8, Math.min(at.left - 20, innerWidth - size.width - 8))}px`);
      this.quote.style.setProperty("top", `${below ? at.bottom + 6 : Math.max(8, at.top - size.height - 6)}px`);
      this.quote.querySelector("a, button").focus();
    }

    async refuse(answer, citation, button) {
      try {
        await this.client.call("POST", "/feedback", { answer_id: answer, helpful: false, citation: citation.number, reason: this.words.misfit });
        button.disabled = true;
        button.textContent = this.words.thanks;
        this.announce(this.words.thanks);
      } catch (error) {
        button.after(this.failure(error));
      }
    }

    // Under an answer

    dress(answer, box) {
      const w = this.words;
      box.dataset.answer = answer.id;
      for (const notice of answer.notices) box.append(h("p", { class: "quiet" }, notice));
      if (answer.citations.length) {
        const entries = answer.citations.map((c) => h("li", { value: c.number }, h("b", {}, [`${c.title} › ${c.section}`, this.age(c)].filter(Boolean).join(", ")), ` “${c.quote}”`));
        box.append(h("details", {}, h("summary", {}, fill(w.sources, { count: entries.length })), h("ol", {}, ...entries), h("p", { lang: this.language }, w.made)));
      }
      const below = h("div", { lang: this.language });
      const act = (label, onclick) => h("button", { type: "button", class: "act", onclick }, label);
      const copy = act(w.copy, async () => { await this.copy(answer); copy.textContent = w.copied; this.announce(w.copied); setTimeout(() => { copy.textContent = w.copy; }, 3000); });
      const up = act(w.helpful, () => this.judge(answer, true, "", below, [up, down]));
      const down = act(w.unhelpful, () => this.askWhy(answer, below, [up, down]));
      const list = answer.citations.some((c) => c.kind === "playbook") && this.me?.permission !== "reader" ? act(w.makeChecklist, () => this.draftChecklist(answer, below)) : null;
      box.append(h("div", { class: "acts", lang: this.language }, copy, act(w.again, () => this.ask(answer.question)), up, down, list), below);
    }

    async copy(answer) {
      const sources = answer.citations.map((c) => `[${c.number}] ${c.title} > ${c.section}: “${c.quote}”`).join("\n");
      const text = `${answer.text}\n\n${sources}`.trim();
      try {
        await navigator.clipboard.writeText(text);
      } catch { // pages without https have no clipboard of their own
        const area = h("textarea", { class: "sr" });
        area.value = text;
        this.shadowRoot.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
      }
    }

    async judge(answer, helpful, reason, below, [up, down]) {
      try {
        await this.client.call("POST", "/feedback", { answer_id: answer.id, helpful, reason });
        up.setAttribute("aria-pressed", String(helpful));
        down.setAttribute("aria-pressed", String(!helpful));
        below.replaceChildren(h("p", { class: "quiet" }, this.words.thanks));
        (helpful ? up : down).focus();
        this.announce(this.words.thanks);
      } catch (error) {
        below.append(this.failure(error));
      }
    }

    askWhy(answer, below, thumbs) {
      const w = this.words;
      const reason = h("select", {}, ...w.reasons.map((text) => h("option", {}, text)));
      const comment = h("input", { type: "text", maxlength: "1500" });
      const submit = (event) => { event.preventDefault(); this.judge(answer, false, [reason.value, comment.value.trim()].filter(Boolean).join(": "), below, thumbs); };
      below.replaceChildren(h("form", { class: "card", onsubmit: submit }, h("label", {}, w.whyNot, reason), h("label", {}, w.comment, comment), this.ends(below, w.submit)));
      reason.focus();
    }

    ends(below, label) {
      return h("div", { class: "ends" }, h("button", { class: "primary", type: "submit" }, label), h("button", { type: "button", class: "plain", onclick: () => { below.replaceChildren(); below.previousElementSibling?.querySelector("button").focus(); } }, this.words.cancel));
    }

    async draftChecklist(answer, below) {
      const w = this.words;
      try {
        const [tasks, page] = await Promise.all([this.client.call("GET", `/answers/${encodeURIComponent(answer.id)}/tasks`), this.client.call("GET", "/initiatives?limit=500")]);
        if (!tasks.length) { below.replaceChildren(h("p", { class: "quiet" }, w.noTasks)); return; }
        const where = h("select", {}, h("option", { value: "" }, w.wholeProgram), ...page.items.map((line) => h("option", { value: line.initiative }, line.name)));
        const rows = tasks.map((task) => ({ pick: h("input", { type: "checkbox", checked: true }), owner: h("input", { type: "text", maxlength: "120" }), due: h("input", { type: "date" }), task }));
        const submit = (event) => { event.preventDefault(); this.takeOn(answer, where.value, rows, below); };
        below.replaceChildren(h("form", { onsubmit: submit }, h("h3", {}, w.tasks), h("label", { class: "quiet" }, `${w.forInitiative} `, where),
          ...rows.map((row) => h("div", { class: "card" }, h("label", { class: "pick" }, row.pick, h("span", { lang: "en" }, row.task.title)),
            h("div", { class: "row" }, h("label", {}, w.owner, row.owner), h("label", {}, w.due, row.due)))), this.ends(below, w.takeOn)));
        rows[0].pick.focus();
      } catch (error) {
        below.replaceChildren(this.failure(error));
      }
    }

    async takeOn(answer, initiative, rows, below) {
      const chosen = rows.flatMap((row, place) => (row.pick.checked ? [{ place, owner: row.owner.value.trim(), due_on: row.due.value || null }] : []));
      if (!chosen.length) { below.replaceChildren(); return; }
      try {
        const entries = await this.client.call("POST", "/checklist", { answer: answer.id, chosen, initiative });
        const titles = entries.map((entry) => ({ id: entry.subject, title: entry.patch.title, owner: entry.patch.owner, due: entry.patch.due_on }));
        below.replaceChildren(h("h3", {}, this.words.onList), ...(titles.length ? titles.map((item) => this.item(item)) : [h("p", { class: "quiet" }, this.words.merged)]));
        below.tabIndex = -1;
        below.focus();
        this.announce(this.words.onList);
        this.tell("checklist", { items: titles.map((item) => item.id) });
      } catch (error) {
        below.append(this.failure(error));
      }
    }

    item({ id, title, owner, due }) {
      const w = this.words;
      const evidence = h("input", { type: "text", maxlength: "1000", required: true });
      const day = due ? new Intl.DateTimeFormat(this.language, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(due)) : "";
      const about = [owner, day].filter(Boolean).join(", ");
      const form = h("form", { class: "card", onsubmit: async (event) => {
        event.preventDefault();
        try {
          await this.client.call("POST", `/checklist/${encodeURIComponent(id)}/done`, { evidence: evidence.value });
          form.replaceChildren(h("p", {}, `☑ ${title} (${w.done})`));
          form.tabIndex = -1;
          form.focus();
          this.announce(w.done);
        } catch (error) { form.append(this.failure(error)); }
      } }, h("div", {}, h("span", { lang: "en" }, `☐ ${title}`), about ? h("div", { class: "quiet" }, about) : null),
      h("label", {}, w.evidence, evidence), h("div", { class: "ends" }, h("button", { class: "plain", type: "submit" }, w.tick)));
      return form;
    }

    // Conversations

    showTalk() { this.aside.hidden = true; this.aside.replaceChildren(); this.log.hidden = false; }

    restart() {
      this.leave();
      this.conversation = null;
      this.showTalk();
      this.welcome();
      this.field.focus();
    }

    async showHistory(cursor = 0) {
      const w = this.words;
      try {
        const page = await this.client.call("GET", `/conversations?cursor=${cursor}`);
        const dates = new Intl.DateTimeFormat(this.language, { dateStyle: "medium", timeStyle: "short" });
        const lines = page.items.map((head) => {
          const forget = h("button", { type: "button", class: "icon", "aria-label": fill(w.forget, head), onclick: () => this.forget(head, forget) }, icon("close"));
          return h("li", {}, h("button", { type: "button", class: "plain", onclick: () => this.load(head.id).catch((error) => this.aside.append(this.failure(error))) }, head.title, h("small", {}, dates.format(new Date(head.last_at)))), forget);
        });
        this.log.hidden = true;
        this.aside.hidden = false;
        const button = (label, onclick) => h("button", { type: "button", class: "plain", onclick }, label);
        const ways = [button(w.back, () => this.showTalk()), ...(cursor ? [button(w.newest, () => this.showHistory())] : [])];
        this.aside.replaceChildren(h("div", { class: "ends" }, ...ways), h("h3", {}, w.history),
          lines.length ? h("ul", { class: "past" }, ...lines) : h("p", { class: "quiet" }, w.noHistory),
          ...(page.next ? [button(w.older, () => this.showHistory(page.next))] : []));
        this.aside.querySelector("button").focus();
      } catch (error) {
        this.log.append(this.failure(error));
      }
    }

    async forget(head, button) { // asked once more: it cannot be undone
      if (button.dataset.sure !== "yes") {
        button.dataset.sure = "yes";
        button.replaceChildren(this.words.forgetSure);
        return;
      }
      try {
        await this.client.call("DELETE", `/conversations/${encodeURIComponent(head.id)}`);
        if (this.conversation === head.id) { this.leave(); this.conversation = null; this.welcome(); }
        await this.showHistory();
      } catch (error) {
        this.aside.append(this.failure(error));
      }
    }

    async load(id) {
      const found = await this.client.call("GET", `/conversations/${encodeURIComponent(id)}`);
      this.leave();
      this.conversation = id;
      this.showTalk();
      this.log.replaceChildren();
      for (const answer of found.answers) {
        const box = h("article", { class: "answer", lang: "en", dir: "ltr", "aria-label": this.words.answer });
        const cited = new Map(answer.citations.map((citation) => [citation.number, citation]));
        box.append(...answer.blocks.flatMap((block) => this.render(block, cited)));
        this.dress(answer, box);
        this.log.append(h("div", { class: "asked", dir: "auto" }, h("span", { class: "sr" }, `${this.words.you}: `), answer.question), box);
      }
      const last = found.answers.at(-1);
      if (last?.suggestions.length) this.log.append(this.choices(this.words.next, last.suggestions));
      this.away = false;
      requestAnimationFrame(() => this.showLatest(true));
    }
  }

  customElements.define("ai-advisor", AdvisorElement);

  const find = () => document.querySelector("ai-advisor");
  const mounted = new Promise((resolve) => { window.addEventListener("load", () => resolve(find())); });
  const built = async () => { const element = find() || (await mounted); await element?.whole; return element; };
  window.Advisor = {
    open: async () => (await built())?.open(),
    close: async () => (await built())?.close(),
    ask: async (question) => { const element = await built(); element?.open(); return element?.ask(question); },
    on: (name, listener) => document.addEventListener(`advisor:${name}`, listener),
    // a path that returns a token, a function that does, or a token: text with two dots is a token and never a path
    setToken: async (source) => {
      const element = find() || (await mounted);
      if (!element) return;
      element.tokenSource = typeof source === "string" && source.split(".").length === 3 && !source.includes("/") ? () => source : source;
      if (element.client) element.client.tokenSource = element.tokenSource;
    },
  };

  function mount() {
    if (!SCRIPT || SCRIPT.dataset.mount === "no" || find()) return;
    const element = document.createElement("ai-advisor");
    for (const [name, value] of Object.entries(SCRIPT.dataset)) element.setAttribute(name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`), value);
    const place = SCRIPT.dataset.target ? document.querySelector(SCRIPT.dataset.target) : document.body;
    place ? place.append(element) : console.warn(`ai-advisor: nothing on the page matches ${SCRIPT.dataset.target}`);
  }
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", mount) : mount();
})();
