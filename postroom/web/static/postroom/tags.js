// Turns a text area with one entry a line into tags. A comma belongs to a keyword, and parts addresses. The text area stays what is sent, so that the server
// sees the same with and without this file; it also decides what is an entry.

const SHOWN = 100;

class Tags {
  constructor(root) {
    this.root = root;
    this.area = root.querySelector("textarea");
    this.say = root.dataset;
    this.parts = this.say.kind !== "keyword";
    this.tags = [];            // { text, key, reason }
    this.filter = "";
    this.build();
    this.takeOver();
    this.render();
  }

  build() {
    const id = `${this.area.id}_entry`;
    this.area.hidden = true;
    this.root.querySelector("[data-plain]")?.remove();
    this.root.querySelector("label").htmlFor = id;
    this.box = make("div", { className: "tags-box" });
    this.entry = make("input", { id, type: "text", autocomplete: "off", placeholder: this.say.add, maxLength: 2_000_000 });
    for (const name of ["spellcheck", "autocapitalize"]) this.entry.setAttribute(name, this.area.getAttribute(name) ?? "");
    this.keys = make("div", { className: "help", id: `${id}_keys`, textContent: this.say.keys });
    this.list = make("ul", { className: "tag-list plain" });
    this.list.setAttribute("aria-label", this.say.list);
    this.more = make("div", { className: "tag-more help", hidden: true });
    this.count = make("span", {});
    this.find = make("input", { type: "search", placeholder: this.say.find });
    this.find.setAttribute("aria-label", this.say.find);
    this.more.append(this.count, this.find);
    this.complaints = make("ul", { className: "errors", id: `${id}_errors` });
    this.live = make("div", { className: "visually-hidden" });
    this.live.setAttribute("role", "status");
    const described = (this.area.getAttribute("aria-describedby") ?? "").split(" ");
    this.entry.setAttribute("aria-describedby", [...described.filter((name) => name.endsWith("_helptext")), this.keys.id, this.complaints.id].join(" ").trim());
    this.box.append(this.entry, this.list, this.more);
    this.area.after(this.box, this.keys, this.complaints, this.live);
    this.entry.addEventListener("keydown", (event) => this.onKey(event));
    this.entry.addEventListener("input", () => this.onInput());
    this.entry.addEventListener("paste", (event) => this.onPaste(event));
    this.list.addEventListener("click", (event) => this.onClick(event));
    this.list.addEventListener("keydown", (event) => this.onListKey(event));
    this.find.addEventListener("input", () => { this.filter = this.find.value.toLowerCase(); this.render(); });
    this.find.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
    this.area.form?.addEventListener("submit", () => this.add([this.entry.value]));
  }

  // What the server sent: the entries, and what it says of some of them (“entry”: reason).
  takeOver() {
    const said = [...this.root.querySelectorAll(":scope > ul.errorlist > li")].map((item) => item.textContent);
    this.root.querySelector(":scope > ul.errorlist")?.remove();
    this.general = said.filter((text) => !text.startsWith("“"));
    for (const text of lines(this.area.value)) {
      const found = said.find((sentence) => sentence.startsWith(`“${text}”: `));
      this.tags.push({ text, key: text.toLowerCase(), reason: found ? found.slice(text.length + 4) : "" });
    }
  }

  onKey(event) {
    if (event.isComposing) return;
    const text = this.entry.value.trim();
    if (event.key === "Enter") { event.preventDefault(); this.add([text]); }
    else if (event.key === "Tab" && !event.shiftKey && text) { event.preventDefault(); this.add([text]); }
    else if (event.key === "Backspace" && !this.entry.value && this.tags.length) {
      event.preventDefault();
      this.remove(this.tags.length - 1);
    }
  }

  onInput() {
    if (this.parts && this.entry.value.includes(",")) {
      const parts = this.entry.value.split(",");
      const rest = parts.pop();
      this.add(parts);
      this.entry.value = rest.trimStart();
    }
    this.write();
  }

  onPaste(event) {
    const text = event.clipboardData.getData("text");
    const parts = lines(this.parts ? text.replace(/[,;]/g, "\n") : text);
    if (parts.length < 2) return;
    event.preventDefault();
    this.add(parts);
  }

  onClick(event) {
    const button = event.target.closest("button");
    if (button) this.remove(Number(button.dataset.index), button);
  }

  // The list is one stop of the Tab key; arrows go through it.
  onListKey(event) {
    const buttons = [...this.list.querySelectorAll("button")];
    const at = buttons.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (event.key === "Delete" || event.key === "Backspace") { event.preventDefault(); this.remove(Number(event.target.dataset.index), event.target); }
    else if (to !== undefined && buttons[to]) {
      event.preventDefault();
      for (const button of buttons) button.tabIndex = -1;
      buttons[to].tabIndex = 0;
      buttons[to].focus();
    }
  }

  add(texts) {
    const known = new Set(this.tags.map((tag) => tag.key));
    const fresh = [], twice = [];
    for (const text of texts.map((part) => part.replace(/\s+/g, " ").trim()).filter(Boolean)) {
      const key = text.toLowerCase();
      if (known.has(key)) twice.push(text);
      else { known.add(key); fresh.push({ text, key, reason: "" }); }
    }
    this.entry.value = "";
    this.twice = [...new Set(twice)];
    if (fresh.length) this.general = []; // It was said of the list as it was sent.
    this.tags.push(...fresh);
    const first = this.twice.length ? [fill(this.say.twice, { tag: this.twice[0] })] : [];
    if (fresh.length === 1) first.push(fill(this.say.added, { tag: fresh[0].text }));
    else if (fresh.length) first.push(fill(this.say.addedMany, { count: fresh.length.toLocaleString() }));
    if (first.length) this.live.textContent = first.join(" ");
    this.render();
    if (fresh.length) this.check(fresh);
  }

  async check(fresh) {
    const body = new FormData();
    body.set("kind", this.say.kind);
    body.set("tags", fresh.map((tag) => tag.text).join("\n"));
    body.set("csrfmiddlewaretoken", this.area.form.querySelector("[name=csrfmiddlewaretoken]").value);
    const answer = await fetch(this.say.check, { method: "POST", body }).catch(() => null);
    if (!answer?.ok || answer.redirected) return; // The server says it on saving.
    const said = new Map((await answer.json()).tags.map((tag) => [tag.typed, tag]));
    const others = new Set(this.tags.filter((tag) => !fresh.includes(tag)).map((tag) => tag.key));
    for (const tag of fresh) {
      const known = said.get(tag.text);
      if (!known) continue;
      tag.reason = known.reason;
      if (known.reason) continue;
      tag.text = known.value;
      tag.key = known.key;
      if (others.has(tag.key)) {
        this.twice = [...(this.twice ?? []), tag.text];
        this.tags = this.tags.filter((other) => other !== tag);
        this.live.textContent = fill(this.say.twice, { tag: tag.text });
      }
      others.add(tag.key);
    }
    const refused = fresh.find((tag) => tag.reason);
    if (refused) this.live.textContent = `“${refused.text}”: ${refused.reason}`;
    this.render();
  }

  remove(index, button) {
    const shown = button ? [...this.list.querySelectorAll("button")].indexOf(button) : -1;
    const [gone] = this.tags.splice(index, 1);
    if (!gone) return;
    this.twice = [];
    this.general = [];
    this.live.textContent = fill(this.say.removed, { tag: gone.text });
    this.render();
    const next = this.list.querySelectorAll("button")[Math.max(0, shown)];
    (shown >= 0 && next ? next : this.entry).focus();
  }

  write() {
    const rest = this.entry.value.trim();
    this.area.value = [...this.tags.map((tag) => tag.text), ...(rest ? [rest] : [])].join("\n");
  }

  // Newest first; of long lists only some are shown, the rest is found by typing.
  render() {
    this.write();
    const found = [];
    for (let index = this.tags.length - 1; index >= 0 && found.length < SHOWN; index -= 1) {
      if (!this.filter || this.tags[index].text.toLowerCase().includes(this.filter)) found.push(index);
    }
    this.list.replaceChildren(...found.map((index, place) => this.chip(index, place)));
    this.list.hidden = !found.length;
    this.more.hidden = this.tags.length <= 20 && !this.filter;
    const numbers = { shown: found.length.toLocaleString(), count: this.tags.length.toLocaleString() };
    this.count.textContent = fill(found.length < this.tags.length ? this.say.shown : this.say.count, numbers);
    const refused = this.tags.filter((tag) => tag.reason).map((tag) => `“${tag.text}”: ${tag.reason}`);
    const twice = (this.twice ?? []).slice(0, 10).map((tag) => fill(this.say.twice, { tag }));
    this.complaints.replaceChildren(...[...this.general, ...refused, ...twice].map((textContent) => make("li", { textContent })));
    if (refused.length || this.general.length) this.entry.setAttribute("aria-invalid", "true");
    else this.entry.removeAttribute("aria-invalid");
  }

  chip(index, place) {
    const tag = this.tags[index];
    const item = make("li", { className: tag.reason ? "tag bad" : "tag" });
    const button = make("button", { type: "button", textContent: "×", tabIndex: place === 0 ? 0 : -1 });
    button.dataset.index = index;
    button.setAttribute("aria-label", fill(this.say.remove, { tag: tag.text }) + (tag.reason ? ` (${tag.reason})` : ""));
    item.append(make("span", { textContent: tag.text }), button);
    return item;
  }
}

const make = (name, values) => Object.assign(document.createElement(name), values);
const lines = (text) => text.split(/[\r\n]+/).map((line) => line.trim()).filter(Boolean);
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function enhance(part) {
  for (const root of part.querySelectorAll("[data-tags]:not([data-ready])")) {
    root.dataset.ready = "";
    new Tags(root);
  }
}

enhance(document);
document.addEventListener("htmx:load", (event) => enhance(event.detail.elt));
